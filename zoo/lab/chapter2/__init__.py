"""Chapter 2: how the backpropagation algorithm works."""

MODULES = ("backpropagation", "equations", "other_neurons")

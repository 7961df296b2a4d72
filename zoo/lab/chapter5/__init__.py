"""Chapter 5: why deep neural networks are hard to train."""

MODULES = ("depth", "gradients", "chain", "single_neuron", "remedies")

"""Chapter 4: a visual proof that neural nets can compute any function."""

MODULES = ("steps", "one_input", "two_inputs", "ridges", "activations", "windows")

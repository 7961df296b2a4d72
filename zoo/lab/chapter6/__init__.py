"""Chapter 6: deep learning."""

MODULES = ()

"""Chapter 1: using neural nets to recognise handwritten digits."""

MODULES = ("neurons", "gates", "strings", "valley", "digits")

"""Chapter 6: deep learning."""

MODULES = ("pieces", "filters", "expansion", "dropout", "votes", "adversarial", "fooling")

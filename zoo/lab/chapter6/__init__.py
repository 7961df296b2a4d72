"""Chapter 6: deep learning."""

MODULES = (
    "pieces",
    "filters",
    "networks",
    "expansion",
    "dropout",
    "votes",
    "adversarial",
    "fooling",
)

"""Chapter 6: deep learning."""

MODULES = (
    "pieces",
    "by_hand",
    "filters",
    "networks",
    "expansion",
    "dropout",
    "votes",
    "adversarial",
    "fooling",
    "exercises",
    "rectified",
    "survey",
    "boltzmann",
    "recurrent",
)

"""Chapter 3: improving the way neural networks learn."""

MODULES = (
    "neuron",
    "costs",
    "overfitting",
    "simplicity",
    "more_data",
    "initialization",
    "hyper_parameters",
    "other_techniques",
    "replays",
)

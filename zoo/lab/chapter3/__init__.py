"""Chapter 3: improving the way neural networks learn."""

MODULES = (
    "neuron",
    "costs",
    "softmax_limit",
    "overfitting",
    "penalties",
    "simplicity",
    "more_data",
    "initialization",
    "hyper_parameters",
    "stopping",
    "practice",
    "other_techniques",
    "second_order",
    "replays",
)

"""Chapter 3: improving the way neural networks learn."""

MODULES = (
    "neuron",
    "costs",
    "softmax_limit",
    "overfitting",
    "simplicity",
    "more_data",
    "initialization",
    "hyper_parameters",
    "other_techniques",
    "second_order",
    "replays",
)

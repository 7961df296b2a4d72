"""From a declaration to a compiled Keras model: losses, initial weights, dropout, voting.

Importing it registers the classes that stand in a model, so that Keras can load it from a file.
"""

from zoo.nn import block_model, convolution, dropout, losses, optimizers, pooling, voting

__all__ = [
    "block_model", "convolution", "dropout", "losses", "optimizers", "pooling", "voting",
]  # fmt: skip

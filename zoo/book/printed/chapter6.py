"""The code that chapter 6 of the book prints: network3.py."""

from __future__ import annotations

from zoo.book.printed.snippet import Snippet

LOAD = """import network3
from network3 import Network
from network3 import ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer
training_data, validation_data, test_data = network3.load_data_shared()
mini_batch_size = 10
"""
EXPANDED = """expanded_training_data, _, _ = network3.load_data_shared(
        "../data/mnist_expanded.pkl.gz")
"""


def _conv(maps: int, side: int, filters: int, activation: str = "") -> str:
    last = f",\n                      activation_fn={activation})" if activation else ")"
    return (
        f"ConvPoolLayer(image_shape=(mini_batch_size, {maps}, {side}, {side}),\n"
        f"                      filter_shape=({filters}, {maps}, 5, 5),\n"
        f"                      poolsize=(2, 2){last}"
    )


def _network(*layers: str) -> str:
    inside = ",\n        ".join(layers)
    return f"net = Network([\n        {inside}], mini_batch_size)\n"


def _dense(inputs: str, units: int, *options: str) -> str:
    return f"FullyConnectedLayer({', '.join([f'n_in={inputs}', f'n_out={units}', *options])})"


def _softmax(inputs: int | str, *options: str) -> str:
    return f"SoftmaxLayer({', '.join([f'n_in={inputs}', 'n_out=10', *options])})"


def _sgd(settings: str, training: str = "training_data", *options: str) -> str:
    rest = "".join(f", {option}" for option in options)
    return f"net.SGD({training}, {settings},\n        validation_data, test_data{rest})"


FIRST, SECOND = _conv(1, 28, 20), _conv(20, 12, 40)
RELU = "activation_fn=ReLU"
RELU_FIRST, RELU_SECOND = _conv(1, 28, 20, "ReLU"), _conv(20, 12, 40, "ReLU")
RELU_SGD = _sgd("60, mini_batch_size, 0.03", "training_data", "lmbda=0.1")
EXPANDED_SGD = _sgd("60, mini_batch_size, 0.03", "expanded_training_data", "lmbda=0.1")


def _two_dense(units: int, *options: str) -> str:
    return _network(
        RELU_FIRST,
        RELU_SECOND,
        _dense("40*4*4", units, RELU, *options),
        _dense(str(units), units, RELU, *options),
        _softmax(units, *options),
    )


CHAPTER_6 = (
    Snippet(
        "shallow",
        "practice",
        LOAD + _network(_dense("784", 100), _softmax(100)) + _sgd("60, mini_batch_size, 0.1"),
        "97.80 %",
        "shallow",
    ),
    Snippet(
        "conv1",
        "practice",
        _network(FIRST, _dense("20*12*12", 100), _softmax(100)) + _sgd("60, mini_batch_size, 0.1"),
        "98.78 %",
        "conv1",
    ),
    Snippet(
        "conv1_only",
        "practice",
        _network(FIRST, _softmax("20*12*12")) + _sgd("60, mini_batch_size, 0.1"),
        "",
        "conv1_only",
    ),
    Snippet(
        "conv2",
        "practice",
        _network(FIRST, SECOND, _dense("40*4*4", 100), _softmax(100))
        + _sgd("60, mini_batch_size, 0.1"),
        "99.06 %",
        "conv2",
    ),
    Snippet(
        "conv2_tanh",
        "practice",
        "from network3 import tanh\n"
        + _network(
            _conv(1, 28, 20, "tanh"),
            _conv(20, 12, 40, "tanh"),
            _dense("40*4*4", 100, "activation_fn=tanh"),
            _softmax(100),
        )
        + _sgd("20, mini_batch_size, 0.1"),
        "",
        "conv2_tanh",
    ),
    Snippet(
        "conv2_relu",
        "practice",
        "from network3 import ReLU\n"
        + _network(RELU_FIRST, RELU_SECOND, _dense("40*4*4", 100, RELU), _softmax(100))
        + RELU_SGD,
        "99.23 %",
        "conv2_relu",
    ),
    Snippet(
        "expanded",
        "practice",
        EXPANDED
        + _network(RELU_FIRST, RELU_SECOND, _dense("40*4*4", 100, RELU), _softmax(100))
        + EXPANDED_SGD,
        "99.37 %",
        "conv2_relu.expanded",
    ),
    *(
        Snippet(
            f"two_dense_{units}",
            "practice",
            _two_dense(units) + EXPANDED_SGD,
            f"{accuracy} %",
            f"conv2_relu_2fc{units}",
        )
        for units, accuracy in ((100, "99.43"), (300, "99.48"), (1000, "99.47"))
    ),
    Snippet(
        "dropout",
        "practice",
        _two_dense(1000, "p_dropout=0.5")
        + _sgd("40, mini_batch_size, 0.03", "expanded_training_data"),
        "99.60 %",
        "conv2_relu_dropout",
    ),
)

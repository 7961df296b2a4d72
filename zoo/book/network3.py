"""network3.py of chapter 6: convolutions, dropout, softmax, trained as the zoo's Keras models."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.book.layers3 import (
    ConvPoolLayer,
    FullyConnectedLayer,
    Layer,
    ReLU,
    SoftmaxLayer,
    connect,
    linear,
    tanh,
)
from zoo.book.pairs import own_random_numbers
from zoo.book.sigmoid_network import sigmoid
from zoo.data import Split
from zoo.errors import DataError, SpecError
from zoo.spec import ModelSpec, Recipe
from zoo.utils.tensorflow import import_tensorflow

if TYPE_CHECKING:
    import keras

__all__ = [
    "ConvPoolLayer", "FullyConnectedLayer", "Network", "ReLU", "SoftmaxLayer", "linear",
    "load_data_shared", "sigmoid", "size", "tanh",
]  # fmt: skip

Images = tuple[np.ndarray, np.ndarray]


def load_data_shared(filename: str | Path = "../data/mnist.pkl.gz") -> list[Images]:
    """The training, validation and test data, each a pair of images and digits.

    A file of that name is read; where there is none, mnist.pkl.gz comes from `zoo.load_data`, and
    mnist_expanded.pkl.gz is that with the training images expanded, as `expand_mnist` does it.

    Returns:
        Three pairs: float32 [n, 784], 0 to 255/256, and int64 [n].

    Raises:
        DataError: A file of another name that is not there, or one that is not the book's.
    """
    from zoo.book.mnist_loader import numbers
    from zoo.data import load_data

    path = Path(filename)
    if path.exists():
        splits = _read(path)
    elif path.name in ("mnist.pkl.gz", "mnist_expanded.pkl.gz"):
        data = load_data(expanded="expanded" in path.name)
        splits = (data.train, data.validation, data.test)
    else:
        raise DataError(f"Cannot read {filename}: there is no such file.")
    return [numbers(split) for split in splits]


def size(data: Images) -> int:
    """How many images a pair of images and digits has."""
    return len(data[0])


class Network:
    """Layers of chapter 6, the last of them a `SoftmaxLayer`.

    `layers` keep their weights in NumPy arrays `w` and `b`, drawn by `np.random` when they were
    made; `SGD` leaves those of its last epoch in them.
    """

    def __init__(self, layers: Sequence[Layer], mini_batch_size: int):
        self.layers = list(layers)
        self.mini_batch_size = mini_batch_size
        self._recipe = Recipe(
            cost="log_likelihood",
            epochs=60,
            learning_rate=0.1,
            batch_size=mini_batch_size,
            lambda_per="batch",
            initializer="fan_out_normal",
            shuffle=False,
            partial_batch=False,
        )
        self._test_images: np.ndarray | None = None
        self._answering: keras.Model | None = None
        connect(self.layers)

    @property
    def params(self) -> list[np.ndarray]:
        """The weights and biases of all layers, w and b in turn."""
        return [array for layer in self.layers for array in (layer.w, layer.b)]

    @property
    def spec(self) -> ModelSpec:
        """The zoo's declaration of this network, with the settings that `SGD` was last given."""
        return ModelSpec("network3", tuple(layer.spec for layer in self.layers), self._recipe)

    @property
    def model(self) -> keras.Model:
        """The zoo's Keras model with these weights, for `zoo.evaluate`, `zoo.save` and export.

        A copy: what it learns later is not the network's.
        """
        with own_random_numbers():
            import_tensorflow()
            from zoo.nn.builder import build_model

            model = build_model(self.spec, seed=0)  # of the dropout masks; the weights are ours
        model.set_weights(self._keras_weights())
        return model

    def SGD(
        self,
        training_data: Images,
        epochs: int,
        mini_batch_size: int,
        eta: float,
        validation_data: Images,
        test_data: Images,
        lmbda: float = 0.0,
    ) -> None:
        """Train by mini-batches, and print the validation accuracy of every epoch.

        The images come in the order of the set, and a mini-batch that is not full is left out.
        The test accuracy is that of the epoch with the best validation accuracy so far; of equal
        ones the later. The weights are those of the last epoch.

        Args:
            training_data: Images [n, 784] of whole numbers / 256, and digits [n].
            epochs: How often all of them are seen.
            mini_batch_size: Images in a step.
            eta: The learning rate.
            validation_data: As the training data.
            test_data: As the training data.
            lmbda: lambda of the L2 regularization; it is divided by the mini-batches of an epoch,
                not by the images as in network2.
        """
        with own_random_numbers():
            import_tensorflow()
            from zoo.book.progress import Progress
            from zoo.nn.batching import Blocks

        training, validation, test = map(_split, (training_data, validation_data, test_data))
        self._recipe = dataclasses.replace(
            self._recipe,
            epochs=epochs,
            batch_size=mini_batch_size,
            learning_rate=eta,
            l2=lmbda,
            images=len(training),
        )
        model = self.model
        progress = Progress(
            len(training) // mini_batch_size,
            _full(validation, mini_batch_size),
            _full(test, mini_batch_size),
        )
        blocks = Blocks(training, mini_batch_size, partial_batch=False)
        try:
            model.fit(blocks, epochs=epochs, callbacks=[progress], verbose=0)
        finally:
            arrays = iter(model.get_weights())
            for layer in self.layers:
                layer.from_keras(next(arrays), next(arrays))
        self._test_images = test.images
        progress.finish()

    def test_mb_predictions(self, i: int) -> np.ndarray:
        """The digits that the network sees in mini-batch `i` of the last test data."""
        if self._test_images is None:
            raise SpecError("there is no test data yet: call SGD first")
        start = i * self.mini_batch_size
        images = self._test_images[start : start + self.mini_batch_size]
        if self._answering is None:  # building one takes longer than a thousand answers
            self._answering = self.model
        self._answering.set_weights(self._keras_weights())
        return np.asarray(self._answering(images)).argmax(axis=1)

    def _keras_weights(self) -> list[np.ndarray]:
        return [array for layer in self.layers for array in layer.to_keras()]


def _split(data: Any) -> Split:
    images, digits = np.asarray(data[0]), np.asarray(data[1])
    if images.ndim < 2 or images[0].size != 784:
        raise DataError(f"network3 takes images [n, 784], not {list(images.shape)}")
    if images.dtype != np.uint8:
        scaled = images * 256
        images = scaled.astype(np.uint8)
        if not np.array_equal(images, scaled):
            raise DataError(
                "network3 trains on images whose pixels are whole numbers from 0 to 255, divided "
                "by 256, as `load_data_shared` gives them."
            )
    return Split(images.reshape(-1, 28, 28, 1), digits)


def _full(split: Split, mini_batch_size: int) -> Split:
    return split.take(len(split) - len(split) % mini_batch_size)


def _read(path: Path) -> tuple[Split, Split, Split]:
    from zoo.data.book_pickle import parse_pickle
    from zoo.data.idx import read_file

    return parse_pickle(read_file(path), str(path), limit=2**30)  # expanded, it has 787 MB

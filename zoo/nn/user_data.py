"""Data sets of users on their way into Keras' `fit`, `evaluate` and `predict`.

Arrays are checked before the first step, and data sets that come batch by batch at each batch, by
the same contract (zoo/nn/contract.py).
"""

from __future__ import annotations

import contextlib
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.data import Data, Split
from zoo.errors import DataError
from zoo.nn.contract import as_images, as_labels


@dataclass(frozen=True)
class Door:
    """What a model takes: images of one shape, and labels of so many classes.

    `classes` is None where labels are left to Keras: for a loss that the user chose, and for
    predictions.
    """

    shape: tuple[int, ...]
    classes: int | None

    def images(self, images: Any) -> Any:
        """Images as bytes of the model's shape, or DataError."""
        return as_images(images, self.shape)

    def labels(self, labels: Any) -> Any:
        """Labels as numbers of classes, or DataError."""
        if labels is None or self.classes is None:
            return labels
        return as_labels(labels, self.classes)

    def batch(self, batch: Any) -> Any:
        """The images of a batch, or its tuple of images, labels and the rest, checked."""
        if not isinstance(batch, (tuple, list)):
            return self.images(alone(batch))
        images, *rest = batch
        if rest:
            rest[0] = self.labels(rest[0])
        return (self.images(alone(images)), *rest)

    def data(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        """What Keras takes for data: arrays with their labels, a `Split`, or a whole data set.

        Args:
            x: Images, a `Split`, a `PyDataset`, a generator, a `tf.data.Dataset`, or another
                loader, which is handed on unchecked.
            y: The labels of images; None where x has its own.

        Returns:
            x and y for Keras: arrays are checked, and data sets check their batches as they pass.

        Raises:
            DataError: Images or labels are not what the model takes, or there is no image; a
                `Split` comes with labels, or a whole `Data` in place of one of its splits.
        """
        if isinstance(x, Split):
            _refuse_labels(y, "a Split has its labels")
            return self.images(x.images), self.labels(x.labels)
        if isinstance(x, Data):
            raise DataError(
                "a Data has three splits: give data.train, data.validation or data.test"
            )
        if isinstance(x, keras.utils.PyDataset):
            return _Checked(x, self), y
        if isinstance(x, types.GeneratorType):
            return (self.batch(batch) for batch in x), y
        if _is_tensorflow_dataset(x):
            return self._dataset(x), y
        x = alone(x)
        if x is None or _is_loader(x):
            return x, y
        images = self.images(x)
        if not len(images):
            raise DataError("there is no image here: give at least one")
        return images, self.labels(y)

    def labelled(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        """What Keras takes for data to learn from or to score: as `data` has it.

        Args:
            x: As for `data`.
            y: As for `data`.

        Raises:
            DataError: As for `data`; or images come without labels.
        """
        x, y = self.data(x, y)
        if y is None and self.classes and isinstance(x, np.ndarray):
            raise DataError("images alone teach nothing, and have no score: give labels, too")
        return x, y

    def validation(self, data: Any) -> Any:
        """What `fit` takes as `validation_data`: a tuple of arrays, or as for `data`."""
        if not isinstance(data, (tuple, list)):
            x, y = self.labelled(data)
            return x if y is None else (x, y)
        x, y, *rest = (*data, None)[: max(2, len(data))]
        return (*self.labelled(x, y), *rest)

    def _dataset(self, dataset: Any) -> Any:
        """A `tf.data.Dataset` whose batches are checked as they pass."""
        import tensorflow as tf

        if isinstance(dataset.element_spec, (tuple, dict)):
            dataset = dataset.map(_unnamed)
        spec = dataset.element_spec
        parts = spec if isinstance(spec, tuple) else (spec,)
        if not all(isinstance(part, tf.TensorSpec) for part in parts):
            return dataset
        shape = parts[0].shape
        ready = parts[0].dtype == tf.uint8 and shape.rank == 4 and tuple(shape[1:]) == self.shape

        def check(images, *rest):
            if not ready:
                images = tf.numpy_function(self.images, [images], tf.uint8)
                images.set_shape((None, *self.shape))
            if rest and self.classes is not None:
                labels = tf.numpy_function(self.labels, [rest[0]], tf.int32)
                labels.set_shape((None,))
                rest = (labels, *rest[1:])
            return (images, *rest) if isinstance(spec, tuple) else images

        return dataset.map(check)


def _unnamed(images: Any, *rest: Any) -> Any:
    images = alone(images)
    return (images, *rest) if rest else images


class _Checked(keras.utils.PyDataset):
    """A user's `PyDataset` whose batches are checked as they pass."""

    def __init__(self, dataset: keras.utils.PyDataset, door: Door):
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self.dataset = dataset
        self.door = door

    @property
    def num_batches(self) -> int | None:
        return self.dataset.num_batches

    def __getitem__(self, index: int) -> Any:
        return self.door.batch(self.dataset[index])

    def on_epoch_begin(self) -> None:
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Raise the DataError that TensorFlow wraps in pages of its own."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        if found := re.search(r"^.*\bDataError: (.+)$", str(error), re.MULTILINE):
            raise DataError(found[1]) from None
        raise


def _refuse_labels(y: Any, reason: str) -> None:
    if y is not None:
        raise DataError(f"{reason}: leave y out")


def alone(x: Any) -> Any:
    """The images, given as Keras takes them for one input: in a list of one, or by a name."""
    if isinstance(x, dict) and len(x) == 1:
        (x,) = x.values()
    if isinstance(x, (list, tuple)) and len(x) == 1 and hasattr(x[0], "shape"):
        return x[0]
    return x


def _is_tensorflow_dataset(x: Any) -> bool:
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(x, tf.data.Dataset)


def _is_loader(x: Any) -> bool:
    # PyTorch's, and whatever else comes in batches: the model itself refuses what is not bytes.
    return (
        hasattr(x, "__iter__")
        and not hasattr(x, "__array__")
        and not isinstance(x, (list, tuple, dict))
    )

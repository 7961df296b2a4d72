"""mnist_loader.py of chapter 1: MNIST as network.py and network2.py want it."""

from __future__ import annotations

import numpy as np

from zoo.data import Split
from zoo.data import load_data as load_images

Column = np.ndarray
Labelled = tuple[np.ndarray, np.ndarray]


def load_data() -> tuple[Labelled, Labelled, Labelled]:
    """The training, validation and test data of the book, each as a pair (images, digits).

    Returns:
        Three pairs: float32 [n, 784] from 0 (white) to 255/256 (black), and int64 [n]; n is 50,000,
        10,000 and 10,000. The book reads them from mnist.pkl.gz; here they come from
        `zoo.load_data`, which finds them wherever they are.

    Raises:
        DataError: The images cannot be had.
    """
    data = load_images()
    return numbers(data.train), numbers(data.validation), numbers(data.test)


def numbers(split: Split) -> Labelled:
    """Images as rows of float32, byte/256 as in the book's file, and their digits as int64."""
    return split.images.reshape(len(split), -1) / np.float32(256), split.labels.astype(np.int64)


def load_data_wrapper() -> tuple[
    list[tuple[Column, Column]], list[tuple[Column, int]], list[tuple[Column, int]]
]:
    """The same data as lists of pairs (x, y), more convenient for the networks.

    Returns:
        Three lists. x is a column (784, 1) of float32. In the training data y is the target, a
        column (10, 1) with a 1.0 for the digit; in the other two it is the digit itself.
    """
    training, validation, test = (
        ([x.reshape(784, 1) for x in images], digits.tolist()) for images, digits in load_data()
    )
    targets = [vectorized_result(digit) for digit in training[1]]
    return (
        list(zip(training[0], targets, strict=True)),
        list(zip(*validation, strict=True)),
        list(zip(*test, strict=True)),
    )


def vectorized_result(j: int) -> Column:
    """The target of the digit `j`: a column (10, 1) with 1.0 in row j, and 0.0 elsewhere.

    >>> vectorized_result(2).ravel().tolist()
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    target = np.zeros((10, 1))
    target[j] = 1.0
    return target

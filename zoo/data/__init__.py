"""The images: MNIST in the book's split, expanded or cut down, and pictures of any other kind.

    from zoo.data import load_data
    mnist = load_data()
    len(mnist.train), len(mnist.validation), len(mnist.test)    # 50000, 10000, 10000

`zoo.data.book_mnist` is the same set for users of tensorflow_datasets; importing this package
imports neither it nor TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.data.dataset import Data, Split

if TYPE_CHECKING:
    from zoo.data.loading import load_data

__all__ = ["Data", "Split", "load_data"]


def __getattr__(name: str):
    if name == "load_data":  # late: a photo is read without what loads sets of images
        from zoo.data.loading import load_data

        return load_data
    raise AttributeError(f"module 'zoo.data' has no attribute {name!r}")

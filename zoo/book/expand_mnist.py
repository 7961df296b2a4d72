"""expand_mnist.py of chapter 6: the training images, and each one pixel up, down, left and right.

`python -m zoo.book.expand_mnist` writes ../data/mnist_expanded.pkl.gz, from which
`network3.load_data_shared` reads; give another path if you wish.
"""

from __future__ import annotations

import gzip
import pickle
import sys
from pathlib import Path

from zoo.book.mnist_loader import numbers
from zoo.data import load_data
from zoo.data.expand import expand
from zoo.utils.atomic import atomic_write

EXPANDED = "../data/mnist_expanded.pkl.gz"


def expand_mnist(filename: str | Path = EXPANDED) -> None:
    """Write the 250,000 images in the format of the book's mnist.pkl.gz, unless they are there.

    The file holds three pairs, float32 [n, 784] and int64 [n], of which the first is expanded. It
    takes some minutes and 100 MB on the disk.
    """
    if Path(filename).exists():
        print("The expanded training set already exists.  Exiting.")
        return
    print("Expanding the MNIST training set")
    data = load_data()
    contents = tuple(map(numbers, (expand(data.train), data.validation, data.test)))
    print("Saving expanded data. This may take a few minutes.")
    with atomic_write(filename) as temporary, gzip.open(temporary, "wb", compresslevel=3) as file:
        pickle.dump(contents, file, protocol=4)


if __name__ == "__main__":
    expand_mnist(*sys.argv[1:2])

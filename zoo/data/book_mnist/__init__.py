"""The book's MNIST as a tensorflow_datasets builder; importing this package registers it.

import tensorflow_datasets as tfds
import zoo.data.book_mnist
tfds.load("book_mnist")             # 50,000 / 10,000 / 10,000, in the book's order
tfds.load("book_mnist/expanded")    # 250,000 training images
"""

from zoo.data.book_mnist.book_mnist_dataset_builder import BookMnistConfig, Builder

__all__ = ["BookMnistConfig", "Builder"]

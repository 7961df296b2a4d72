"""mnist_average_darkness.py of chapter 1: the digit whose images are on average as dark.

`python -m zoo.book.mnist_average_darkness` prints how many of the 10,000 it names rightly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.book import mnist_loader


def main() -> None:
    """Measure the darkness of the training images, guess the test images, print the count."""
    training_data, _, test_data = mnist_loader.load_data()
    averages = avg_darknesses(training_data)
    images, digits = test_data
    right = sum(
        guess_digit(image, averages) == digit for image, digit in zip(images, digits, strict=True)
    )
    print("Baseline classifier using average darkness of image.")
    print(f"{right} of {len(digits)} values correct.")


def avg_darknesses(training_data: tuple[np.ndarray, np.ndarray]) -> dict[int, float]:
    """The average darkness of each digit: of its images [n, 784], the mean sum of the pixels."""
    images, digits = training_data
    darkness = np.asarray(images, dtype=np.float64).sum(axis=1)
    return {int(digit): float(darkness[digits == digit].mean()) for digit in np.unique(digits)}


def guess_digit(image: Any, avgs: Mapping[int, float]) -> int:
    """The digit whose average darkness is nearest to the sum of the image's pixels.

    Args:
        image: Any shape, in the scale of the averages.
        avgs: The average sum of the pixels by digit, as `avg_darknesses` gives it; of two that are
            equally near, the first in it is the answer.
    """
    darkness = float(np.sum(image, dtype=np.float64))
    return min(avgs, key=lambda digit: abs(avgs[digit] - darkness))


if __name__ == "__main__":
    main()

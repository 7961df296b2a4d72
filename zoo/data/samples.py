"""Small real sets that need no download: scikit-learn's digits, and MNIST in colour on photographs.

They stand in for pictures of one's own in examples and measurements: other sizes, other channels.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from zoo.data.dataset import DIGIT_NAMES, Data, Split
from zoo.data.splits import PARTS, SHARE, divide
from zoo.utils.extras import import_extra

# Test images lie on the rightmost third of each photograph, all others on the rest.
_TEST_STRIP = 1 / 3


def sklearn_digits(size: tuple[int, int] = (8, 8), seed: int = 0) -> Data:
    """The 1,797 digits of scikit-learn, 8x8 and 17 greys, as bytes.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, 1998; the part that scikit-learn carries.

    Args:
        size: Height and width the digits are enlarged to, bilinearly.
        seed: Decides which sixth of every class is for validation, and which for the test.

    >>> sklearn_digits().shape, len(sklearn_digits().train)
    ((8, 8, 1), 1199)
    """
    load_digits = import_extra("sklearn.datasets").load_digits
    pixels, labels = load_digits(return_X_y=True)
    images = np.rint(pixels.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    if size != (8, 8):
        enlarged = [
            Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR) for image in images
        ]
        images = np.stack([np.asarray(image) for image in enlarged])
    parts = divide(labels, {"validation": SHARE, "test": SHARE}, seed, DIGIT_NAMES)
    train, validation, test = (
        Split(images[parts[part]][..., None], labels[parts[part]]) for part in PARTS
    )
    return Data("sklearn_digits", train, validation, test)


def mnist_on_photographs(mnist: Data, seed: int = 0) -> Data:
    """MNIST's digits blended into patches of photographs: 28x28x3, colours of all kinds.

    Each pixel is the absolute difference of the patch and the digit, as in MNIST-M (Y. Ganin and V.
    Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", ICML 2015). The photographs are
    the two that scikit-learn carries; the test images lie on parts of them that no other image lies
    on.

    Args:
        mnist: The digits, 28x28x1; `mnist.take(n)` for fewer training images.
        seed: Decides the patches.
    """
    load_sample_images = import_extra("sklearn.datasets").load_sample_images
    photographs = load_sample_images().images
    train, validation, test = (
        _on_patches(
            getattr(mnist, part), photographs, np.random.default_rng([seed, number]), part == "test"
        )
        for number, part in enumerate(PARTS)
    )
    name = f"{mnist.name}_on_photographs"
    return Data(name, train, validation, test, class_names=mnist.class_names)


def _on_patches(
    split: Split, photographs: list[np.ndarray], generator: np.random.Generator, test: bool
) -> Split:
    height, width, _ = split.shape
    images = np.empty((len(split), height, width, 3), np.uint8)
    for number, digit in enumerate(split.images):
        photograph = photographs[generator.integers(len(photographs))]
        border = int(photograph.shape[1] * (1 - _TEST_STRIP))
        allowed = photograph[:, border:] if test else photograph[:, :border]
        row = generator.integers(allowed.shape[0] - height + 1)
        column = generator.integers(allowed.shape[1] - width + 1)
        patch = allowed[row : row + height, column : column + width]
        images[number] = np.abs(patch.astype(np.int16) - digit)
    return Split(images, split.labels)

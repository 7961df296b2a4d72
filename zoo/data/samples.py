"""A small real set that needs no download: scikit-learn's digits.

They stand in for other pictures than MNIST's in examples and measurements.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from zoo.data.dataset import DIGIT_NAMES, Data, Split
from zoo.data.splits import PARTS, SHARE, divide
from zoo.utils.extras import import_extra


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

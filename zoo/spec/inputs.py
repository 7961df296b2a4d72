"""The input of a network: the images that go in, and how their bytes become numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from zoo.errors import SpecError
from zoo.spec import validation
from zoo.spec.layers import Shape

# The book's images are floats byte / 256, so that black is 0.996 and not 1.
PIXEL_SCALE = 1 / 256


@dataclass(frozen=True)
class InputSpec:
    """The images of a network: bytes of one shape, scaled by the network's first layer.

    Attributes:
        shape: Height, width and channels of an image.
        dtype: Always 'uint8': images stay bytes until the network.
        scale: The factor that makes numbers of bytes; the book's is 1/256.

    Raises:
        SpecError: The shape is not three whole numbers from 1 up.

    >>> InputSpec((32, 32, 3))
    InputSpec(shape=(32, 32, 3), dtype='uint8', scale=0.00390625)
    """

    shape: Shape = (28, 28, 1)
    dtype: Literal["uint8"] = "uint8"
    scale: float = PIXEL_SCALE

    def __post_init__(self) -> None:
        shape = tuple(self.shape) if isinstance(self.shape, (tuple, list)) else ()
        if len(shape) != 3 or not all(_is_length(length) for length in shape):
            raise SpecError(
                f"an input shape is (height, width, channels), as (28, 28, 1), not "
                f"{validation.shown(self.shape)}"
            )
        object.__setattr__(self, "shape", tuple(int(length) for length in shape))
        validation.choice(self, "dtype", Literal["uint8"])
        validation.positive(self, "scale")

    @property
    def size(self) -> int:
        """Numbers in one image."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        numerator = f"bytes x {self.scale:g}"
        if (1 / self.scale).is_integer():
            numerator = f"bytes / {1 / self.scale:g}"
        return numerator


def _is_length(value: object) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool) and value >= 1  # type: ignore[operator]


IMAGE_SHAPE: Shape = InputSpec().shape

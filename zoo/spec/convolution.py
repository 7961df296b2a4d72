"""The convolutional layer of a declaration: convolution, pooling and activation in one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.errors import SpecError
from zoo.spec import validation
from zoo.spec.layers import Activation, Shape, non_default_fields, register_layer

Pooling = Literal["max", "mean", "l2"]


@register_layer
@dataclass(frozen=True)
class ConvPool:
    """A convolution, pooling, and an activation (chapter 6, eq. 125).

    Left at their defaults, the settings are the book's: no padding, a stride of 1, and the largest
    of each region, whose activation is the largest one, too. 'mean' and 'l2' pool the activations:
    their mean, and the square root of the sum of their squares (section 6.3).

    Args:
        filters: Feature maps.
        activation: Of every neuron.
        kernel: Height and width of a filter.
        pool: Height and width of the regions that are pooled; 1 for no pooling.
        stride: Pixels from one receptive field to the next.
        padding: Rows and columns of zeros on each side; (kernel - 1) / 2 keeps the size.
        groups: Channels and filters are divided into so many parts that do not see each other.
        pooling: 'max', 'mean' or 'l2'.
        pool_stride: Neurons from one region to the next; by default `pool`, so that none overlap.

    Raises:
        SpecError: A setting is out of range, or the filters do not divide into the groups.

    >>> ConvPool(20).output_shape((28, 28, 1)), ConvPool(20).parameters((28, 28, 1))
    ((12, 12, 20), 520)
    >>> ConvPool(96, kernel=11, stride=4, padding=2, pool=3, pool_stride=2).output_shape(
    ...     (224, 224, 3))
    (27, 27, 96)
    """

    filters: int
    activation: Activation = "sigmoid"
    kernel: int = 5
    pool: int = 2
    stride: int = 1
    padding: int = 0
    groups: int = 1
    pooling: Pooling = "max"
    pool_stride: int | None = None

    def __str__(self) -> str:
        text = f"{self.filters} filters {self.kernel}x{self.kernel}"
        text += f", stride {self.stride}" if self.stride > 1 else ""
        text += f", padding {self.padding}" if self.padding else ""
        text += f", {self.groups} groups" if self.groups > 1 else ""
        if self.pool > 1:
            text += f", {self.pooling}-pool {self.pool}x{self.pool}"
            text += f" stride {self.step}" if self.step != self.pool else ""
        return f"{text}, {self.activation}"

    def __post_init__(self) -> None:
        if isinstance(self.padding, str):
            raise SpecError(
                f"padding must be a whole number of zeros on each side, not {self.padding!r}: 0 "
                "for 'valid', (kernel - 1) / 2 for 'same'"
            )
        validation.whole(self, "filters", "kernel", "pool", "stride", "groups")
        validation.whole(self, "padding", least=0)
        validation.choice(self, "activation", Activation)
        validation.choice(self, "pooling", Pooling)
        if self.pool_stride is not None:
            validation.whole(self, "pool_stride")
        if self.pool_stride == self.pool:  # one declaration has one hash
            object.__setattr__(self, "pool_stride", None)
        if self.pool == 1 and (self.pool_stride or self.pooling != "max"):
            raise SpecError("pool=1 is for no pooling: leave out pooling and pool_stride")
        if self.padding >= self.kernel:
            raise SpecError(
                f"padding must be below the kernel's {self.kernel}, not {self.padding}: some "
                "receptive fields would see nothing but zeros"
            )
        if self.filters % self.groups:
            raise SpecError(f"{self.filters} filters do not divide into {self.groups} groups")

    @property
    def step(self) -> int:
        """The stride of the pooling: `pool_stride`, or else `pool`."""
        return self.pool_stride or self.pool

    @property
    def is_plain(self) -> bool:
        """Whether it is one of the book's: a convolution (valid, stride 1), and max-pooling."""
        plain = {"filters", "activation", "kernel", "pool"}
        return set(non_default_fields(self)) <= plain

    def map_shape(self, shape: Shape) -> Shape:
        """Height, width and filters after the convolution, before pooling.

        Raises:
            SpecError: The input is no image, is too small, or its channels do not divide.
        """
        height, width, channels = _as_image(shape)
        if channels % self.groups:
            raise SpecError(
                f"{channels} channels do not divide into {self.groups} groups: choose a number of "
                "groups that divides the filters of this layer and of the one before it"
            )
        sides = [
            (length + 2 * self.padding - self.kernel) // self.stride + 1
            for length in (height, width)
        ]
        if min(sides) < self.pool:
            least = (self.pool - 1) * self.stride + self.kernel - 2 * self.padding
            raise SpecError(
                f"a {self.kernel}x{self.kernel} convolution with {self.pool}x{self.pool} pooling "
                f"does not fit an input of {height}x{width}: use a smaller kernel or fewer layers; "
                f"an input of {least}x{least} would do"
            )
        return (*sides, self.filters)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (height, width, filters) after convolution and pooling."""
        rows, columns, filters = self.map_shape(shape)
        height, width = ((length - self.pool) // self.step + 1 for length in (rows, columns))
        return height, width, filters

    def parameters(self, shape: Shape) -> int:
        """Return the number of weights and biases: the filters share theirs over the image."""
        channels = _as_image(shape)[2] // self.groups
        return self.filters * (self.kernel**2 * channels + 1)


def _as_image(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise SpecError(
            f"a ConvPool layer needs an image, but the layer before it puts out {shape}: "
            "place it before the fully connected layers"
        )
    return shape

"""What a convolutional layer is made of: receptive fields, feature maps, pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from scipy.signal import correlate2d

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment

if TYPE_CHECKING:
    import keras

# --- receptive fields -----------------------------------------------------------------------------

# Layers of conv2 with the neuron [row, column] of each whose field lies near the image's middle.
PLACES = {"conv_1": (11, 11), "activation_1": (5, 5), "conv_2": (3, 3), "activation_2": (1, 1)}
LABELS = ("first convolution", "pooled", "second convolution", "pooled again")


def field(model: keras.Model, layer: str, place: tuple[int, int], images: np.ndarray) -> np.ndarray:
    """The pixels [28, 28] that the neurons at a place of a layer's maps depend on, as booleans.

    Pixels are found by differentiation: max-pooling lets only the largest input through, so each
    image shows a part of the field, and many images show all of it.
    """
    import keras
    import tensorflow as tf

    part = keras.Model(model.get_layer("scale_pixels").output, model.get_layer(layer).output)
    pixels = tf.constant(images.astype(np.float32) / 256)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        neurons = part(pixels)[:, place[0], place[1]]
    return tape.gradient(neurons, pixels).numpy()[..., 0].any(axis=0)


def sides(seen: np.ndarray) -> tuple[int, int]:
    """Height and width of the smallest rectangle around what is seen."""
    rows, columns = (int(np.ptp(np.flatnonzero(seen.any(axis=axis)))) + 1 for axis in (1, 0))
    return rows, columns


def draw_receptive_field(data: dict[str, Any]) -> Figure:
    """The field of one neuron of each layer, among the 28 x 28 input neurons."""
    drawn, axes = style.figure(1, 4, size=(12, 3.6))
    for each, label, seen, side in zip(axes, LABELS, data["fields"], data["maps"], strict=True):
        each.imshow(np.array(seen), cmap="gray_r", vmax=1.6)
        each.set_xticks(np.arange(-0.5, 28), labels=[])
        each.set_yticks(np.arange(-0.5, 28), labels=[])
        each.tick_params(length=0)
        each.grid(color="#777777", lw=0.4, alpha=0.6)
        rows, columns = sides(np.array(seen))
        each.set_title(f"{label}: maps of {side} x {side}", fontsize=10)
        each.set(xlabel=f"sees {rows} x {columns}")
    return drawn


@experiment("ch6_receptive_field", "What one neuron sees", draw=draw_receptive_field)
def receptive_field(context: Context) -> Result:
    """The input neurons that one neuron of each layer of `conv2` depends on, by differentiation.

    Fields of 5 x 5, moved by one, make 24 x 24 neurons of 28 x 28 pixels; pooling leaves 12 x 12.
    """
    model = zoo.build("conv2", seed=0)
    noise = np.random.default_rng(0).integers(0, 256, (200, 28, 28, 1))
    seen = [field(model, layer, place, noise) for layer, place in PLACES.items()]
    maps = [model.get_layer(layer).output.shape[1] for layer in PLACES]
    next_field = field(model, "conv_1", (11, 12), noise)
    stride = int(np.flatnonzero(next_field.any(axis=0))[0] - np.flatnonzero(seen[0].any(axis=0))[0])
    checks = (
        check_close("side of the local receptive field", sides(seen[0])[0], 5, within=0),
        check_close("pixels in it", int(seen[0].sum()), 25, within=0),
        check_close("stride", stride, 1, within=0),
        check_close("side of a feature map", maps[0], 24, within=0),
        check_close("side after pooling", maps[1], 12, within=0),
        Check("side of the field after two convolutions and poolings", sides(seen[3])[0]),
    )
    return Result({"fields": np.asarray(seen, int).tolist(), "maps": maps}, checks)


# --- a feature map by its equation ----------------------------------------------------------------

MAPS = 3


def feature_map(image: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    """sigma(b + sum_l sum_m w_l,m a_j+l,k+m) for every j and k (eq. 125), of one map."""
    return 1 / (1 + np.exp(-(bias + correlate2d(image, weights, mode="valid"))))


def max_pool(activations: np.ndarray) -> np.ndarray:
    """The largest activation of each region of 2 x 2."""
    rows, columns = activations.shape
    return activations.reshape(rows // 2, 2, columns // 2, 2).max(axis=(1, 3))


def draw_feature_map_eq(data: dict[str, Any]) -> Figure:
    """The digit, and for three maps the weights, the 24 x 24 activations and the 12 x 12."""
    drawn = style.figure(MAPS, 4, size=(9, 6.6))[0]
    axes = np.array(drawn.axes).reshape(MAPS, 4)
    titles = ["input, 28 x 28", "weights, 5 x 5", "map, 24 x 24", "pooled, 12 x 12"]
    for number, row in enumerate(axes):
        images = [data["image"], *(data[key][number] for key in ("weights", "maps", "pooled"))]
        style.show_images(row, images, titles if number == 0 else ())
    for each in axes[1:, 0]:
        each.clear()
        each.set_axis_off()
    return drawn


@experiment("ch6_feature_map_eq", "A feature map by its equation", draw=draw_feature_map_eq)
def feature_map_eq(context: Context) -> Result:
    """Three feature maps of a test digit by eq. 125, in NumPy, beside what Keras computes.

    The weights are those of the trained `conv1`; 3 x 24 x 24 activations are pooled to 3 x 12 x 12.
    """
    import keras

    model, images = zoo.load("conv1"), context.data.test.images[:1]
    kernel, biases = model.get_layer("conv_1").get_weights()
    image = images[0, ..., 0] / 256
    weights = [kernel[:, :, 0, number] for number in range(MAPS)]
    maps = [feature_map(image, w, b) for w, b in zip(weights, biases, strict=False)]
    pooled = np.array([max_pool(each) for each in maps])
    outputs = keras.Model(model.input, model.get_layer("activation_1").output)(images)
    apart = float(np.abs(np.moveaxis(outputs[0], -1, 0)[:MAPS] - pooled).max())
    shape = " x ".join(str(side) for side in pooled.shape)
    checks = (
        Check("neurons after pooling", shape, "3 x 12 x 12", shape == "3 x 12 x 12"),
        Check("largest difference from Keras", apart, 0, apart < 1e-5),
    )
    data = {"image": images[0, ..., 0].tolist(), "weights": np.round(weights, 4).tolist()}
    data |= {"maps": np.round(maps, 4).tolist(), "pooled": np.round(pooled, 4).tolist()}
    return Result(data, checks, "Keras computes with 24 significant bits.")

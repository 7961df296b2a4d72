"""What convolutions learn: their filters, how few parameters those are, and feature maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain


def neighbour_correlation(filters: np.ndarray) -> float:
    """How alike weights side by side are, of filters [n, rows, columns]: 0 by chance, at most 1."""
    pairs = [(filters[:, 1:], filters[:, :-1]), (filters[:, :, 1:], filters[:, :, :-1])]
    one, other = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    return float(np.corrcoef(one, other)[0, 1])


def _structure(filters: np.ndarray, book: str | None = None) -> Check:
    # What filters of the same shape, but drawn at random, reach once in a thousand times.
    generator = np.random.default_rng(0)
    chance = [neighbour_correlation(generator.normal(size=filters.shape)) for _ in range(1000)]
    ours, limit = neighbour_correlation(filters), float(np.quantile(chance, 0.999))
    label = "correlation of neighbouring weights (random filters: once in 1,000 above "
    return Check(f"{label}{limit:.2f})", plain(ours, 3), book, ours > limit if book else None)


def draw_filters(data: dict[str, Any]) -> Figure:
    """A grid of filters, white for the smallest weight of all, black for the largest."""
    filters = np.array(data["filters"])
    columns = data["columns"]
    rows = len(filters) // columns
    drawn, axes = style.figure(rows, columns, size=(1.1 * columns, 1.1 * rows + 0.5))
    style.show_images(axes.ravel(), filters)
    for each in axes.flat:
        each.images[0].set_clim(filters.min(), filters.max())
    drawn.suptitle(data["title"], fontsize=10)
    return drawn


@experiment("ch6_filters_20", "Twenty learned filters", draw=draw_filters)
def filters_20(context: Context) -> Result:
    """The twenty 5 x 5 filters of the trained `conv1`; white stands for smaller weights.

    As in the section 'Introducing convolutional networks': they have more structure, regions of
    light and dark, than filters at random.
    """
    kernel = zoo.load("conv1").get_layer("conv_1").get_weights()[0]
    filters = np.moveaxis(kernel[:, :, 0], -1, 0)
    title = "filters of conv1, white for smaller weights"
    data = {"filters": plain(filters), "columns": 5, "title": title}
    counted = check_close("filters", len(filters), 20, within=0)
    return Result(
        data, (counted, _structure(filters, "structure")), "The book shows a network of its own."
    )


def draw_shared_parameters(data: dict[str, Any]) -> Figure:
    """Parameters of both first layers, and of the layers of conv1 and conv2."""
    drawn, (first, layers) = style.figure(1, 2, size=(10, 3.6))
    first.bar(["20 filters\n5 x 5", "30 neurons,\nfully connected"], data["first"], 0.5,
              color=style.COLORS[0])  # fmt: skip
    first.set(ylabel="weights and biases", title="first layer", ylim=(0, 27_000))
    first.bar_label(first.containers[0], fmt="{:,.0f}")
    names, counts = zip(*data["layers"], strict=True)
    layers.barh(names, counts, color=style.COLORS[0])
    layers.bar_label(layers.containers[0], fmt="{:,.0f}", padding=2, fontsize=8)
    layers.invert_yaxis()
    layers.set(xscale="log", xlim=(100, 3e6), xlabel="weights and biases", title="layer by layer")
    return drawn


@experiment("ch6_shared_parameters", "Few parameters to share", draw=draw_shared_parameters)
def shared_parameters(context: Context) -> Result:
    """Twenty feature maps have 520 parameters, thirty fully connected neurons 23,550.

    From the section 'Introducing convolutional networks', under 'Shared weights and biases'.
    """
    networks = {name: zoo.build(name) for name in ("mlp30", "conv1", "conv2")}
    layers = [
        (f"{name}, {layer.name}", layer.count_params())
        for name in ("conv1", "conv2")
        for layer in networks[name].layers
        if layer.count_params()
    ]
    shared = networks["conv1"].get_layer("conv_1").count_params()
    dense = networks["mlp30"].get_layer("dense_1").count_params()
    checks = (
        check_close("parameters of 20 feature maps", shared, 520, within=0),
        check_close("parameters of 30 neurons", dense, 23_550, within=0),
        Check("times as many", plain(dense / shared, 3), "over 40", dense / shared > 40),
    )
    return Result({"first": [shared, dense], "layers": layers}, checks)


@experiment("ch6_filters_second_layer", "Filters of the second layer", draw=draw_filters)
def filters_second_layer(context: Context) -> Result:
    """The forty filters of the second convolution of `conv2`, each as it meets the first map.

    The author's program draws them so; a filter has twenty such slices, one for each map before it.
    """
    kernel = zoo.load("conv2").get_layer("conv_2").get_weights()[0]
    filters = np.moveaxis(kernel[:, :, 0], -1, 0)
    title = "second layer of conv2, first of 20 slices, white for smaller weights"
    data = {"filters": plain(filters), "columns": 8, "title": title}
    checks = (Check("filters", len(filters)), _structure(filters))
    return Result(data, checks, "The book does not print this picture.")


def draw_feature_maps(data: dict[str, Any]) -> Figure:
    """The digit, then the maps of both layers, black for 1 and white for 0."""
    drawn = Figure(figsize=(10, 9), layout="constrained")
    parts = drawn.subfigures(3, 1, squeeze=False, height_ratios=[1, 2.2, 4.2])
    digit, first, second = parts[:, 0]
    style.show_images([digit.subplots()], [data["image"]], ["input"])
    for part, key, rows in ((first, "first", 2), (second, "second", 4)):
        axes = part.subplots(rows, 10)
        style.show_images(axes.ravel(), data[key])
        for each in axes.flat:
            each.images[0].set_clim(0, 1)
            each.set_axis_on()  # a frame, since most of a map is white
            each.set(xticks=[], yticks=[])
        side = len(data[key][0])
        part.suptitle(f"{len(data[key])} maps of {side} x {side}, pooled", fontsize=10)
    return drawn


@experiment("ch6_feature_maps", "Feature maps of a digit", draw=draw_feature_maps)
def feature_maps(context: Context) -> Result:
    """What both layers of feature maps of the trained `conv2` make of one test digit.

    Each map responds to one feature, wherever it is (section 'Introducing convolutional networks').
    """
    import keras

    model, images = zoo.load("conv2"), context.data.test.images[:1]
    layers = [model.get_layer(name).output for name in ("activation_1", "activation_2")]
    first, second = (
        np.round(np.moveaxis(output[0], -1, 0), 3)
        for output in keras.Model(model.input, layers)(images)
    )
    checks = (
        Check("first maps", len(first)),
        Check("second maps", len(second)),
    )
    data = {"image": images[0, ..., 0].tolist()}
    data |= {"first": first.tolist(), "second": second.tolist()}
    return Result(data, checks)

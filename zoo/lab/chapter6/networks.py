"""The networks of the chapter, trained already, on all test images, beside the book's figures."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, experiment, plain

NETWORKS = (
    "shallow",
    "conv1",
    "conv1_only",
    "conv2",
    "conv2_tanh",
    "conv2_relu",
    "conv2_relu_fc300",
    "conv2_relu_fc1000",
    "conv2_relu_2fc100",
    "conv2_relu_2fc300",
    "conv2_relu_2fc1000",
    "conv2_relu_dropout",
    "conv2_relu_dropout_x5",
)
# Two networks by one recipe differ by about a tenth of a point beyond what the test images' own
# chance explains: standard deviations of 0.03 to 0.12 in the table of docs/reproducing.md.
SEEDS = 0.1


def draw_networks(data: dict[str, Any]) -> Figure:
    """Accuracies with their intervals, a row a network, and the book's."""
    drawn, axes = style.figure(size=(9, 0.42 * len(data["rows"]) + 1.4))
    rows = range(len(data["rows"]))
    for row, told in zip(rows, data["rows"], strict=True):
        left, right = told["accuracy"] - told["low"], told["high"] - told["accuracy"]
        look = {"color": style.COLORS[0], "marker": "o", "capsize": 4}
        label = "ours, pretrained, with its 95 % interval" if row == 0 else None
        axes.errorbar(told["accuracy"], row, xerr=[[left], [right]], **look, ls="none", label=label)
        if told["book"] is not None:
            axes.plot(told["book"], row, **{**style.BOOK, "label": None if row else "the book"})
    axes.set_yticks(rows, [told["name"] for told in data["rows"]])
    axes.set(xlabel="accuracy on the test images (%)")
    axes.invert_yaxis()
    style.legend_above(axes)
    return drawn


@experiment("ch6_networks", "The networks of the chapter", draw=draw_networks)
def networks(bench: Context) -> Result:
    """From a hidden layer without convolutions to the vote of five: each on all 10,000 test images.

    These are the pretrained networks; `python -m zoo reproduce NAME` trains them by the book.
    """
    from zoo.pretrained.manifest import manifest

    there = manifest()
    rows, checks = [], []
    for name in (name for name in NETWORKS if name in there):
        bench.say(name)
        score = zoo.evaluate(zoo.load(name), bench.data.test)
        accuracy, limits = plain(100 * score.accuracy), plain([100 * x for x in score.interval()])
        claim = zoo.get_spec(name).claim
        book = claim.accuracy if claim else None
        rows.append({"name": name, "accuracy": accuracy, "book": book})
        rows[-1] |= {"low": limits[0], "high": limits[1]}
        agrees = None
        if book is not None:
            # Both figures are of 10,000 images each; the same ones, so this allows for too much.
            allowed = 1.5 * (limits[1] - limits[0]) / 2 + 2 * SEEDS
            agrees = abs(accuracy - book) <= allowed
        recipe = there[name].spec["name"]
        told = f"{name}, %" if recipe == name else f"{name}, by {recipe}, %"
        checks.append(Check(told, accuracy, book, agrees))
    remark = (
        "Published are the best of the seeds trained, by validation images. Where it says 'by', a "
        "recipe of ours stands in for the book's, which sees ten times as many images. A figure "
        "agrees within one and a half half-widths of the interval and 0.2 points."
    )
    return Result({"rows": rows}, tuple(checks), remark)

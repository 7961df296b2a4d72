"""The networks of the chapter, trained already, on all test images, beside the book's figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

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
# Points by which networks of one recipe scatter where no results are there to say.
SCATTER = 0.07


def scatter() -> float | None:
    """The standard deviation, in points, of networks that differ in their seed alone.

    None where no results are in the current folder.

    Of the recipes of this chapter with three results or more, the root mean square of each one's
    own. The test images are the same for all, so their choice adds nothing to it.
    """
    from zoo.reproduction.results import read

    counts: dict[str, list[int]] = {}
    for row in read():
        if row.name.partition(".")[0] in NETWORKS:
            counts.setdefault(row.spec_hash, []).append(row.test)
    variances = [np.var(each, ddof=1) / 100**2 for each in counts.values() if len(each) >= 3]
    return float(np.sqrt(np.mean(variances))) if variances else None


def draw_networks(data: dict[str, Any]) -> Figure:
    """Accuracies with their intervals, a row a network, and the book's."""
    drawn, axes = style.figure(size=(9, 0.42 * len(data["rows"]) + 1.4))
    rows = range(len(data["rows"]))
    for row, series in zip(rows, data["rows"], strict=True):
        left, right = series["accuracy"] - series["low"], series["high"] - series["accuracy"]
        look = {"color": style.COLORS[0], "marker": "o", "capsize": 4}
        label = "ours, pretrained, with its 95 % interval" if row == 0 else None
        axes.errorbar(
            series["accuracy"], row, xerr=[[left], [right]], **look, ls="none", label=label
        )
        if series["book"] is not None:
            axes.plot(series["book"], row, **{**style.BOOK, "label": None if row else "the book"})
    axes.set_yticks(rows, [series["name"] for series in data["rows"]])
    axes.set(xlabel="accuracy on the test images (%)")
    axes.invert_yaxis()
    style.legend_above(axes)
    return drawn


@experiment("ch6_networks", "The networks of the chapter", draw=draw_networks)
def networks(context: Context) -> Result:
    """From a hidden layer without convolutions to the vote of five: each on all 10,000 test images.

    These are the pretrained networks; `python -m zoo reproduce NAME` trains them by the book.
    """
    from zoo.pretrained.manifest import entry_of, manifest

    there = {entry.architecture for entry in manifest().values()}
    rows, checks = [], []
    measured = scatter()
    allowed = 2 * 2**0.5 * (measured or SCATTER)
    for name in (name for name in NETWORKS if name in there):
        context.say(name)
        score = zoo.evaluate(zoo.load(name), context.data.test)
        accuracy, limits = plain(100 * score.accuracy), plain([100 * x for x in score.interval()])
        claim = zoo.get_spec(name).claim
        book = claim.accuracy if claim else None
        rows.append({"name": name, "accuracy": accuracy, "book": book})
        rows[-1] |= {"low": limits[0], "high": limits[1]}
        agrees = None
        if book is not None:
            agrees = abs(accuracy - book) <= allowed
        recipe = entry_of(name).spec["name"]
        label = f"{name}, %" if recipe == name else f"{name}, by {recipe}, %"
        checks.append(Check(label, accuracy, book, agrees))
    found = {row["name"]: row["accuracy"] for row in rows}
    if {"shallow", "conv2_relu_dropout"} <= found.keys():
        climb = found["conv2_relu_dropout"] - found["shallow"]
        what = "from the first network to the last but the vote, points"
        checks.insert(0, check_close(what, plain(climb, 3), 1.80, within=2**0.5 * allowed))
    source = "by the results in benchmarks/" if measured else "as once measured"
    remark = (
        "Published is the run that was best on the validation images when it was published; later "
        "ones may be better. Where it says 'by', a "
        "recipe of ours stands in for the book's, which sees more images. A figure "
        f"agrees within {allowed:.2f} points: two standard deviations of a difference of two "
        f"networks that differ in their seed, {source}."
    )
    return Result({"rows": rows}, tuple(checks), remark)

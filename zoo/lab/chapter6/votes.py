"""The vote of five networks, and the digits that it still gets wrong."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Context, Result, check_close, experiment

COLUMNS = 8
# The standard deviation of a count of rare errors is its root, 5.7: twice that.
NOISE = 11.5


def draw_errors33(data: dict[str, Any]) -> Figure:
    """Every wrong digit: the true one top right, the predicted one bottom right."""
    rows = math.ceil(len(data["images"]) / COLUMNS)
    drawn, axes = style.figure(rows, COLUMNS, size=(1.15 * COLUMNS, 0.98 * rows), squeeze=False)
    style.show_images(axes.ravel(), data["images"])
    look = {"ha": "right", "va": "center", "fontsize": 11}
    for each, true, predicted in zip(axes.flat, data["true"], data["predicted"], strict=False):
        each.set_xlim(-0.5, 35)  # room for two digits
        each.text(34, 4, true, **look)
        each.text(34, 23, predicted, color=style.COLORS[1], **look)
    return drawn


def images_seen() -> float:
    """Images seen in training by one of the pretrained five, over those of one of the book's."""
    from zoo.pretrained.manifest import entry_of

    ours = entry_of("conv2_relu_dropout_x5").trained_by.recipe
    book = zoo.get_spec("conv2_relu_dropout").recipe
    book_images = book.images * (5 if book.expanded and book.images <= 50_000 else 1)
    return ours.epochs * ours.images / (book.epochs * book_images)


@experiment("ch6_errors33", "The errors of the vote", draw=draw_errors33)
def errors33(context: Context) -> Result:
    """The test digits that five networks get wrong by vote, of 10,000: 33 in the book.

    From the section 'Convolutional neural networks in practice', under 'Using an ensemble of
    networks'; the true digit stands top right, the predicted one below.
    """
    test = context.data.test
    answers = zoo.predict(zoo.load("conv2_relu_dropout_x5"), test)
    wrong = answers.misclassified
    data = {
        "images": test.images[wrong, ..., 0].tolist(),
        "true": answers.true[wrong].tolist(),
        "predicted": answers.predicted[wrong].tolist(),
    }
    remark = (
        "Other networks, of the same layers: the pretrained ones, whose training saw "
        f"{images_seen():.0%} of the images that the book's did. A count of so few errors "
        "is uncertain by its root, 5.7; twice that is allowed."
    )
    return Result(data, (check_close("wrong of 10,000", len(wrong), 33, within=NOISE),), remark)

"""Pictures: learning curves, and the digits that a network got wrong. Drawn without a display."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from zoo.errors import DataError, SpecError
from zoo.utils.atomic import atomic_write

if TYPE_CHECKING:
    from zoo.data import Split
    from zoo.evaluation.scores import Predictions

# Told apart by dash and weight as well as by shade, so that they survive a grey printer.
LINES: dict[str, tuple[str, str, str]] = {
    "accuracy": ("training (while learning)", "#9a9a9a", "--"),
    "val_accuracy": ("validation", "#1f4e79", "-"),
    "test_accuracy": ("test", "#c1440e", ":"),
}


def learning_curves(
    history: Sequence[Mapping[str, Any]], path: str | Path, *, title: str = "", best_epoch: int = 0
) -> None:
    """Draw cost and accuracy against epochs from a run's history.

    Args:
        history: A row an epoch, as in `TrainResult.history`; accuracies in 0..1.
        path: A PNG, SVG or PDF file.
        title: Above the picture.
        best_epoch: Marked by a line, counted from 1; 0 for none.

    Raises:
        DataError: There is no epoch with a cost, as in the history of a vote.
    """
    if not history or "loss" not in history[0]:
        raise DataError("this history has no costs by epoch to draw: a vote's members have")
    figure = Figure(figsize=(10, 4), layout="constrained")
    cost, accuracy = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    cost.plot(epochs, [row["loss"] for row in history], color="#9a9a9a", ls="--", label="training")
    cost.plot(epochs, [row["val_loss"] for row in history], color="#1f4e79", label="validation")
    cost.set(
        title="Cost (with its L2 term)", xlabel="epoch", ylabel="cost per image", ylim=(0, None)
    )
    for name, (label, color, dash) in LINES.items():
        if name in history[0]:
            percent = [100 * row[name] for row in history]
            accuracy.plot(epochs, percent, color=color, ls=dash, lw=2, label=label)
    if best_epoch:
        accuracy.axvline(best_epoch, color="#444444", lw=0.8)
        accuracy.annotate(
            f"best validation: epoch {best_epoch}",
            (best_epoch, 0.04),
            xycoords=("data", "axes fraction"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
        )
    accuracy.set(title="Accuracy", xlabel="epoch", ylabel="images classified correctly (%)")
    for axes in (cost, accuracy):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc="center right")
    figure.suptitle(title, parse_math=False)
    _save(figure, path)


def wrong_digits(
    split: Split,
    answers: Predictions,
    path: str | Path,
    *,
    title: str = "",
    most: int = 100,
    names: Sequence[str] = (),
) -> None:
    """Draw the misclassified images: the true class top right, the predicted one bottom right.

    Args:
        split: The images that were classified.
        answers: What was predicted for them.
        path: A PNG, SVG or PDF file.
        title: The name of the network.
        most: How many images are drawn at most, those first whose prediction was most certain.
        names: Of the classes; their labels unless given.
    """
    surest = sorted(answers.misclassified, key=lambda index: -answers.probability[index])[:most]
    columns = 10
    rows = max(1, math.ceil(len(surest) / columns))
    figure = Figure(figsize=(columns, rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for index, axes in zip(surest, grid.flat, strict=False):
        axes.imshow(split.images[index].squeeze(), cmap="gray_r", vmin=0, vmax=255)
        height, width = split.shape[:2]
        axes.set_xlim(-0.5, 1.21 * width)  # room for the two labels beside the image
        for place, label, colour in (
            (0.18, answers.true, "k"),
            (0.82, answers.predicted, "#c1440e"),
        ):
            text = str(names[label[index]] if len(names) else label[index])
            size = 11 if len(text) < 2 else 6
            axes.text(
                1.18 * width,
                place * height,
                text[:12],
                ha="right",
                va="center",
                fontsize=size,
                color=colour,
                parse_math=False,  # a class may be called $a^$
            )
    shown = (
        f"{len(surest)} of {len(answers.misclassified)} wrong"
        if len(surest) < len(answers.misclassified)
        else (f"all {len(surest)} wrong")
    )
    text = f"{title}{': ' if title else ''}{shown} (true above, predicted below)"
    figure.suptitle(text, parse_math=False)
    _save(figure, path)


def save_image(image: np.ndarray, path: str | Path) -> None:
    """Write an image as a PNG of the same size.

    Args:
        image: uint8, grey [rows, columns, 1] or in colour [rows, columns, 3].
        path: Of the file; one that is there is replaced.
    """
    with atomic_write(path) as temporary:
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(temporary)


def _save(figure: Figure, path: str | Path) -> None:
    if Path(path).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise SpecError(f"{path} is no name of a picture: let it end in .png, .svg or .pdf")
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120)

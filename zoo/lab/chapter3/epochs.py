"""What the chapter plots epoch by epoch: how it is measured, compared and drawn.

Epochs are counted from 0, as in the book: epoch 0 is the state after the first pass.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import zoo
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, check_close
from zoo.lab.core.monitoring import monitor
from zoo.spec import NetworkSpec
from zoo.utils.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACCURACY = "classification accuracy (%)"
TEST_ACCURACY = "accuracy on the test images (%)"
VALIDATION_ACCURACY = "accuracy on the validation images (%)"

FAST_EPOCHS = 5


# --- measuring ------------------------------------------------------------------------------------


def follow(context: Context, spec: NetworkSpec, *, seed: int = 0) -> dict[str, list[float]]:
    """Train, with the four monitors of network2.py after every epoch, by name of the monitor.

    They are cost and accuracy on the training images and on the test images: this chapter compares
    test accuracies, and chooses nothing by them until it comes to hyper-parameters.
    """
    return kept(context, f"{spec.hash[:12]}-seed{seed}", lambda: _follow(context, spec, seed))


def _follow(context: Context, spec: NetworkSpec, seed: int) -> dict[str, list[float]]:
    data, images = context.data, spec.recipe.images
    splits = {"training": data.train.take(images), "test": data.test}
    rows: list[dict[str, float]] = []
    watching = monitor(splits, images, rows.append)
    zoo.train(spec, data, seed=seed, callbacks=[watching], progress=context.progress)
    return {name: [row[name] for row in rows] for name in rows[0] if name != "epoch"}


def kept(context: Context, name: str, measure: Callable[[], Any]) -> Any:
    """What `measure` returned the first time on these images, plain data, from the folder.

    A file that cannot be read is measured again.
    """
    images = context.data.fingerprint[:6]
    path = context.folder / "trained" / "chapter3" / f"{name}-{images}.json"
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps(measure())
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return json.loads(text)


def validated(context: Context, spec: NetworkSpec, **options: Any) -> list[float]:
    """Train, and return the accuracy in per cent on the validation images after each epoch."""
    history = context.train(spec, **options).history
    return [round(100 * row["val_accuracy"], 2) for row in history]


def short(context: Context, name: str, **settings: Any) -> NetworkSpec:
    """A network of the zoo by its recipe, or in the fast form with a few of its epochs."""
    spec = zoo.get_spec(name).with_settings(**settings)
    return spec.with_settings(epochs=FAST_EPOCHS) if context.fast else spec


# --- comparing ------------------------------------------------------------------------------------


def compared(context: Context, what: str, ours: float, book: float, within: float) -> Check:
    """As `check_close`, but judged in the full form alone: it follows the book's protocol."""
    check = check_close(what, round(ours, 4), book, within)
    return replace(check, agrees=None) if context.fast else check


def left_out(context: Context, full: int = 30, fast: int = FAST_EPOCHS) -> str:
    """For the remark: what the fast form does not do."""
    epochs = "1 epoch" if fast == 1 else f"{fast} epochs"
    return f"{epochs} of the book's {full}." if context.fast else ""


def spread(deviation: float) -> float:
    """How far apart two single runs may lie, 95 times in 100, where runs scatter by `deviation`.

    2.776 is Student's t for the five runs that tell the deviation; a difference of two runs
    scatters by the square root of 2 times as much as one.

    >>> round(spread(0.18), 2)
    0.71
    """
    return 2.776 * 2**0.5 * deviation


# --- drawing --------------------------------------------------------------------------------------


def panel(
    label: str,
    curves: Mapping[str, Sequence[float]],
    *,
    first: int = 0,
    marks: Sequence[Sequence[float]] = (),
    levels: Sequence[float] = (),
    limits: Sequence[float] = (),
) -> dict[str, Any]:
    """One plot over epochs, as plain data for `draw_panels`.

    `marks` are the book's (epoch, value), and `levels` its values that have no epoch, one for each
    curve. `first` is the epoch it begins with, if the curves go so far; `limits` are the axis'.
    """
    short = max(len(curve) for curve in curves.values()) <= first
    return {
        "label": label,
        "curves": curves,
        "first": 0 if short else first,
        "marks": list(marks),
        "levels": list(levels),
        "limits": list(limits),
    }


def first_and_last(book: Iterable[Sequence[float]]) -> list[tuple[int, float]]:
    """Marks at epochs 0 and 29 for curves of which the book tells the first and the last value."""
    return [mark for run in book for mark in ((0, run[0]), (29, run[1]))]


def draw_panels(data: dict[str, Any]) -> Figure:
    """The panels of a result side by side, two in a row."""
    panels = data["panels"]
    columns = min(2, len(panels))
    drawn, axes = style.figure(-(-len(panels) // columns), columns, squeeze=False)
    for each, series in zip(axes.flat, panels, strict=False):
        _draw_panel(each, series)
    for each in axes.flat[len(panels) :]:
        each.set_axis_off()
    return drawn


def _draw_panel(axes: Axes, content: dict[str, Any]) -> None:
    first = content["first"]
    for number, (label, curve) in enumerate(content["curves"].items()):
        look = style.line(number, label=label, marker="." if len(curve) <= 30 else "")
        axes.plot(range(first, len(curve)), curve[first:], **look)
    for number, level in enumerate(content["levels"]):
        axes.axhline(level, **style.line(number, lw=0.9, label=f"the book: {level}"))
    if content["marks"]:
        axes.plot(*zip(*content["marks"], strict=True), **style.BOOK)
    if content["limits"]:
        axes.set_ylim(*content["limits"])
    axes.set(xlabel="epoch", ylabel=content["label"])
    locator = axes.xaxis.get_major_locator()
    assert isinstance(locator, MaxNLocator)  # as on every linear axis
    locator.set_params(integer=True)
    style.legend_above(axes)

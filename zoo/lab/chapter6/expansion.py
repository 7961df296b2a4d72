"""Expanding the training data: what it does to one digit, and what it teaches a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.data.augment import augment
from zoo.data.expand import SHIFTS, expand, shifted
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain


def draw_expand(data: dict[str, Any]) -> Figure:
    """The five images above, and what the shifts changed below."""
    drawn, axes = style.figure(2, 5, size=(9, 4.2))
    style.show_images(axes[0], data["images"], ["original", "up", "down", "left", "right"])
    images = np.array(data["images"])
    style.show_images(axes[1], images - images[0])
    for each in axes[1]:
        each.images[0].set_clim(-255, 255)
    axes[1, 0].set_title("minus the original:\ngrey for no change", fontsize=9)
    return drawn


@experiment("ch6_expand", "One digit expanded to five", draw=draw_expand)
def expand_digit(context: Context) -> Result:
    """A training image and its four shifts by one pixel, which make 250,000 images of 50,000.

    From the section 'Convolutional neural networks in practice', under 'Expanding the training
    data'.
    """
    train = context.data.train
    images = np.concatenate([shifted(train.images[:1], *shift) for shift in SHIFTS])[..., 0]
    expanded = expand(train)
    counts = np.bincount(expanded.labels, minlength=10)
    same = bool((counts == 5 * np.bincount(train.labels, minlength=10)).all())
    checks = (
        check_close("images after expansion", len(expanded), 250_000, within=0),
        Check("every digit five times as often", str(same), "True", same),
    )
    return Result({"images": images.tolist()}, checks)


# --- distortions on the fly -----------------------------------------------------------------------

KINDS = ("shift", "rotate", "skew", "elastic")
COPIES = 6


def draw_distortions(data: dict[str, Any]) -> Figure:
    """A row a kind of distortion, its first image the original."""
    drawn, axes = style.figure(len(KINDS), COPIES + 1, size=(9, 5.4))
    for row, kind, images in zip(axes, KINDS, data["images"], strict=True):
        style.show_images(row, images)
        row[0].text(-0.1, 0.5, kind, transform=row[0].transAxes, ha="right", va="center")
    axes[0, 0].set_title("original", fontsize=9)
    return drawn


@experiment("ch6_distortions", "Digits distorted on the fly", draw=draw_distortions)
def distortions(context: Context) -> Result:
    """A training digit shifted, rotated, skewed and elastically distorted, six times each.

    The book names these after Simard et al. 2003 (under 'Expanding the training data'), and leaves
    altering images while the network trains as a problem.
    """
    original = context.data.train.images[:1]
    generator = np.random.default_rng(0)
    copies = np.repeat(original, COPIES, axis=0)
    rows = [np.concatenate([original, augment(copies, [kind], generator)]) for kind in KINDS]
    ink = np.array([row[1:].sum() / row[0].sum() / COPIES for row in rows])
    checks = tuple(
        Check(f"{kind}: mean sum of the pixels, the original's being 1", plain(each, 3))
        for kind, each in zip(KINDS, ink, strict=True)
    )
    return Result({"images": np.array(rows)[..., 0].tolist()}, checks)


# --- why translations help ------------------------------------------------------------------------

TRAINED = {"shallow": False, "conv1": False, "conv2_relu": False, "conv2_relu_dropout": True}


def draw_shift_tolerance(data: dict[str, Any]) -> Figure:
    """Accuracy over the shift, a line a network."""
    drawn, axes = style.figure()
    for number, (name, expanded) in enumerate(TRAINED.items()):
        label = f"{name}, trained on shifts too" if expanded else name
        look = style.line(number, marker=style.MARKS[number], label=label)
        axes.plot(data["shifts"], data["percent"][number], **look)
    axes.set(xlabel="shift of the test images (pixels)", ylabel="test images correct (%)")
    axes.set_ylim(0, 102)
    drawn.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return drawn


@experiment("ch6_shift_tolerance", "Why shifted images help", draw=draw_shift_tolerance)
def shift_tolerance(context: Context) -> Result:
    """Accuracy on test images moved sideways: convolutional networks do not take every shift.

    Answers the problem why expanding the data by translations helps networks that should not mind
    them (under 'Expanding the training data').
    """
    test = context.data.test.take(context.choose(10_000, 1_000))
    shifts = list(range(-6, 7)) if not context.fast else list(range(-6, 7, 2))
    percent = [[_right(model, test, shift) for shift in shifts] for model in map(zoo.load, TRAINED)]
    place = shifts.index(4)
    checks = tuple(
        Check(f"{name}: correct after a shift by 4 (%)", plain(row[place], 4))
        for name, row in zip(TRAINED, percent, strict=True)
    )
    remark = (
        f"{len(test):,} test images. Filters are the same everywhere, but the fully connected "
        "layers behind them have weights for each place, and learn a place only from images with "
        "something there; pooling hides a shift of a pixel or two, and no more."
    )
    return Result({"shifts": shifts, "percent": plain(percent)}, checks, remark)


def _right(model: Any, test: Any, shift: int) -> float:
    moved = zoo.Split(shifted(test.images, 0, shift), test.labels)
    return 100 * zoo.evaluate(model, moved).accuracy

"""How well strings of real digits are cut and read, by how close together the digits are."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.chapter1.segmentation import (
    Reading,
    Segment,
    between_blanks,
    centred,
    read_by_trial,
    read_segments,
    string_of,
    trial_cuts,
)
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, experiment, plain

CLASSIFIER = "conv2_relu_dropout"
GAPS = (-3, -1, 0, 1, 2, 4)
LENGTHS = (2, 6)  # the fewest and the most digits of a string
WAYS = ("cut where they were put together", "the surest trial segmentation", "cut at empty columns")


def draw_segmentation(data: dict[str, Any]) -> Figure:
    """The book's string with all trial cuts and those chosen, its segments, and the accuracies."""
    drawn = Figure(figsize=(10, 8), layout="constrained")
    parts = drawn.subfigures(3, 1, squeeze=False, height_ratios=[1.5, 1.1, 2.6])
    top, middle, bottom = parts[:, 0]
    axes = top.subplots()
    canvas = np.array(data["string"])
    style.show_images([axes], [canvas])
    for x in data["cuts"]:
        axes.axvline(x - 0.5, color="#9a9a9a", lw=0.9, ls=":")
    for x in {edge for segment in data["segments"] for edge in segment}:
        axes.axvline(x - 0.5, **style.line(1, lw=1.6))
    axes.set_title("touching digits: trial cuts (dotted) and the surest ones (dashed)", fontsize=10)
    titles = [
        f"{digit}: {sure:.1%}".replace("%", " %")
        for digit, sure in zip(data["digits"], data["confidence"], strict=True)
    ]
    style.show_images(middle.subplots(1, len(data["pieces"])), data["pieces"], titles)
    axes = bottom.subplots()
    style.tidy(axes)
    for number, (way, curve) in enumerate(data["right"].items()):
        look = style.line(number, label=way, marker=style.MARKS[number])
        axes.plot(data["gaps"], curve, **look)
    axes.set(xlabel="columns between two digits (below 0: they overlap)", ylim=(-3, 103))
    axes.set_ylabel("strings read without an error (%)")
    style.legend_above(axes, columns=3)
    return drawn


@experiment("ch1_segmentation", "A string of digits, cut where the classifier is sure",
            draw=draw_segmentation)  # fmt: skip
def segmentation(context: Context) -> Result:
    """Strings of test digits are cut into single ones by the classifier's own confidence.

    Every way to cut at columns with little ink is tried, and the one kept whose confidences have
    the largest product (section 'A simple network to classify handwritten digits'). The network is
    the pretrained `conv2_relu_dropout`; a string is right if all its digits are, and no more.
    """
    model, split, count = zoo.load(CLASSIFIER), context.data.test, context.choose(500, 60)
    generator = np.random.default_rng(0)
    right: dict[str, list[float]] = {way: [] for way in WAYS}
    touching = 0.0
    for gap in GAPS:
        strings, true, segments = _strings(split, gap, count, generator)
        trial = read_by_trial(model, strings)
        blanks = [between_blanks(canvas) for canvas in strings]
        known = read_segments(model, strings, segments)
        for way, readings in zip(
            WAYS, (known, trial, read_segments(model, strings, blanks)), strict=True
        ):
            right[way].append(_share(readings, true))
        if gap == 0:
            pairs = zip(trial, true, strict=True)
            touching = plain(100 * np.mean([len(r.digits) == len(digits) for r, digits in pairs]))
        context.say(f"gap {gap}: {right[WAYS[1]][-1]} % right")
    data, reading = _the_books_string(context, model)
    label = "".join(map(str, reading.digits))
    checks = [Check("the book's string, its digits touching", label, "504192", label == "504192")]
    checks += [
        Check(f"read without an error, {gap} columns apart, %", share)
        for gap, share in zip(GAPS, right[WAYS[1]], strict=True)
    ]
    checks.append(Check("cut into as many as there are, touching, %", touching))
    remark = (
        f"{count} strings of {LENGTHS[0]} to {LENGTHS[1]} test digits for each distance. The book "
        "tells of the idea and gives no figure. A part of a digit may pass for another digit, and "
        "the network never learned to say that it sees none. A cut is a column, so that a slanting "
        "digit may lose a corner to its neighbour."
    )
    return Result(data | {"gaps": GAPS, "right": right}, tuple(checks), remark)


def _strings(
    split: zoo.Split, gap: int, count: int, generator: np.random.Generator
) -> tuple[list[np.ndarray], list[tuple[int, ...]], list[list[Segment]]]:
    strings, true, segments = [], [], []
    for _ in range(count):
        length = generator.integers(LENGTHS[0], LENGTHS[1] + 1)
        chosen = generator.integers(len(split), size=length)
        canvas, parts = string_of([split.images[index, ..., 0] for index in chosen], gap)
        strings.append(canvas)
        true.append(tuple(int(digit) for digit in split.labels[chosen]))
        segments.append(parts)
    return strings, true, segments


def _share(readings: list[Reading], true: list[tuple[int, ...]]) -> float:
    """Of strings read without an error, in per cent."""
    pairs = zip(readings, true, strict=True)
    return plain(100 * np.mean([reading.digits == digits for reading, digits in pairs]))


def _the_books_string(context: Context, model: Any) -> tuple[dict[str, Any], Reading]:
    # 504192 are MNIST's first six training images.
    images = context.data.train.images[:6, ..., 0]
    canvas, _ = string_of(list(images), gap=0)
    (reading,) = read_by_trial(model, [canvas])
    pieces = [centred(canvas[:, start:end]) for start, end in reading.segments]
    data = {
        "string": canvas.tolist(),
        "cuts": trial_cuts(canvas),
        "segments": [list(segment) for segment in reading.segments],
        "pieces": [piece.tolist() for piece in pieces],
        "digits": list(reading.digits),
        "confidence": plain(reading.confidence),
    }
    return data, reading

"""Section 6.4: the figures on ImageNet that the book reports, drawn and not run."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, experiment

# Accuracy in per cent, as the book states it. Only rows with the same task can be compared.
QUOTED = (
    ("one guess of 20,000 classes, before", 9.3),
    ("LRMD 2012, the same", 15.8),
    ("KSH 2012, one guess of 1,000", 63.3),
    ("the runner-up of 2012, five guesses of 1,000", 73.8),
    ("KSH 2012, five guesses", 84.7),
    ("Clarifai 2013, five guesses", 88.3),
    ("a person, five guesses", 100 - 12.0),
    ("GoogLeNet 2014, five guesses", 93.33),
    ("a person who practised, five guesses", 100 - 5.1),
)


def draw_survey(data: dict[str, Any]) -> Figure:
    """A bar for each figure."""
    drawn, axes = style.figure(size=(8, 4.2))
    names, values = zip(*data["quoted"], strict=True)
    axes.barh(names, values, color="#c8d4e0", edgecolor=style.COLORS[0])
    axes.bar_label(axes.containers[0], fmt="{:g}", padding=3)
    axes.set(xlabel="right (%)", xlim=(0, 108))
    axes.invert_yaxis()
    return drawn


@experiment("ch6_survey", "Quoted, not run: the figures on ImageNet", draw=draw_survey)
def survey(context: Context) -> Result:
    """What section 6.4 reports of others' networks, and of people, on ImageNet's photographs.

    Nothing is measured here: the numbers are the book's, set beside each other.
    """
    checks = tuple(Check(name, "quoted, not run", round(value, 2)) for name, value in QUOTED)
    return Result(
        {"quoted": [list(row) for row in QUOTED]}, checks, "Quoted figures, none of ours."
    )

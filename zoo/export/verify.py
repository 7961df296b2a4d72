"""Verification: every form of a model answers the same images, and the answers are compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.data import Split
from zoo.errors import RunError
from zoo.evaluation.scores import Score
from zoo.export import FORMATS, export
from zoo.export.runners import (
    Outputs,
    file_runner,
    in_batches,
    keras_runner,
    saved_model_alone,
)

# How far a number of a form that computes in floats may be from the Keras model's.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Row:
    """One form of a model beside the Keras model: how it scores, and how its answers differ.

    `difference` is the largest absolute one of any probability, `differing` the number of images
    with another answer, `size` the bytes on disk, None for the Keras model itself. `faults` has a
    few words for each output that is not what it must be; see `faults_of`.
    """

    form: str
    size: int | None
    score: Score
    difference: float
    differing: int
    faults: tuple[str, ...] = ()

    @property
    def alike(self) -> bool:
        """Whether all outputs are what they must be."""
        return not self.faults


def verify(
    model: keras.Model, split: Split, calibration: np.ndarray, *, saved_model: Path | None = None
) -> list[Row]:
    """Export a model in every format to a temporary folder, and run each over a split.

    Args:
        model: As `zoo.load` returns it.
        split: The images that all formats classify.
        calibration: Training images for the int8 formats, uint8 [n, 28, 28, 1].
        saved_model: The folder of a version that was exported before, to be compared as well.

    Returns:
        A row for each format; the Keras model is the first.

    Raises:
        RunError: A format cannot be written or run.
    """
    if saved_model is not None and not saved_model.is_dir():
        raise RunError(f"{saved_model} holds no SavedModel: python -m zoo export NAME")
    expected = in_batches(keras_runner(model), split.images)
    rows = [_row("Keras", None, expected, expected, split)]
    with tempfile.TemporaryDirectory() as folder:
        for format in FORMATS:
            path = export(
                model, format, folder, name=model.name, metadata={}, calibration=calibration
            )
            for form, outputs in _run(format, path, split.images):
                rows.append(_row(form, _size(path), outputs, expected, split))
    if saved_model is not None:
        for form, outputs in _run(str(saved_model), saved_model, split.images):
            rows.append(_row(form, _size(saved_model), outputs, expected, split))
    return rows


def matrix_text(rows: Sequence[Row]) -> str:
    """The rows as a table for a terminal."""
    width = max(len(row.form) for row in rows)
    lines = [f"{'form':{width}}        bytes  differing  largest difference  correct"]
    for row in rows:
        size = "-" if row.size is None else f"{row.size:,}"
        numbers = f"{size:>12} {row.differing:>10,} {row.difference:>19.2g}"
        lines.append(f"{row.form:{width}} {numbers}  {row.score}")
    return "\n".join(lines)


def _run(form: str, path: Path, images: np.ndarray) -> Iterator[tuple[str, Outputs]]:
    if path.is_dir():
        for endpoint, outputs in saved_model_alone(path, images).items():
            yield f"{form} {endpoint}", outputs
    else:
        yield form, in_batches(file_runner(path), images)


def _row(form: str, size: int | None, outputs: Outputs, expected: Outputs, split: Split) -> Row:
    return Row(
        form,
        size,
        Score(int(np.sum(outputs["digit"] == split.labels)), len(split)),
        float(np.abs(outputs["probabilities"] - expected["probabilities"]).max()),
        int(np.sum(outputs["digit"] != expected["digit"])),
        faults_of(outputs, expected, exact=not form.endswith("_int8")),
    )


def faults_of(outputs: Outputs, expected: Outputs, *, exact: bool) -> tuple[str, ...]:
    """What is wrong with the outputs of a form, in a few words each.

    Args:
        outputs: Of the form.
        expected: Of the Keras model, for the same images.
        exact: Whether the form computes in floats: then its digits are the same, and its numbers
            within TOLERANCE. An int8 form may answer another digit here and there, but its votes
            are still counts of ballots, as many as there are.
    """
    if sorted(outputs) != sorted(expected):
        return (f"puts out {', '.join(sorted(outputs))}, not {', '.join(sorted(expected))}",)
    faults = []
    for name, right in expected.items():
        found = outputs[name]
        if found.shape != right.shape or not np.isfinite(found).all():
            faults.append(f"{name} of shape {list(found.shape)}, or not finite")
        elif name == "digit":
            others = int(np.sum(found != right))
            if exact and others:
                faults.append(f"{others:,} other digits")
        elif exact and (apart := float(np.abs(found - right).max(initial=0))) > TOLERANCE:
            faults.append(f"{name} differ by {apart:.2g}")
        elif name == "votes":
            apart = float(np.abs(found.sum(axis=-1) - right.sum(axis=-1)).max(initial=0))
            if apart > TOLERANCE:
                faults.append(f"the sum of votes differs by {apart:.2g}")
    return tuple(faults)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())

"""Commands about exports of pretrained networks: write them, and verify that they answer alike."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from zoo.commands.shared import load_images
from zoo.quiet import import_tensorflow
from zoo.registry import get_spec

# Enough for every activation to show its range.
CALIBRATION_IMAGES = 500


def export(options: argparse.Namespace) -> None:
    """Write a pretrained network as a SavedModel, ONNX or LiteRT file."""
    get_spec(options.name)
    import_tensorflow()
    from zoo.export import export as write
    from zoo.export.tools import describe
    from zoo.models import load
    from zoo.pretrained import entry_of, saved_models

    model, entry = load(options.name), entry_of(options.name)
    in_bytes = options.format.endswith("int8")
    data = load_images(options) if in_bytes else None
    path = write(
        model,
        options.format,
        options.out or saved_models(),
        name=options.name,
        metadata=_metadata(entry) | ({} if in_bytes else _told(entry.score)),
        calibration=data.train.images[:CALIBRATION_IMAGES] if in_bytes else None,
        version=options.version,
        overwrite=options.overwrite,
    )
    print(f"{options.name} as {options.format}: {path}")
    if in_bytes:  # it does not score as its weights do
        score = _score(path, data.test)
        describe(path, _told(score))
        print(f"on the test images: {score}; before, {entry.score}")


def _metadata(entry) -> dict[str, Any]:
    return {
        "spec": entry.spec,
        "spec_hash": entry.spec_hash,
        "data": entry.data,
        "versions": entry.versions,
        "weights_sha256": entry.sha256,
    }


def _told(score) -> dict[str, Any]:
    counts = {"test_correct": score.correct, "test_total": score.total}
    return {**counts, "test_accuracy": score.accuracy}


def _score(path: Path, split):
    from zoo.evaluation import Score
    from zoo.export.runners import file_runner, in_batches

    digits = in_batches(file_runner(path), split.images)["digit"]
    return Score(int((digits == split.labels).sum()), len(split))


def verify(options: argparse.Namespace) -> int:
    """Export a pretrained network in every format, and compare their answers to the test set.

    Exit code 1 if a form that is not in bytes answers an image otherwise than the Keras model.
    """
    get_spec(options.name)
    import_tensorflow()
    from zoo.export import path_of
    from zoo.export.verify import matrix_text
    from zoo.export.verify import verify as compare
    from zoo.models import load
    from zoo.pretrained import saved_models

    exported = None
    if options.version is not None:
        place = options.out or saved_models()
        exported = path_of("saved_model", place, name=options.name, version=options.version)
    data = load_images(options)
    calibration = data.train.images[:CALIBRATION_IMAGES]
    rows = compare(load(options.name), data.test, calibration, saved_model=exported)
    print(f"{options.name} on {len(data.test):,} test images\n\n{matrix_text(rows)}")
    others = [row.form for row in rows if not row.alike]
    told = (
        f"answer otherwise: {', '.join(others)}"
        if others
        else "all but those in bytes answer alike"
    )
    print(f"\n{told}")
    return 1 if others else 0

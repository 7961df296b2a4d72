"""Commands about exports of pretrained networks: write them, and verify that they answer alike."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cli.checks import check_images, check_place, check_source
from zoo.cli.figures import print_json, score_record
from zoo.cli.options import data_words, load_images
from zoo.errors import RunError, SpecError
from zoo.export import path_of
from zoo.registry import get_spec
from zoo.utils.extras import import_extra
from zoo.utils.tensorflow import import_tensorflow

if TYPE_CHECKING:
    from zoo.export.verify import Row

# Enough for every activation to show its range.
CALIBRATION_IMAGES = 500


def export(options: argparse.Namespace) -> None:
    """Write a pretrained network as a SavedModel, ONNX or LiteRT file."""
    check_source(get_spec(options.name), options.run)
    from zoo.pretrained.manifest import own_models

    # A run's is no version of the pretrained network's, and stays out of its folder.
    out = options.out or (options.run and options.run / "exported")
    out = out or own_models() or Path("saved_models")
    settings = {"version": options.version, "overwrite": options.overwrite}
    check_place(options.format, out, options.name, **settings)
    in_bytes = options.format.endswith("int8")
    if not in_bytes and (given := data_words(options)):
        raise SpecError(
            f"{options.format} reads no images, only the formats in bytes do: leave out {given}"
        )
    data = load_images(options, options.run) if in_bytes else None
    if data:
        check_images(get_spec(options.name), options.run, data)
    import_tensorflow()
    from zoo.export import export as write

    model, metadata = _trained(options)
    scores = []

    def measure(path: Path) -> dict[str, Any]:
        if data:  # in bytes it does not score as its weights do
            scores.append(_score(path, data.test))
        return {name: value for score in scores for name, value in _score_fields(score).items()}

    path = write(
        model,
        options.format,
        out,
        name=options.name,
        metadata={k: v for k, v in metadata.items() if not (in_bytes and k.startswith("test_"))},
        calibration=data.train.images[:CALIBRATION_IMAGES] if data else None,
        measure=measure,
        **settings,
    )
    if options.json:
        record = {"name": options.name, "format": options.format, "path": str(path)}
        print_json(record | {"test": score_record(scores[0]) if scores else None})
        return
    print(f"{options.name} as {options.format}: {path}")
    for score in scores:
        print(f"on the test images: {score}")


def _trained(options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """The model to export, pretrained or of a run, with the metadata that go with it."""
    from zoo.pretrained.manifest import entry_of
    from zoo.pretrained.models import load

    if options.run is None:
        entry = entry_of(options.name)
        return load(options.name), _metadata(entry) | _score_fields(entry.score)
    from zoo.training.run_folder import load_run
    from zoo.training.run_record import read_run

    _, model = load_run(options.run)
    run = read_run(options.run / "run.json")
    metadata = {name: getattr(run, name) for name in ("spec", "spec_hash", "data", "versions")}
    if not run.reads_digits:
        metadata |= {"resize": run.resize, "on_black": run.on_black}
    return model, {**metadata, "class_names": list(run.classes)}


def _metadata(entry) -> dict[str, Any]:
    return {
        "class_names": [str(label) for label in range(entry.trained_by.output_classes)],
        "spec": entry.spec,
        "spec_hash": entry.spec_hash,
        "data": entry.data,
        "versions": entry.versions,
        "weights_sha256": entry.sha256,
    }


def _score_fields(score) -> dict[str, Any]:
    counts = {"test_correct": score.correct, "test_total": score.total}
    return {**counts, "test_accuracy": score.accuracy}


def _score(path: Path, split):
    from zoo.evaluation.scores import Score
    from zoo.export.runners import file_runner, in_batches

    digits = in_batches(file_runner(path), split.images)["digit"]
    return Score(int((digits == split.labels).sum()), len(split))


def push(options: argparse.Namespace) -> None:
    """Put a pretrained network, or one of a run, on the hub or into a folder of its shape."""
    check_source(get_spec(options.name), options.run)
    from zoo.pretrained.hub_folder import named_folder, repository_of

    if (folder := named_folder(options.repo)) is None:
        repository_of(options.repo)
        import_extra("huggingface_hub")
    elif folder.exists():
        raise RunError(f"{folder} exists already: choose another folder")
    import_tensorflow()
    from zoo.pretrained.hub import push as put

    source = options.run or options.name
    place = put(source, options.repo, private=options.private, overwrite=options.overwrite)
    if options.json:
        print_json({"name": options.name, "place": str(place)})
    else:
        print(f"{options.name}: {place}")


def _row_record(row: Row) -> dict[str, Any]:
    return {
        "form": row.form,
        "bytes": row.size,
        "differing": row.differing,
        "largest_difference": row.difference,
        "test": score_record(row.score),
        "faults": list(row.faults),
    }


def verify(options: argparse.Namespace) -> int:
    """Export a pretrained network in every format, and compare all their outputs on the test set.

    Exit code 1 if a form has an output that is not what it must be, as `faults_of` says.
    """
    check_source(get_spec(options.name), None)
    from zoo.pretrained.manifest import own_models

    exported = None
    if options.out and options.version is None:
        raise SpecError("--out is the folder of a SavedModel: give its --version, too")
    if options.version is not None:
        place = options.out or own_models() or Path("saved_models")
        exported = path_of("saved_model", place, name=options.name, version=options.version)
        if not exported.is_dir():
            raise RunError(f"{exported} holds no SavedModel: python -m zoo export {options.name}")
    data = load_images(options)
    check_images(get_spec(options.name), None, data)
    import_tensorflow()
    from zoo.export.verify import matrix_text
    from zoo.export.verify import verify as compare
    from zoo.pretrained.models import load

    calibration = data.train.images[:CALIBRATION_IMAGES]
    rows = compare(load(options.name), data.test, calibration, saved_model=exported)
    if options.json:
        print_json([_row_record(row) for row in rows])
        return 0 if all(row.alike for row in rows) else 1
    print(f"{options.name} on {len(data.test):,} test images\n\n{matrix_text(rows)}")
    others = [f"{row.form} ({'; '.join(row.faults)})" for row in rows if not row.alike]
    message = (
        f"answer otherwise: {', '.join(others)}"
        if others
        else "all but those in bytes answer alike"
    )
    print(f"\n{message}")
    return 1 if others else 0

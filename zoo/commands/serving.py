"""Commands about pretrained networks in use: export them, verify the exports, read a digit."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from zoo.commands.shared import load_images
from zoo.errors import ZooError
from zoo.quiet import import_tensorflow
from zoo.registry import get_spec

# Enough for every activation to show its range.
CALIBRATION_IMAGES = 500


def export(options: argparse.Namespace) -> None:
    """Write a pretrained network as a SavedModel, ONNX or LiteRT file."""
    get_spec(options.name)
    import_tensorflow()
    from zoo.export import export as write
    from zoo.models import load
    from zoo.pretrained import entry_of, saved_models

    model, entry = load(options.name), entry_of(options.name)
    calibration = None
    if options.format.endswith("int8"):
        calibration = load_images(options).train.images[:CALIBRATION_IMAGES]
    metadata = {
        "spec": entry.spec,
        "spec_hash": entry.spec_hash,
        "test_correct": entry.test,
        "test_total": entry.test_total,
        "data": entry.data,
        "versions": entry.versions,
        "weights_sha256": entry.sha256,
    }
    path = write(
        model,
        options.format,
        options.out or saved_models(),
        name=options.name,
        metadata=metadata,
        calibration=calibration,
        version=options.version,
        overwrite=options.overwrite,
    )
    print(f"{options.name} as {options.format}: {path}")


def verify(options: argparse.Namespace) -> None:
    """Export a pretrained network in every format, and compare their answers to the test set."""
    get_spec(options.name)
    import_tensorflow()
    from zoo.export.verify import matrix_text
    from zoo.export.verify import verify as compare
    from zoo.models import load

    data = load_images(options)
    rows = compare(load(options.name), data.test, data.train.images[:CALIBRATION_IMAGES])
    print(f"{options.name} on {len(data.test):,} test images\n\n{matrix_text(rows)}")


def predict(options: argparse.Namespace) -> int:
    """Read the digit in each picture; exit code 1 if one of them shows none."""
    get_spec(options.name)
    import_tensorflow()
    from zoo.ensemble import detailed
    from zoo.models import load

    model = detailed(load(options.name))
    told = [_read(model, path, options) for path in options.files]
    if options.json:
        print(json.dumps(told, indent=2))
    else:
        for one in told:
            print(f"{one['file']}: {one.get('error') or _sentence(one)}")
    return 1 if any("error" in one for one in told) else 0


def _read(model, path: Path, options: argparse.Namespace) -> dict[str, Any]:
    from zoo.data.photos import digit_image
    from zoo.pictures import save_image

    try:
        image = digit_image(path)
    except (ZooError, OSError) as error:
        return {"file": str(path), "error": str(error)}
    told: dict[str, Any] = {"file": str(path)}
    if options.show:
        seen = options.show / f"{path.stem}-seen.png"
        save_image(image, seen)
        told["seen"] = str(seen)
    outputs = model.predict(image[None], verbose=0)
    digit, probabilities = int(outputs["digit"][0]), outputs["probabilities"][0]
    told |= {"digit": digit, "confidence": round(float(probabilities[digit]), 4)}
    return told | {"probabilities": [round(float(each), 6) for each in probabilities]}


def _sentence(told: dict[str, Any]) -> str:
    seen = f", seen as {told['seen']}" if "seen" in told else ""
    return f"{told['digit']}, confidence {told['confidence']:.2%}{seen}".replace("%", " %")

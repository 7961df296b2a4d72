"""The test images that the page shows: those that the vote gets wrong, and others at random."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data import Split
from zoo.pretrained.manifest import entry_of
from zoo.utils.atomic import atomic_write

KNOWN = Path(__file__).parent / "assets" / "misclassified.json"
SHOWN = 500


def misclassified(name: str, test: Split, known: Path = KNOWN) -> tuple[list[int], list[int]]:
    """The test images that a pretrained network gets wrong: their indices, and its answers.

    They are known for the weights that `assets/misclassified.json` tells the SHA-256 of; for others
    the network has to answer every image, which takes Keras, and a minute for a vote of five.
    """
    entry = entry_of(name)
    record = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    if record.get("weights_sha256") != entry.sha256:
        record = {"weights_sha256": entry.sha256, **_answer(name, test)}
    return record["images"], record["answers"]


def refresh(name: str, test: Split, known: Path = KNOWN) -> None:
    """Let the network answer every test image, and write down what it gets wrong."""
    record = {"weights_sha256": entry_of(name).sha256, **_answer(name, test)}
    with atomic_write(known) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _answer(name: str, test: Split) -> dict[str, list[int]]:
    from zoo.evaluation.scores import predict
    from zoo.pretrained.models import load

    answers = predict(load(name), test)
    wrong = answers.misclassified
    return {"images": wrong.tolist(), "answers": answers.predicted[wrong].tolist()}


def digits_script(test: Split, missed: tuple[list[int], list[int]], seed: int = 0) -> str:
    """A script that hands the page some test images: first the `missed`, then SHOWN at random."""
    images, answers = missed
    rest = np.setdiff1d(np.arange(len(test)), images)
    drawn = np.random.default_rng(seed).choice(rest, min(SHOWN, len(rest)), replace=False)
    places = [*images, *drawn.tolist()]
    record: dict[str, Any] = {
        "base64": base64.b64encode(zlib.compress(test.images[places].tobytes(), 9)).decode("ascii"),
        "labels": test.labels[places].tolist(),
        "places": places,
        "missed": answers,
    }
    return f"zooDigits({json.dumps(record)});\n"

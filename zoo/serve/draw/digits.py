"""The test images that the page shows: those that the vote gets wrong, and others at random."""

from __future__ import annotations

import base64
import hashlib
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

    They are known for the weights and images that `assets/misclassified.json` tells the SHA-256 of;
    for others the network has to answer every image, which takes Keras, and a minute for a vote of
    five.

    Args:
        name: A pretrained network.
        test: The images to answer.
        known: The file, as `refresh` writes it; it may be missing.

    Returns:
        Indices into `test`, and the network's answer to each of these images.
    """
    record = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    if not _hashes(name, test).items() <= record.items():
        record = _answer(name, test)
    return record["images"], record["answers"]


def refresh(name: str, test: Split, known: Path = KNOWN) -> None:
    """Let the network answer every test image, and write down what it gets wrong.

    Args:
        name: A pretrained network.
        test: The images to answer, MNIST's 10,000 test images for the file of this package.
        known: The file, which is replaced.
    """
    record = {**_hashes(name, test), **_answer(name, test)}
    with atomic_write(known) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _hashes(name: str, test: Split) -> dict[str, str]:
    images = hashlib.sha256(test.images.tobytes() + test.labels.astype("<i4").tobytes())
    return {"weights_sha256": entry_of(name).sha256, "images_sha256": images.hexdigest()}


def _answer(name: str, test: Split) -> dict[str, list[int]]:
    from zoo.evaluation.scores import predict
    from zoo.pretrained.models import load

    answers = predict(load(name), test)
    wrong = answers.misclassified
    return {"images": wrong.tolist(), "answers": answers.predicted[wrong].tolist()}


def digits_script(test: Split, missed: tuple[list[int], list[int]], seed: int = 0) -> str:
    """A script that hands the page some test images: first the `missed`, then SHOWN at random.

    Args:
        test: The images, [n, height, width, channels].
        missed: Indices into `test`, and the network's answer to each, as `misclassified` gives
            them.
        seed: Draws the others, of which none is among the missed.

    Returns:
        One call in JavaScript; the images are compressed by zlib and in base64.
    """
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

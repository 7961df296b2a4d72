"""Publishing: the best of a recipe's finished runs becomes its pretrained weights, with a card."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import keras
import numpy as np

from zoo.data import Data, Split
from zoo.evaluation.scores import evaluate, predict
from zoo.nn.builder import build_model
from zoo.pretrained import manifest
from zoo.pretrained.best_run import best_run
from zoo.pretrained.model_card import card
from zoo.registry import get_spec
from zoo.training import weights
from zoo.training.run_folder import load_run
from zoo.utils.atomic import atomic_write
from zoo.utils.locks import file_lock

CARD = "README.md"


def publish(network: str, runs: Path, data: Data) -> manifest.Entry:
    """Make the run with the best validation accuracy the pretrained weights of its declaration.

    What was published before for the same recipe is replaced; other recipes of the architecture
    keep theirs. Test images are scored and decide nothing.

    Args:
        network: The name of the recipe, as in 'conv2_relu_dropout.long'.
        runs: The folder of its runs.
        data: The images that the weights were trained on and are scored on.

    Returns:
        The new entry of the manifest.

    Raises:
        DataError: The classes are no digits: `predict`, `draw` and the card take them for such.
        RunError: There is no finished run on these images, or the record of one is damaged.
    """
    spec = get_spec(network)
    folder, run = best_run(spec, runs, data)
    _, trained = load_run(folder)
    # Scored as `load` will build it: the precision of a recipe is for training alone.
    model = build_model(spec.with_settings(precision="float32"), draw_weights=False)
    model.set_weights(trained.get_weights())
    precision = _smallest_precision(model, data.validation)
    tensors = _rounded(model, precision)
    weights.assign(model.weights, tensors)
    answers = predict(model, data.test)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / manifest.WEIGHTS
        weights.write(file, tensors, {"spec_hash": spec.hash, "name": spec.name})
        blob = file.read_bytes()
    entry = manifest.Entry(
        name=spec.name,
        file=f"{spec.name}/{manifest.WEIGHTS}",
        sha256=hashlib.sha256(blob).hexdigest(),
        size=len(blob),
        precision=precision,
        spec=spec.to_plain(),
        spec_hash=spec.hash,
        seed=run.seed,
        best_epoch=run.best_epoch,
        validation=evaluate(model, data.validation).correct,
        validation_total=len(data.validation),
        test=answers.score.correct,
        test_total=len(data.test),
        data=data.fingerprint,
        versions=dict(run.versions),
    )
    _put_in_place(entry, blob, card(entry, answers, data.name))
    return entry


def _put_in_place(entry: manifest.Entry, blob: bytes, text: str) -> None:
    """Write weights, card and entry, one right after the other, and alone of all processes."""
    folder = manifest.publishing_folder()
    with file_lock(folder / ".manifest.lock", wait=True):
        with atomic_write(folder / entry.file) as temporary:
            temporary.write_bytes(blob)
        with atomic_write((folder / entry.file).with_name(CARD)) as temporary:
            temporary.write_text(text, encoding="utf-8")
        manifest.record(entry)


def _smallest_precision(model: keras.Model, validation: Split) -> str:
    """Half precision if it gives every validation image the same answer, else single."""
    exact = model.get_weights()
    before = predict(model, validation).predicted
    weights.assign(model.weights, _rounded(model, "F16"))
    after = predict(model, validation).predicted
    model.set_weights(exact)
    return "F16" if np.array_equal(before, after) else "F32"


def _rounded(model: keras.Model, precision: str) -> dict[str, np.ndarray]:
    kind = weights.PRECISIONS[precision]
    return {name: array.astype(kind) for name, array in weights.arrays(model.weights).items()}

"""Further scores of a run: of averaged weights, and of images shifted by a pixel."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from zoo.data import Split
from zoo.data.expand import SHIFTS, shifted
from zoo.nn.builder import build_model
from zoo.spec import NetworkSpec
from zoo.training import weights

# Epochs whose weights are averaged.
EPOCHS = 3

WAYS = LAST, AVERAGED, SHIFTED = "last epoch", "weights averaged", "test-time shifts"


class KeepLastWeights(keras.callbacks.Callback):
    """Writes the weights after each of the last epochs into a folder, a file an epoch."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        """Write them, if this is one of the last epochs."""
        if epoch + EPOCHS >= self.params["epochs"]:
            weights.save(self.model, _file(self.folder, epoch + 1))


def is_whole(folder: Path, spec: NetworkSpec) -> bool:
    """Whether `KeepLastWeights` wrote a file for each of a run's last epochs."""
    return all(path.exists() for path in _files(folder, spec))


def scores(folder: Path, spec: NetworkSpec, split: Split) -> dict[str, int]:
    """How many images a run has right, read in two further ways.

    Args:
        folder: Where `KeepLastWeights` wrote its files.
        spec: The network.
        split: The images.

    Returns:
        By AVERAGED, the network whose weights are the mean of those after its last epochs
        (stochastic weight averaging, Izmailov et al. 2018); by SHIFTED, that of the last epoch, its
        outputs averaged over each image and its four shifts by a pixel.
    """
    model = build_model(spec, draw_weights=False)
    kept = [weights.read(path)[0] for path in _files(folder, spec)]
    weights.assign(model.weights, kept[0])
    right = {SHIFTED: _right(shifted_outputs(model, split.images).mean(axis=0), split)}
    mean = {name: np.mean([each[name] for each in kept], axis=0) for name in kept[0]}
    weights.assign(model.weights, mean)
    return {AVERAGED: _right(_outputs(model, split.images), split), **right}


def shifted_outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """A network's outputs for images moved by each of SHIFTS, the first of which moves nothing.

    Args:
        model: The network.
        images: uint8, [n, height, width, channels].

    Returns:
        [shifts, n, classes].
    """
    return np.array([_outputs(model, shifted(images, *shift)) for shift in SHIFTS])


def _files(folder: Path, spec: NetworkSpec) -> list[Path]:
    """The files of a run's last epochs, the last one first."""
    last = spec.recipe.epochs
    return [_file(folder, last - back) for back in range(min(EPOCHS, last))]


def _file(folder: Path, epoch: int) -> Path:
    return folder / f"epoch{epoch}.safetensors"


def _outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return model.predict(images, batch_size=500, verbose=0)


def _right(outputs: np.ndarray, split: Split) -> int:
    return int(np.sum(outputs.argmax(axis=1) == split.labels))

"""Scores of averaged weights and of shifted images, beside NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from benchmarks import averaging
from zoo.training import weights
from zoo.training.train import train


def outputs(images: np.ndarray, tensors: dict[str, np.ndarray]) -> np.ndarray:
    kernel, bias = sorted(tensors.values(), key=lambda tensor: -tensor.ndim)
    return 1 / (1 + np.exp(-(images.reshape(len(images), -1) / 256 @ kernel + bias)))


@pytest.fixture(scope="module")
def run(mnist, tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("run"), mnist.take(300)
    spec = zoo.get_spec("linear").with_settings(epochs=5, learning_rate=0.02)
    keep = averaging.KeepLastWeights(folder)
    result = train(spec, data, out=folder / "run", callbacks=[keep], progress=False)
    return folder, result.spec, data.validation.take(2_000)


def test_the_last_three_epochs_are_kept(run):
    assert sorted(path.name for path in run[0].glob("*.safetensors")) == [
        f"epoch{number}.safetensors" for number in (3, 4, 5)
    ]


def test_scores_are_those_of_the_mean_weights_and_of_the_mean_outputs(run):
    folder, spec, split = run
    kept = [weights.read(folder / f"epoch{number}.safetensors")[0] for number in (3, 4, 5)]
    mean = {name: sum(each[name] for each in kept) / 3 for name in kept[0]}
    averaged = np.sum(outputs(split.images, mean).argmax(axis=1) == split.labels)

    moved = np.zeros((5, len(split), 10))
    padded = np.pad(split.images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for number, (row, column) in enumerate([(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]):
        view = padded[:, row : row + 28, column : column + 28]
        moved[number] = outputs(view, kept[-1])
    shifted = np.sum(moved.mean(axis=0).argmax(axis=1) == split.labels)

    scores = averaging.scores(folder, spec, split)
    assert scores == {averaging.AVERAGED: averaged, averaging.SHIFTED: shifted}
    assert averaged != shifted  # so that neither can stand for the other

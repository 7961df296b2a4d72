"""Weights on disk: they come back bit by bit, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.errors import RunError
from zoo.training import weights


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mlp30.safetensors"
    model = zoo.build("mlp30", seed=1)
    weights.save(model, path, {"spec_hash": "abc"})
    return path, model


def test_they_come_back_bit_by_bit(saved):
    path, model = saved
    other = zoo.build("mlp30", seed=2)
    assert weights.load(other, path) == {"spec_hash": "abc"}
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_file_does_not_depend_on_what_was_built_before(saved, tmp_path):
    zoo.build("conv2_relu_dropout", seed=0)
    model = zoo.build("conv2_relu_dropout", seed=1)
    weights.save(model, tmp_path / "w.safetensors")
    weights.load(zoo.build("conv2_relu_dropout"), tmp_path / "w.safetensors")


@pytest.mark.parametrize("other", ["mlp100", "mlp30x2", "conv1"])
def test_weights_of_other_layers_are_refused(saved, other):
    path, _ = saved
    model = zoo.build(other, seed=0)
    before = model.get_weights()
    with pytest.raises(RunError, match="belongs to other layers"):
        weights.load(model, path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_file_is_refused(saved, tmp_path, keep):
    path, model = saved
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunError, match="damaged or no safetensors file"):
        weights.load(model, torn)


def test_a_header_that_lies_about_its_size_is_refused(saved, tmp_path):
    path, model = saved
    lying = tmp_path / "lying.safetensors"
    lying.write_bytes((2**62).to_bytes(8, "little") + path.read_bytes()[8:])
    with pytest.raises(RunError, match="damaged"):
        weights.load(model, lying)


def test_a_missing_file_names_the_next_step(tmp_path):
    with pytest.raises(RunError, match="train the network, with --overwrite"):
        weights.load(zoo.build("mlp30"), tmp_path / "nothing.safetensors")

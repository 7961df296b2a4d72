"""Pretrained networks: those in the repository are what the manifest says, and no others load."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import zoo
from zoo import pretrained
from zoo.cards import card
from zoo.errors import RunError, UnknownNameError
from zoo.pretrained import Entry

ATTACKS = Path(__file__).parent / "attacks"
MANIFEST = pretrained.manifest()
MEGABYTES = 60


# --- what is in the repository --------------------------------------------------------------------


@pytest.mark.parametrize("name", MANIFEST)
def test_figures_and_card_are_those_of_the_weights(name, mnist):
    entry = MANIFEST[name]
    answers = zoo.answer(zoo.load(name), mnist.test)
    assert answers.score == entry.score
    assert entry.data == mnist.fingerprint
    told = (pretrained.saved_models() / name / "README.md").read_text()
    assert told == card(entry, zoo.get_spec(name), answers)


@pytest.mark.parametrize("name", MANIFEST)
def test_a_recipe_of_the_registry_trained_it(name):
    entry = MANIFEST[name]
    assert entry.trained_by.hash == entry.spec_hash == zoo.get_spec(entry.spec["name"]).hash


def test_the_folder_is_small_enough_to_clone():
    size = sum(
        (pretrained.saved_models() / entry.file).stat().st_size for entry in MANIFEST.values()
    )
    assert size < MEGABYTES * 1e6


# --- what must not load ---------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A folder of pretrained networks with `linear` in it, untrained."""
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    spec = zoo.get_spec("linear")
    path = tmp_path / "linear" / "weights.safetensors"
    zoo.save(zoo.build(spec, seed=1), path, {"spec_hash": spec.hash})
    pretrained.record(_entry(path))
    return path


def _entry(path: Path) -> Entry:
    spec, blob = zoo.get_spec("linear"), path.read_bytes()
    return Entry(
        name="linear",
        file="linear/weights.safetensors",
        sha256=hashlib.sha256(blob).hexdigest(),
        size=len(blob),
        precision="F32",
        spec=spec.to_plain(),
        spec_hash=spec.hash,
        seed=0,
        best_epoch=1,
        validation=1,
        validation_total=10,
        test=1,
        test_total=10,
        data="",
        versions={},
    )


def test_what_was_saved_is_loaded(saved):
    model = zoo.load("linear")
    np.testing.assert_array_equal(
        model.get_weights()[0], zoo.build("linear", seed=1).get_weights()[0]
    )


def test_a_file_is_not_read_before_its_hash_is_right(saved, monkeypatch):
    blob = bytearray(saved.read_bytes())
    blob[-1] ^= 1
    saved.write_bytes(blob)
    monkeypatch.setattr("safetensors.safe_open", None)
    with pytest.raises(RunError, match="another SHA-256 than the manifest says"):
        zoo.load("linear")


def test_a_truncated_and_a_missing_file_are_named(saved):
    size = saved.stat().st_size
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(RunError, match=f"has {size - 100:,} bytes, not {size:,}"):
        zoo.load("linear")
    saved.unlink()
    with pytest.raises(RunError, match="is missing: take it from the repository again"):
        zoo.load("linear")


def _without_bias(tensors):
    return {name: tensor for name, tensor in tensors.items() if "bias" not in name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without_bias, "belongs to other layers"),
        (lambda tensors: {**tensors, "more": np.zeros(3, np.float32)}, "belongs to other layers"),
        (
            lambda tensors: {name: np.full_like(t, np.nan) for name, t in tensors.items()},
            "no number",
        ),
        (lambda tensors: {n: t.astype(np.float64) for n, t in tensors.items()}, "weights are F32"),
        (lambda tensors: {n: t.T.copy() for n, t in tensors.items()}, "has shape"),
    ],
    ids=["a tensor missing", "a tensor too many", "NaN", "another type", "another shape"],
)
def test_weights_that_are_none_of_this_network(saved, change, said):
    save_file(change(load_file(saved)), saved, {"spec_hash": zoo.get_spec("linear").hash})
    pretrained.record(_entry(saved))
    with pytest.raises(RunError, match=said):
        zoo.load("linear")


@pytest.mark.parametrize("path", sorted(ATTACKS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_attacks_by_file(saved, path):
    saved.write_bytes(path.read_bytes())
    pretrained.record(_entry(saved))
    with pytest.raises(RunError, match=r"damaged|belongs to other layers"):
        zoo.load("linear")


def test_weights_of_another_spec(saved):
    entry = _entry(saved)
    pretrained.record(replace(entry, spec_hash="0" * 64))
    with pytest.raises(RunError, match="another spec than the manifest says"):
        zoo.load("linear")
    pretrained.record(
        replace(entry, spec={**entry.spec, "layers": zoo.get_spec("mlp30").to_plain()["layers"]})
    )
    with pytest.raises(RunError, match="for other layers"):
        zoo.load("linear")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"linear": {}}', '{"linear": 3}', '{"linear": {"names": 1}}'], ids=str
)
def test_a_damaged_manifest(saved, text):
    (saved.parent.parent / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"manifest.json is damaged"):
        zoo.load("linear")


def test_a_manifest_that_points_elsewhere(saved):
    plain = {"linear": {**asdict(_entry(saved)), "file": "../../etc/passwd"}}
    (saved.parent.parent / "manifest.json").write_text(json.dumps(plain))
    with pytest.raises(RunError, match=r"manifest.json is damaged"):
        zoo.load("linear")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("conv1", "conv1 has no pretrained weights.* python -m zoo train conv1"),
        ("linaer", "Did you mean 'linear'"),
        ("linear.quadratic", "linear.quadratic has no pretrained weights"),
        ("runs/linear/weights.safetensors", "load takes a network's name, not the path"),
    ],
)
def test_names_that_load_nothing(saved, name, said):
    with pytest.raises(UnknownNameError, match=said):
        zoo.load(name)

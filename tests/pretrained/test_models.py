"""Pretrained networks: those in the repository are what the manifest says, and no others load."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors import safe_open

import zoo
from tests.paths import ATTACKS, ROOT
from zoo.errors import RunError, SpecError, UnknownNameError
from zoo.pretrained import manifest
from zoo.pretrained.manifest import Entry
from zoo.pretrained.model_card import card
from zoo.reproduction import results
from zoo.training import weights

MANIFEST = manifest.manifest()
MEGABYTES = 60


# --- what is in the repository --------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.parametrize("name", MANIFEST)
def test_figures_and_card_are_those_of_the_weights(name, mnist):
    entry = MANIFEST[name]
    answers = zoo.predict(zoo.load(name), mnist.test)
    assert answers.score == entry.score
    assert entry.data == mnist.fingerprint
    text = manifest.weights_file(MANIFEST[name]).with_name("README.md").read_text()
    assert text == card(entry, answers)


@pytest.mark.parametrize("name", MANIFEST)
def test_its_run_has_the_same_figures_among_the_results(name):
    entry = MANIFEST[name]
    rows = [row for row in results.read(ROOT / "benchmarks/results.csv")
            if (row.spec_hash, row.seed) == (entry.spec_hash, entry.seed)]  # fmt: skip
    assert rows, "every published run is among the results"
    assert (entry.validation, entry.test) in [(row.validation, row.test) for row in rows]


@pytest.mark.parametrize("name", MANIFEST)
def test_a_recipe_of_the_registry_trained_it(name):
    entry = MANIFEST[name]
    assert entry.trained_by.hash == entry.spec_hash == zoo.get_spec(entry.spec["name"]).hash


def _dense(name: str) -> bool:
    spec = zoo.get_spec(name)
    return not spec.members and not any(isinstance(row[0], zoo.ConvPool) for row in spec.walk())


@pytest.mark.parametrize(
    "name",
    [
        name if _dense(name) else pytest.param(name, marks=pytest.mark.integration)
        for name in MANIFEST
    ],
)
def test_validation_figures_are_those_of_the_weights(name, mnist):
    entry = MANIFEST[name]
    expected = zoo.Score(entry.validation, entry.validation_total)
    assert zoo.evaluate(zoo.load(name), mnist.validation) == expected


@pytest.mark.parametrize("name", MANIFEST)
def test_the_numbers_on_disk_have_the_precision_that_is_told(name):
    with safe_open(manifest.weights_file(MANIFEST[name]), framework="numpy") as file:
        names = list(file.keys())
        kinds = {file.get_slice(tensor).get_dtype() for tensor in names}
    assert kinds == {MANIFEST[name].precision}


@pytest.mark.parametrize("name", MANIFEST)
def test_the_front_matter_of_a_card_is_what_the_hub_reads(name):
    text = manifest.weights_file(MANIFEST[name]).with_name("README.md").read_text()
    fence, front, _ = text.split("---\n", 2)
    assert fence == ""
    value = MANIFEST[name].test / MANIFEST[name].test_total
    for line in (
        "library_name: keras",
        "pipeline_tag: image-classification",
        "model-index:",
        f"- name: {name}",
        "  results:",
        "  - task: {type: image-classification}",
        "    dataset: {name: MNIST, type: mnist, split: test}",
        f"    metrics: [{{type: accuracy, value: {value:.4f}, verified: false}}]",
    ):
        assert line in front.splitlines()


def test_the_folder_is_small_enough_to_clone():
    (folder,) = manifest.folders()
    kept = [folder / "manifest.json", *folder.glob("*/README.md"), *folder.glob("*/*.safetensors")]
    assert sum(path.stat().st_size for path in kept) < MEGABYTES * 1e6
    names = {path.parent.name for path in kept[1:]}
    assert names == set(MANIFEST), "a folder and the manifest tell of different networks"


# --- what must not load ---------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A folder of pretrained networks with `linear` in it, untrained."""
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    spec = zoo.get_spec("linear")
    path = tmp_path / "linear" / "weights.safetensors"
    zoo.save(zoo.build(spec, seed=1), path, {"spec_hash": spec.hash})
    manifest.record(_entry(path, spec))
    return path


def _entry(path: Path, spec: zoo.ModelSpec) -> Entry:
    blob = path.read_bytes()
    return Entry(
        name=spec.name,
        file=f"{spec.name}/weights.safetensors",
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


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A function that publishes an attack as the weights of a network with 46 parameters."""
    layers = (zoo.ConvPool(1, "relu", pool=24), zoo.Softmax())
    recipe = zoo.Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1)
    spec = zoo.register(zoo.ModelSpec("tiny", layers, recipe))
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    (tmp_path / "tiny").mkdir()

    def publish(attack: Path) -> Path:
        path = tmp_path / "tiny" / "weights.safetensors"
        path.write_bytes(attack.read_bytes())
        manifest.record(_entry(path, spec))
        return path

    yield publish
    zoo.unregister("tiny")


# What is said of each file, and whether its numbers are read before it is refused.
REFUSED = {
    "empty": ("damaged", False),
    "header_is_no_json": ("damaged", False),
    "header_longer_than_file": ("damaged", False),
    "infinity": ("infinities, or what is no number, in conv_1/kernel", True),
    "no_spec": ("another spec than the manifest says", True),
    "not_a_number": ("infinities, or what is no number, in softmax_1/kernel", True),
    "offsets_beyond_the_end": ("damaged", False),
    "other_shape": (r"softmax_1/kernel has shape \(10, 1\), not \(1, 10\)", False),
    "other_spec": ("another spec than the manifest says", True),
    "other_type": ("I16 in softmax_1/bias: weights are F32 or F16", False),
    "overlapping_tensors": ("damaged", False),
    "pickle_in_disguise": ("damaged", False),
    "sizes_that_lie": ("damaged", False),
    "tensor_missing": ("other layers: conv_1/bias is in only one of them", False),
    "tensor_too_many": ("other layers: conv_2/bias is in only one of them", False),
    "truncated": ("damaged", False),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_attacks_by_file(tiny, attack, monkeypatch, capfd):
    tiny(ATTACKS / f"{attack}.safetensors")
    said, read = REFUSED[attack]
    if not read:
        monkeypatch.setattr(weights, "safe_open", _Unread)
    with pytest.raises(RunError, match=said) as raised:
        zoo.load("tiny")
    assert "\n" not in str(raised.value)
    assert capfd.readouterr().out == "", "the pickles call `echo`"


class _Unread:
    """A safetensors file whose names, shapes and types may be looked at, and no number read."""

    def __init__(self, path, **options):
        self.file = safe_open(path, **options)

    def __enter__(self):
        self.file.__enter__()
        return self

    def __exit__(self, *error):
        return self.file.__exit__(*error)

    def __getattr__(self, name):
        assert name != "get_tensor", "numbers are read of a file that does not fit"
        return getattr(self.file, name)


def test_one_wrong_bit_is_a_wrong_hash(tiny):
    path = tiny(ATTACKS / "wrong_hash.safetensors")
    flipped = path.read_bytes()
    path.write_bytes(flipped[:-1] + bytes([flipped[-1] ^ 1]))
    manifest.record(_entry(path, zoo.get_spec("tiny")))
    zoo.load("tiny")
    path.write_bytes(flipped)
    with pytest.raises(RunError, match="another SHA-256 than the manifest says"):
        zoo.load("tiny")


def test_every_attack_on_weights_is_tried():
    tried = {*REFUSED, "wrong_hash"}
    assert {path.stem for path in ATTACKS.glob("*.safetensors")} == tried


def test_weights_of_another_spec(saved):
    entry = _entry(saved, zoo.get_spec("linear"))
    manifest.record(replace(entry, spec_hash="0" * 64))
    with pytest.raises(RunError, match="another spec than the manifest says"):
        zoo.load("linear")
    manifest.record(
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
    plain = {
        "linear": {**asdict(_entry(saved, zoo.get_spec("linear"))), "file": "../../etc/passwd"}
    }
    (saved.parent.parent / "manifest.json").write_text(json.dumps(plain))
    with pytest.raises(RunError, match=r"manifest.json is damaged"):
        zoo.load("linear")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("conv1", "conv1 has no pretrained weights.* python -m zoo train conv1"),
        ("linaer", "Did you mean 'linear'"),
        ("linear.quadratic", "linear.quadratic has no pretrained weights"),
        (
            "runs/linear/weights.safetensors",
            "load takes a network's name, or a folder that zoo.push wrote",
        ),
        ("weights.safetensors", "load takes a network's name, or a folder that zoo.push wrote"),
        (Path("linear"), "load takes a network's name, or a folder that zoo.push wrote"),
        ("../linear", "load takes a network's name, or a folder that zoo.push wrote"),
    ],
)
def test_names_that_load_nothing(saved, name, said):
    with pytest.raises(UnknownNameError, match=said):
        zoo.load(name)


# --- weights of one's own -------------------------------------------------------------------------


def test_own_weights_are_saved_and_built_from(tmp_path):
    path = tmp_path / "mine.safetensors"
    model = zoo.build("linear", seed=1)
    zoo.save(model, path)
    other = zoo.build("linear", seed=2, weights=path, learning_rate=0.25)
    for mine, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert float(other.optimizer.learning_rate) == 0.25
    with pytest.raises(RunError, match="belongs to other layers"):
        zoo.build("mlp30", weights=str(path))
    with pytest.raises(RunError, match="there are no weights at"):
        zoo.build("linear", weights=tmp_path / "nothing")


def test_weights_of_another_network_of_the_same_shapes_are_refused():
    """Sigmoid and rectified linear neurons have weights of the same names and shapes."""
    path = ROOT / "saved_models" / "conv2" / "weights.safetensors"
    zoo.build("conv2", weights=path)
    with pytest.raises(RunError, match="holds weights of conv2, which has other layers than"):
        zoo.build("conv2_relu", weights=path)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda model, path: zoo.save("mlp30", path), "save takes a Keras model"),
        (lambda model, path: zoo.save(model, 5), "save takes the path of a file, not 5"),
        (lambda model, path: zoo.save(model, path, {"a": 1}), "metadata is text by name"),
        (lambda model, path: zoo.save(model, path.with_suffix(".h5")), "as Keras' own files"),
        (lambda model, path: zoo.build("linear", weights=[1]), "or the path of a file, not"),
        (lambda model, path: zoo.vote([model], name="a/b"), "text without /, not 'a/b'"),
        (lambda model, path: zoo.vote([keras.Sequential([keras.layers.Flatten()])]), "no inputs"),
        (lambda model, path: zoo.vote([two_inputs()]), "and two has 2 and 1"),
        (lambda model, path: zoo.push(5, path), "push takes a network's name, the folder"),
        (lambda model, path: zoo.push("mlp30", None), "owner/name or the path of a folder, not"),
        (
            lambda model, path: zoo.push(model, path, spec="linear", class_names=range(10)),
            "class_names are words",
        ),
        (
            lambda model, path: zoo.push(zoo.build("conv2"), path, spec="conv2_relu"),
            "the model has the activations sigmoid, .* and conv2_relu declares relu",
        ),
    ],
)
def test_other_things_in_the_place_of_models_and_paths_are_one_line(call, said, tmp_path):
    with pytest.raises(SpecError, match=said):
        call(zoo.build("linear"), tmp_path / "new")
    assert not list(tmp_path.iterdir())


def two_inputs():
    first, second = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))
    flat = keras.layers.Flatten()(keras.layers.Add()([first, second]))
    return keras.Model([first, second], keras.layers.Dense(10)(flat), name="two")


def test_a_file_that_exists_is_kept_unless_told_otherwise(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_text("something else")
    with pytest.raises(RunError, match=r"exists already: choose another path, or overwrite=True"):
        zoo.save(zoo.build("linear"), path)
    assert path.read_text() == "something else"
    zoo.save(zoo.build("linear"), path, overwrite=True)
    zoo.build("linear", weights=path)
    for place in (tmp_path, path / "below", tmp_path / "new" / ("long" * 100)):
        with pytest.raises(RunError, match=r"cannot write .*choose another path"):
            zoo.save(zoo.build("linear"), place, overwrite=True)


def test_an_empty_path_names_no_weights():
    with pytest.raises(RunError, match="there are no weights at"):
        zoo.build("linear", weights="")


def test_no_weights_are_drawn_ones():
    drawn, none = (zoo.build("linear", seed=1, weights=weights) for weights in (False, None))
    for mine, theirs in zip(drawn.get_weights(), none.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_declaration_loads_as_its_name_does(saved):
    by_name = zoo.load("linear")
    for model in (zoo.load(zoo.get_spec("linear")), zoo.build("linear", weights=True, seed=5)):
        np.testing.assert_array_equal(by_name.get_weights()[0], model.get_weights()[0])


def test_pretrained_networks_compute_as_they_were_scored(saved):
    spec = zoo.get_spec("linear").with_settings(precision="mixed_bfloat16")
    zoo.save(zoo.build(spec, seed=1), saved, {"spec_hash": spec.hash}, overwrite=True)
    manifest.record(_entry(saved, spec))
    for each in ("linear", spec):
        assert zoo.load(each).get_layer("dense_1").compute_dtype == "float32"
    trained_in = zoo.load("linear", precision="mixed_bfloat16")
    assert trained_in.get_layer("scale_pixels").compute_dtype == "bfloat16"

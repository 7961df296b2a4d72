"""Networks on pictures and classes of another kind, and layers of a user's own, from end to end."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.cli.main import main
from zoo.data import Data, Split
from zoo.nn.builder import add_layer
from zoo.spec import KINDS, NetworkSpec, register_layer, validation
from zoo.training.run_folder import load_run
from zoo.training.run_record import read_run

NAMES = ("ant", "bee", "cat", "dog")


def _stripes(count: int, seed: int) -> Split:
    """Colour pictures 32x32 of four classes: each has a stripe of its own place and colour."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(4, size=count)
    images = generator.integers(0, 90, (count, 32, 32, 3), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 4 + 6 * label : 6 + 6 * label, label % 3] += 150
    return Split(images, labels)


@pytest.fixture(scope="module")
def stripes() -> Data:
    return Data("stripes", _stripes(600, 0), _stripes(200, 1), _stripes(200, 2), NAMES)


@pytest.fixture(scope="module")
def run(stripes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, zoo.train("conv2_relu", stripes, epochs=3, out=folder, progress=False)


def test_a_network_fits_the_data_it_gets(run, stripes):
    folder, result = run
    assert (result.spec.input.shape, result.spec.classes) == ((32, 32, 3), 4)
    assert result.class_names == NAMES
    assert zoo.evaluate(result.model, stripes.test).accuracy > 0.9
    assert read_run(folder / "run.json").class_names == NAMES
    spec, again = load_run(folder)
    assert spec == result.spec
    np.testing.assert_array_equal(
        zoo.predict(again, stripes.test).predicted,
        zoo.predict(result.model, stripes.test).predicted,
    )


def test_it_is_exported_with_the_names_of_its_classes(run, stripes, tmp_path, capsys):
    folder, result = run
    for form in ("saved_model", "onnx"):
        command = ["export", "conv2_relu", "--run", str(folder), "--out", str(tmp_path)]
        assert main([*command, "--format", form]) == 0
    metadata = json.loads((tmp_path / "conv2_relu/1/metadata.json").read_text())
    assert metadata["class_names"] == list(NAMES)
    served = tf.saved_model.load(str(tmp_path / "conv2_relu/1")).signatures["serving_default"]
    answers = served(images=tf.constant(stripes.test.images[:50]))["digit"].numpy()
    np.testing.assert_array_equal(answers, zoo.predict(result.model, stripes.test).predicted[:50])
    picture = tf.io.encode_png(stripes.test.images[0])[None]
    encoded = tf.saved_model.load(str(tmp_path / "conv2_relu/1")).signatures["encoded"]
    assert encoded(images=picture)["digit"].numpy()[0] == answers[0]


def test_layers_that_do_not_fit_the_pictures_say_which(stripes):
    tiny = Data("tiny", *(Split(s.images[:, :9, :9], s.labels) for s in _parts(stripes)), NAMES)
    with pytest.raises(zoo.SpecError, match="does not fit an input of 2x2"):
        zoo.train("conv2_relu", tiny, epochs=1, progress=False)


def test_a_function_cannot_be_fitted(stripes):
    spec = zoo.FunctionSpec("fixed", lambda: None, zoo.get_spec("shallow").recipe)
    with pytest.raises(zoo.SpecError, match=r"images \(28, 28, 1\), which cannot be made"):
        zoo.train(spec, stripes, progress=False)


def _parts(data: Data) -> tuple[Split, Split, Split]:
    return data.train, data.validation, data.test


def test_a_damaged_run_is_told_in_one_line(run, tmp_path):
    folder, _ = run
    good = json.loads((folder / "run.json").read_text())
    for field, value, said in (
        ("best_epoch", 99, "best_epoch is 99, and there are 3 epochs"),
        ("history", [], "the history must be a list of rows"),
        ("history", [{"epoch": 1}] * 3, "epoch 1 has no number for seconds"),
        ("seed", "one", "seed must be a whole number"),
        ("spec_hash", "0" * 64, "the spec is not the one of spec_hash"),
        ("spec", {"name": "x"}, "this is not a spec"),
    ):
        path = tmp_path / "run.json"
        path.write_text(json.dumps({**good, field: value}))
        with pytest.raises(zoo.RunError, match=said) as caught:
            read_run(path)
        assert "\n" not in str(caught.value)
    for text in ("", "[]", "{", "[" * 100_000, json.dumps({**good, "sead": 1})):
        path.write_text(text)
        with pytest.raises(zoo.RunError, match="is damaged"):
            read_run(path)


# --- a layer of a user's own ----------------------------------------------------------------------


@pytest.fixture
def noise_layer():
    """A kind of layer that is defined here, and nowhere in the zoo."""

    @register_layer
    @dataclass(frozen=True)
    class Noise:
        deviation: float = 0.1

        def __post_init__(self) -> None:
            validation.positive(self, "deviation")

        def __str__(self) -> str:
            return f"noise of {self.deviation}"

        def output_shape(self, shape):
            return shape

        def parameters(self, shape):
            return 0

    @add_layer.register(Noise)
    def _(layer, x, context):
        return keras.layers.GaussianNoise(layer.deviation, name=context.name("noise"))(x)

    yield Noise
    del KINDS["Noise"]


def test_a_layer_of_ones_own_goes_all_the_way(noise_layer, bars, tmp_path, capsys):
    recipe = replace(zoo.get_spec("shallow").recipe, epochs=2)
    spec = zoo.ModelSpec("noisy", (noise_layer(0.2), zoo.FullyConnected(20), zoo.Softmax()), recipe)
    assert NetworkSpec.from_json(spec.to_json()) == spec
    with pytest.raises(zoo.SpecError, match="Did you mean"):
        NetworkSpec.from_json(spec.to_json().replace("deviation", "deviaton"))
    with pytest.raises(zoo.SpecError, match="deviation must be above 0"):
        noise_layer(0)
    zoo.register(spec)
    try:
        assert main(["show", "noisy"]) == 0
        assert "noise of 0.2" in capsys.readouterr().out
        few = bars.take(300)
        first = zoo.train("noisy", few, epochs=1, progress=False)
        assert any(isinstance(layer, keras.layers.GaussianNoise) for layer in first.model.layers)
        result = zoo.train("noisy", few, out=tmp_path, progress=False)
        again = zoo.train("noisy", few, out=tmp_path, progress=False)
        assert again.history == result.history
        assert load_run(tmp_path)[0].layers == spec.layers
    finally:
        zoo.unregister("noisy")

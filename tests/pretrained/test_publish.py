"""Publishing: the best run becomes the pretrained network, and its card tells what is so."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import DataError, RunError
from zoo.pretrained import manifest, publish
from zoo.pretrained.best_run import best_run
from zoo.pretrained.model_card import card
from zoo.training.run_folder import load_run

BOOK = zoo.get_spec("mlp30")


@pytest.fixture(scope="module")
def published(bars, tmp_path_factory):
    """Two runs of a recipe of our own for `mlp30`, and what was published of them."""
    folder = tmp_path_factory.mktemp("publishing")
    recipe = replace(BOOK.recipe, epochs=1, images=2000, learning_rate=0.01)
    spec = zoo.register(replace(BOOK, name="mlp30.brief", recipe=recipe))
    for seed in (0, 1):
        zoo.train(spec, bars, seed=seed, out=folder / f"mlp30.brief-seed{seed}", progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_SAVED_MODELS", str(folder / "saved"))
        entry = publish.publish("mlp30.brief", folder, bars)
    yield folder, entry
    zoo.unregister("mlp30.brief")


@pytest.fixture
def saved(published, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(published[0] / "saved"))
    return published[0] / "saved"


def test_the_run_with_the_best_validation_accuracy_is_taken(published):
    folder, entry = published
    best = {}
    for seed in (0, 1):
        record = json.loads((folder / f"mlp30.brief-seed{seed}" / "run.json").read_text())
        best[seed] = max(row["val_accuracy"] for row in record["history"])
    assert best[0] != best[1], "the runs must differ for this test to tell"
    assert entry.seed == max(best, key=best.get)
    assert entry.validation == pytest.approx(500 * max(best.values()))


def test_an_entry_says_what_is_so(published, saved):
    _, entry = published
    assert manifest.manifest() == {"mlp30.brief": entry}
    blob = (saved / entry.file).read_bytes()
    assert (len(blob), hashlib.sha256(blob).hexdigest()) == (entry.size, entry.sha256)
    assert entry.trained_by.hash == entry.spec_hash != BOOK.hash


def test_half_precision_is_enough_where_it_answers_alike(published, bars):
    folder, entry = published
    _, model = load_run(folder / f"mlp30.brief-seed{entry.seed}")
    exact = zoo.predict(model, bars.validation).predicted
    model.set_weights([tensor.astype(np.float16) for tensor in model.get_weights()])
    alike = (zoo.predict(model, bars.validation).predicted == exact).all()
    assert entry.precision == ("F16" if alike else "F32")
    bytes_a_number = {"F16": 2, "F32": 4}[entry.precision]
    assert 0 < entry.size - bytes_a_number * BOOK.parameters < 1000


def test_an_architecture_without_weights_of_its_own_has_those_of_the_best_recipe(published, saved):
    _, entry = published

    def another(name, validation):
        spec = {**entry.spec, "name": name}
        file = f"{name}/{manifest.WEIGHTS}"
        return replace(entry, name=name, file=file, validation=validation, spec=spec)

    better = another("mlp30.better", entry.validation + 1)
    worse = another("mlp30.worse", entry.validation - 1)
    own = another("mlp30", 0)
    kept = (saved / manifest.MANIFEST).read_bytes()
    try:
        for each in (worse, better):
            manifest.record(each)
        assert manifest.entry_of("mlp30") == better
        manifest.record(replace(worse, name="mlp30", file=f"mlp30/{manifest.WEIGHTS}"))
        assert manifest.entry_of("mlp30") == better, "an older manifest names the architecture"
        assert manifest.entry_of("mlp30.brief") == entry
        manifest.record(own)
        assert manifest.entry_of("mlp30") == own
    finally:
        (saved / manifest.MANIFEST).write_bytes(kept)


def test_it_is_loaded_by_either_name(published, saved, bars):
    _, entry = published
    for name in ("mlp30", "mlp30.brief"):
        model = zoo.load(name)
        assert zoo.evaluate(model, bars.test) == entry.score
    faster = zoo.build("mlp30", weights=True, learning_rate=0.25)
    np.testing.assert_array_equal(faster.get_weights()[0], model.get_weights()[0])
    assert float(faster.optimizer.learning_rate) == 0.25


def test_the_card_is_made_of_what_was_measured(published, saved, bars):
    _, entry = published
    text = (saved / "mlp30.brief/README.md").read_text()
    assert text == card(entry, zoo.predict(zoo.load("mlp30"), bars.test), "bars")
    for expected in (str(entry.score), entry.sha256, "**not the book's**", "96.48 %", "23,860",
                     "digits as bars has them"):  # fmt: skip
        assert expected in text


@pytest.mark.parametrize(
    ("name", "figure", "recipe"),
    [
        ("mlp30.quadratic", "95.42 % (chapter 1", "`mlp30.quadratic`, the book's"),
        ("conv2_relu.expanded", "99.37 % (chapter 6", "`conv2_relu.expanded`, the book's"),
        ("conv2_relu_dropout.fast", "99.60 % (chapter 6", "`conv2_relu_dropout.fast`, **not"),
        ("wan2013", "99.79 % (chapter 1", "`wan2013`, ours"),
        ("linear", "no figure", "`linear`, the book's"),
    ],
)
def test_a_card_has_the_figure_of_its_own_recipe(published, bars, name, figure, recipe):
    spec = zoo.get_spec(name)
    made = {"name": name, "file": f"{name}/{manifest.WEIGHTS}", "spec": spec.to_plain()}
    entry = replace(published[1], **made, spec_hash=spec.hash)
    text = card(entry, zoo.predict(zoo.build("linear", seed=0), bars.test))
    assert f"| the book | {figure}" in text
    assert f"| recipe | {recipe}" in text
    assert "from *Neural Networks and Deep Learning*" in text


def test_a_function_has_a_card_without_a_number_of_parameters(published, saved, bars, tmp_path):
    @zoo.register("counted_by_keras", recipe=replace(BOOK.recipe, epochs=1, images=2000, l2=0.0))
    def counted_by_keras():
        dense = keras.layers.Dense(10, "sigmoid")
        return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), dense])

    try:
        out = tmp_path / "counted_by_keras-seed0"
        zoo.train("counted_by_keras", bars, seed=0, out=out, progress=False)
        publish.publish("counted_by_keras", tmp_path, bars)
        text = (saved / "counted_by_keras" / "README.md").read_text()
        assert "parameters" not in text
        assert "Nielsen" not in text
        assert "`counted_by_keras`, ours" in text
    finally:
        zoo.unregister("counted_by_keras")


def test_weights_of_other_classes_are_not_published_as_digits(published, saved, bars):
    letters = replace(bars, name="letters", class_names=tuple("abcdefghij"))
    with pytest.raises(DataError, match=r"letters has other classes: zoo\.push"):
        publish.publish("mlp30.brief", published[0], letters)


def test_training_may_start_from_it(published, saved, bars):
    start = zoo.load("mlp30")
    result = zoo.train("mlp30", bars, seed=9, epochs=1, start=start, progress=False)
    fresh = zoo.train("mlp30", bars, seed=9, epochs=1, progress=False)
    assert result.history[0]["loss"] < fresh.history[0]["loss"]
    with pytest.raises(zoo.SpecError, match="start has other layers than mlp100"):
        zoo.train("mlp100", bars, epochs=1, start=start, progress=False)


def test_a_run_that_started_elsewhere_is_not_taken_up(published, saved, bars, tmp_path):
    zoo.train("mlp30", bars, epochs=1, start=zoo.load("mlp30"), out=tmp_path, progress=False)
    with pytest.raises(RunError, match="another start"):
        zoo.train("mlp30", bars, epochs=1, out=tmp_path, progress=False)


def test_without_a_run_there_is_nothing_to_publish(saved, bars, tmp_path):
    with pytest.raises(RunError, match="python -m zoo reproduce conv1"):
        publish.publish("conv1", tmp_path, bars)


def test_a_run_on_other_images_or_from_given_weights_is_none_of_the_recipe(
    published, bars, tmp_path
):
    folder, entry = published
    spec = zoo.get_spec("mlp30.brief")
    assert best_run(spec, folder, bars)[1].seed == entry.seed
    with pytest.raises(RunError, match=r"no finished run of mlp30\.brief by its recipe on few"):
        best_run(spec, folder, replace(bars.take(1000), name="few"))
    begun = tmp_path / "mlp30.brief-seed0"
    start = load_run(folder / begun.name)[1]
    zoo.train(spec, bars, start=start, out=begun, progress=False)
    with pytest.raises(RunError, match="has no finished run"):
        best_run(spec, tmp_path, bars)


def test_what_fails_on_the_way_leaves_the_published_weights(published, saved, bars, monkeypatch):
    folder, _ = published
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}

    def failing(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publish, "card", failing)
    with pytest.raises(KeyboardInterrupt):
        publish.publish("mlp30.brief", folder, bars)
    after = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    assert after == before


def test_a_recipe_without_its_architecture_in_the_registry_is_published(saved, bars, tmp_path):
    recipe = replace(BOOK.recipe, epochs=1, images=500)
    spec = zoo.register(replace(BOOK, name="alone.brief", recipe=recipe))
    kept = (saved / manifest.MANIFEST).read_bytes()
    try:
        zoo.train(spec, bars, out=tmp_path / "alone.brief-seed0", progress=False)
        entry = publish.publish("alone.brief", tmp_path, bars)
        assert zoo.evaluate(zoo.load("alone.brief"), bars.test) == entry.score
    finally:
        zoo.unregister("alone.brief")
        (saved / manifest.MANIFEST).write_bytes(kept)


def test_published_into_a_home_of_ones_own_it_stands_beside_what_is_shipped(
    published, bars, tmp_path, monkeypatch
):
    shipped = manifest.manifest()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    assert manifest.manifest() == shipped
    entry = publish.publish("mlp30.brief", published[0], bars)
    assert manifest.manifest() == {**shipped, "mlp30.brief": entry}
    assert list(json.loads((tmp_path / "saved_models/manifest.json").read_text())) == [entry.name]
    for name in ("mlp30.brief", "mlp30", "linear"):
        zoo.load(name)  # which checks the SHA-256
    assert manifest.weights_file(entry).is_relative_to(tmp_path)
    assert not manifest.weights_file(shipped["mlp30"]).is_relative_to(tmp_path)
    old = {**shipped, entry.name: entry}  # an earlier version copied what is shipped
    plain = {name: asdict(each) for name, each in old.items()}
    (tmp_path / "saved_models/manifest.json").write_text(json.dumps(plain))
    zoo.load("mlp30")
    own = replace(shipped["linear"], test=1)
    manifest.record(own)
    assert manifest.entry_of("linear") == own
    with pytest.raises(RunError, match="published anew meanwhile"):
        manifest.weights_file(replace(own, test=2))

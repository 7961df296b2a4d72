"""The networks under keras-tuner's own tuners."""

from __future__ import annotations

import keras_tuner
import numpy as np
import pytest
from PIL import Image

import zoo
from tuning import Choice, Integer, LogUniform, SearchSpace
from tuning.kerastuner.hypermodel import hypermodel
from zoo.data.mapped import mapping_of
from zoo.errors import SpecError

SPACE = SearchSpace.of(learning_rate=LogUniform(0.01, 1), units=Integer(5, 20), l2=Choice(0, 5))
BRIEF = zoo.get_spec("mlp30").with_settings(epochs=2)


def test_it_builds_what_the_point_says():
    hp = keras_tuner.HyperParameters()
    network = hypermodel("mlp30", SPACE, seed=1)
    network.build(hp)
    assert hp.values == {"learning_rate": 0.01, "units": 5, "l2": 0}
    hp.values.update(learning_rate=0.5, units=12, l2=5)
    model = network.build(hp)
    assert model.count_params() == 784 * 12 + 12 + 120 + 10
    assert float(model.optimizer.learning_rate) == pytest.approx(0.5)


@pytest.mark.integration
@pytest.mark.parametrize(
    "tuner",
    [
        "RandomSearch",
        pytest.param("Hyperband", marks=pytest.mark.integration),
        pytest.param("BayesianOptimization", marks=pytest.mark.integration),
    ],
)
def test_keras_tuners_search_it_unchanged(tuner, bars, tmp_path):
    options = {"Hyperband": {"max_epochs": 2, "factor": 2}}.get(tuner, {"max_trials": 2})
    searching = getattr(keras_tuner, tuner)(
        hypermodel(BRIEF, SPACE, seed=1),
        objective="val_accuracy",
        directory=tmp_path,
        seed=1,
        **options,
    )
    searching.search(bars.take(500), verbose=0)
    best = searching.oracle.get_best_trials()[0]
    assert best.score > 0.2
    assert set(best.hyperparameters.values) >= {"learning_rate", "units", "l2"}


@pytest.mark.integration
def test_arrays_are_trained_on_as_keras_does(bars, tmp_path):
    few = bars.take(500)
    searching = keras_tuner.RandomSearch(
        hypermodel(BRIEF, SPACE), objective="val_accuracy", max_trials=1, directory=tmp_path
    )
    validation = (few.validation.images, few.validation.labels)
    searching.search(few.train.images, few.train.labels, validation_data=validation, verbose=0)
    assert searching.oracle.get_best_trials()[0].score > 0.1


def test_what_keras_tuner_cannot_hold_is_refused():
    space = SearchSpace.of(augment=Choice(["shift"], ["rotate"]))
    with pytest.raises(SpecError, match="augment: keras-tuner chooses among numbers and words"):
        hypermodel("mlp30", space)


@pytest.mark.integration
def test_pictures_of_other_shapes_on_the_disk(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 3  # red, green, blue
    pictures = generator.integers(0, 60, (120, 8, 8, 3), np.uint8)
    pictures[np.arange(120), :, :, labels] += 150
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        place = tmp_path / "pictures" / ["red", "green", "blue"][label] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place)
    data = zoo.load_data(tmp_path / "pictures", cache=tmp_path / "cache", progress=False)
    assert mapping_of(data.train.images) is not None
    spec = BRIEF.with_settings(input_shape=data.shape, classes=3)
    searching = keras_tuner.RandomSearch(
        hypermodel(spec, SearchSpace.of(units=Choice(20, 30)), seed=1),
        objective="val_accuracy",
        max_trials=2,
        directory=tmp_path,
    )
    searching.search(data, verbose=0)
    assert searching.oracle.get_best_trials()[0].score > 0.9
    network, point = hypermodel(BRIEF, SPACE), keras_tuner.HyperParameters()
    model = network.build(point)
    with pytest.raises(SpecError, match=r"was built for images of 28x28x1 in 10 classes"):
        network.fit(point, model, data)

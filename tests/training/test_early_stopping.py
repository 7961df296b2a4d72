"""The rules that lower the learning rate and end the training, followed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo.errors import SpecError
from zoo.nn.schedules import one_cycle_points
from zoo.training.early_stopping import PlateauDecision, plateau_rule

RECIPE = zoo.Recipe(cost="log_likelihood", epochs=50, learning_rate=0.5, patience=2)


@pytest.mark.parametrize(
    ("accuracies", "stop"),
    [
        ([], False),
        ([0.5, 0.6, 0.7], False),
        ([0.7, 0.6, 0.5], True),
        ([0.7, 0.7, 0.7], True),  # no worse is no improvement
        ([0.7, 0.6, 0.8, 0.1], False),
        ([0.7, 0.6, 0.8, 0.1, 0.2], True),
    ],
)
def test_early_stopping_is_no_improvement_in_n(accuracies, stop):
    assert plateau_rule(accuracies, RECIPE) == PlateauDecision(1.0, stop)


def test_without_patience_nothing_stops():
    assert plateau_rule([0.9] * 1000, replace(RECIPE, patience=None)) == PlateauDecision(
        1.0, stop=False
    )


def test_halving_ends_at_a_128th():
    recipe = replace(RECIPE, schedule="halve")
    # The first epoch improves on nothing; after that each second epoch halves, seven times in all.
    factors = [plateau_rule([0.9] * epochs, recipe).factor for epochs in range(1, 16)]
    assert factors == [1 / 2 ** (k // 2) for k in range(15)]
    assert not plateau_rule([0.9] * 14, recipe).stop
    assert plateau_rule([0.9] * 15, recipe) == PlateauDecision(1 / 128, stop=True)


def test_an_improvement_starts_the_count_again_and_keeps_the_rate():
    recipe = replace(RECIPE, schedule="halve")
    assert plateau_rule([0.5, 0.4, 0.4, 0.6, 0.5], recipe) == PlateauDecision(0.5, stop=False)
    assert plateau_rule([0.5, 0.4, 0.4, 0.6, 0.5, 0.5], recipe) == PlateauDecision(0.25, stop=False)


def test_tenths_end_at_a_thousandth():
    recipe = replace(RECIPE, schedule="tenth", patience=1)
    verdicts = [plateau_rule([0.9] * epochs, recipe) for epochs in (1, 2, 3, 4)]
    assert [verdict.factor for verdict in verdicts] == pytest.approx([1, 0.1, 0.01, 0.001])
    assert [verdict.stop for verdict in verdicts] == [False, False, False, True]


def test_one_cycle_by_hand():
    recipe = replace(RECIPE, schedule="one_cycle", epochs=2, images=50, patience=None)
    assert one_cycle_points(recipe) == (2, 10)
    spec = zoo.ModelSpec("tiny", (zoo.Softmax(),), recipe)
    rate = zoo.build(spec).optimizer._learning_rate
    rates = [float(rate(step)) for step in range(11)]
    assert rates[:3] == pytest.approx([0.25, 0.5, 0.5 * 8 / 9])
    assert rates[9] == pytest.approx(0.5 / 9)
    assert rates[10] == 0


@pytest.mark.parametrize("schedule", ["halve", "tenth"])
def test_a_schedule_without_patience_is_refused(schedule):
    with pytest.raises(SpecError, match="needs patience"):
        replace(RECIPE, schedule=schedule, patience=None)


def test_training_obeys(bars):
    spec = zoo.get_spec("mlp30").with_settings(patience=1, schedule="halve", epochs=60)
    result = zoo.train(spec, bars.take(300), progress=False)
    curve = [row["val_accuracy"] for row in result.history]
    assert len(curve) < 60
    assert plateau_rule(curve, spec.recipe) == PlateauDecision(1 / 128, stop=True)
    assert not plateau_rule(curve[:-1], spec.recipe).stop
    before = plateau_rule(curve[:-1], spec.recipe).factor
    assert float(result.model.optimizer.learning_rate) == pytest.approx(0.1 * before)


def test_a_run_taken_up_again_keeps_its_lowered_rate(bars, tmp_path):
    import keras

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 8:
                raise KeyboardInterrupt

    spec = zoo.get_spec("mlp30").with_settings(patience=1, schedule="halve", epochs=12)
    few = bars.take(300)
    unbroken = zoo.train(spec, few, progress=False)
    assert plateau_rule([r["val_accuracy"] for r in unbroken.history[:8]], spec.recipe).factor < 1
    with pytest.raises(KeyboardInterrupt):
        zoo.train(spec, few, out=tmp_path, callbacks=[Interrupt()], progress=False)
    resumed = zoo.train(spec, few, out=tmp_path, progress=False)
    assert [r["val_accuracy"] for r in resumed.history] == [
        r["val_accuracy"] for r in unbroken.history
    ]
    for mine, theirs in zip(unbroken.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)

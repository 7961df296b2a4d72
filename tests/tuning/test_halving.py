"""Asynchronous successive halving, played on a landscape whose best point is known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from tuning import Choice, LogUniform, SearchSpace
from tuning.fidelity import FULL, Fidelity
from tuning.strategies.base import WAIT, Wait
from tuning.strategies.halving import Halving
from tuning.trial import Suggestion, Trial, TrialResult
from zoo.errors import SpecError

SPACE = SearchSpace.of(learning_rate=LogUniform(0.001, 10.0), l2=LogUniform(0.01, 100.0))
TWO = SearchSpace.of(learning_rate=Choice(0.1, 0.2))


def landscape(suggestion: Suggestion) -> TrialResult:
    """Best at eta 0.2 and lambda 4, and better after more epochs."""
    rate, decay = suggestion.values["learning_rate"], suggestion.values.get("l2", 4)
    lost = 0.05 * math.log10(rate / 0.2) ** 2 + 0.02 * math.log10(decay / 4) ** 2
    return TrialResult(max(0.0, 0.97 - lost - 0.1 / (suggestion.fidelity.epochs or 54)))


def played(strategy: Halving, at_once: int = 1, most: int = 500) -> list[Trial]:
    """All trials, of which so many run at once; the oldest ends first."""
    trials: list[Trial] = []
    while True:
        running = [trial for trial in trials if not trial.result]
        suggestion = strategy.suggest(trials) if len(running) < at_once else WAIT
        if isinstance(suggestion, Suggestion):
            trials.append(Trial(len(trials), suggestion.values, None, suggestion.fidelity))
        elif running:
            ended = running[0]
            result = landscape(Suggestion(ended.values, ended.fidelity))
            trials[ended.number] = Trial(ended.number, ended.values, result, ended.fidelity)
        else:
            assert suggestion is None
            return trials
        assert len(trials) < most


def test_rungs_are_thirds_of_the_epochs():
    assert Halving(SPACE, 54).rungs == [
        Fidelity(epochs=2), Fidelity(epochs=6), Fidelity(epochs=18), FULL
    ]  # fmt: skip
    assert Halving(SPACE, 1).rungs == [FULL]
    assert Halving(SPACE, 4).rungs == [Fidelity(epochs=1), FULL]


@pytest.mark.parametrize("at_once", [1, 8])
def test_the_best_third_of_a_rung_goes_up_and_the_best_point_to_the_top(at_once):
    strategy = Halving(SPACE, 54, trials=81)
    trials = played(strategy, at_once)
    counts = [sum(trial.fidelity == rung for trial in trials) for rung in strategy.rungs]
    assert counts[0] == 81
    for below, above in pairwise(counts):
        assert below // 3 <= above < below, "some go up that only later ones surpass"
    lowest = [trial for trial in trials if trial.fidelity == strategy.rungs[0]]
    best = max(lowest, key=lambda trial: trial.score)
    assert best.values in [trial.values for trial in trials if trial.fidelity == FULL]


def test_a_decision_depends_on_the_trials_alone():
    trials = played(Halving(SPACE, 54, trials=30, seed=2))
    for number in range(len(trials)):
        suggestion = Halving(SPACE, 54, trials=30, seed=2).suggest(trials[:number])
        assert (suggestion.values, suggestion.fidelity) == (
            trials[number].values,
            trials[number].fidelity,
        )


def test_of_two_points_the_better_one_is_trained_in_full():
    trials = played(Halving(TWO, 9))
    assert trials[-1].fidelity == FULL
    assert trials[-1].values == {"learning_rate": 0.2}
    running = Trial(0, {"learning_rate": 0.1}, None, Fidelity(epochs=1))
    other = Trial(1, {"learning_rate": 0.2}, TrialResult(0.5), Fidelity(epochs=1))
    assert isinstance(Halving(TWO, 9).suggest([running, other]), Wait)


def test_what_never_learns_does_not_go_up():
    trials = [Trial(n, {"learning_rate": r}, TrialResult(0.0), Fidelity(epochs=1))
              for n, r in enumerate((0.1, 0.2))]  # fmt: skip
    assert Halving(TWO, 9).suggest(trials) is None


def test_settings_that_make_no_sense():
    with pytest.raises(SpecError, match="factor of halving are 2 or more"):
        Halving(SPACE, 9, factor=1)
    with pytest.raises(SpecError, match="takes one trial or more"):
        Halving(SPACE, 9, trials=0)


def test_a_cost_that_is_to_fall_is_promoted_like_a_share_that_is_to_grow():
    def kept(trials):
        return [(trial.values, trial.fidelity) for trial in trials]

    strategy, lowered = Halving(SPACE, 54, trials=30), Halving(SPACE, 54, trials=30)
    trials: list[Trial] = []
    while isinstance(suggestion := lowered.suggest(trials), Suggestion):
        result = TrialResult(landscape(suggestion).score - 2)  # all below 0, in the same order
        trials.append(Trial(len(trials), suggestion.values, result, suggestion.fidelity))
    assert kept(trials) == kept(played(strategy))
    assert any(trial.fidelity == FULL for trial in trials)
    failed = [Trial(n, t.values, TrialResult(-2, error="no"), t.fidelity) for n, t in enumerate(
        trials[:9])]  # fmt: skip
    assert strategy.suggest(failed).fidelity == strategy.rungs[0]

"""The stages of the broad strategy: what each tries, and what it says.

The stages are generators: they yield suggestions that may run at once, and are sent the trials that
came of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tuning.fidelity import Fidelity
from tuning.space import SearchSpace, Values
from tuning.strategies import comparison
from tuning.strategies.broad_base import Steps, key_of, text_of
from tuning.strategies.broad_signal import BATCH, ETA, LAMBDA, TWO_DIGITS, SignalSearch
from tuning.trial import Trial
from zoo.spec import ModelSpec

BY_COST = "learning rate by the training cost"


class BroadSearch(SignalSearch):
    """One run through the strategy: the values it holds to, and what it has said.

    Its steps yield suggestions that may run at once, and are sent the trials that came of them.
    """

    def __init__(self, spec: ModelSpec, space: SearchSpace, values: Values):
        super().__init__(spec, space, values)
        # Of each setting of the network, the values that a reduced problem could not tell apart
        # from the best: it may be too small to show the difference.
        self.undecided: dict[str, list[Any]] = {}
        # The learning rates that were seen to learn in the first epochs.
        self.learned: list[float] = []

    def steps(self, points: Sequence[Values] = ()) -> Steps:
        """The whole strategy; with points of an earlier search, its last stage from the best."""
        if points:
            yield from self._best_of(points)
            yield from self._full_problem()
            return
        yield from self._find_signal(TWO_DIGITS, 0.5)
        yield from self._find_signal_in_all_classes()
        if ETA in self.ranges:
            yield from self._learning_rate_by_cost()
            yield from self._climb(ETA, (2.0,), self.a_fifth)
        if LAMBDA in self.ranges:
            self.values[LAMBDA] = self._within(LAMBDA, 1.0)
            yield from self._climb(LAMBDA, (10.0, 3.0), self.a_fifth)
        if ETA in self.ranges:
            yield from self._climb(ETA, (2.0,), self.a_fifth)
        if BATCH in self.ranges:
            yield from self._batch_size_by_clock()
        for name in self.ranges:
            if name not in (ETA, LAMBDA, BATCH):
                tried = yield from self._climb(name, (2.0,), self.a_fifth)
                self.undecided[name] = comparison.not_told_apart(tried, name)
        yield from self._full_problem()

    def _best_of(self, points: Sequence[Values]) -> Steps:
        """Begin at the best of some points; settings of the network are open, wherever it is."""
        trials = yield from self._try(self.full, points)
        best, _ = comparison.better(trials[0], trials)
        self.values = dict(best.values)
        others = [trial for trial in trials if trial.number != best.number]
        text = f"{text_of(best.values)} is the best: {comparison.compared(best, others)}."
        self._say("points of an earlier search", text, trials)
        for name in self.ranges:
            if name not in (ETA, LAMBDA, BATCH):
                self.undecided[name] = self._neighbours(name, self.values[name], 2.0)

    # --- the stages -------------------------------------------------------------------------------

    def _learning_rate_by_cost(self) -> Steps:
        """The largest learning rate whose cost falls from the first epoch on; then half of it."""
        threshold = magnitude = yield from self._order_of_magnitude()
        images = self.first_epochs.images or self.images
        while not self.learned and images < self.images:
            self._say(BY_COST, f"No rate learns from {images:,} images: they are too few.", [])
            images = min(5 * images, self.images)
            self._train_on(images)
            threshold = magnitude = yield from self._order_of_magnitude()
        for factor in (2.0, 5.0):
            finer = self._within(ETA, magnitude * factor)
            if finer <= threshold or not (yield from self._cost_falls(finer)):
                break
            threshold = finer
        self.values[ETA] = self._within(ETA, threshold / 2)
        text = f"{text_of({ETA: threshold})} is the threshold; half of it is taken."
        self._say(BY_COST, text, [])

    def _order_of_magnitude(self) -> Steps:
        """The last power of ten, from the present rate, whose cost falls."""
        rate = self._within(ETA, self.values[ETA])
        fell = yield from self._cost_falls(rate)
        factor = 10.0 if fell else 0.1
        while (following := self._within(ETA, rate * factor)) != rate:
            falls = yield from self._cost_falls(following)
            if fell and not falls:
                return rate
            rate = following
            if falls and not fell:
                return rate
        return rate

    def _cost_falls(self, rate: float) -> Steps:
        change = {ETA: rate, LAMBDA: 0.0} if LAMBDA in self.values else {ETA: rate}
        (trial,) = yield from self._try(self.first_epochs, [change])
        falls, text = comparison.cost_falls(trial), comparison.falls(trial)
        learns = self._learns(trial, self.chance)
        if learns or learns is None:  # of too few validation images, the cost decides alone
            self.learned.append(rate)
        elif not trial.failed and any(smaller < rate for smaller in self.learned):
            # The cost of rectified units that died falls, too: to that of a guess.
            falls, text = False, "it is guessing, where smaller rates learn"
        kept = "kept" if falls else "too large"
        self._say(BY_COST, f"{text_of({ETA: rate})} {kept}: {text}.", [trial])
        return falls

    def _climb(self, name: str, factors: Sequence[float], problem: Fidelity) -> Steps:
        """Change one setting for as long as validation accuracy gets better."""
        (best,) = yield from self._try(problem, [{}])
        everything = [best]
        for factor in factors:
            tried = {key_of(self.values[name])}
            while True:
                values = self._neighbours(name, self.values[name], factor)
                fresh = [value for value in values if key_of(value) not in tried]
                if not fresh:
                    break
                tried |= {key_of(value) for value in fresh}
                trials = yield from self._try(problem, [{name: value} for value in fresh])
                everything += trials
                best, moved = comparison.better(best, trials)
                self.values[name] = best.values[name]
                self._say_best(name, problem, best, trials)
                if not moved:
                    break
        return everything

    def _batch_size_by_clock(self) -> Steps:
        """The mini-batch size with the best accuracy in the time that the quickest one took."""
        size = self.values[BATCH]
        sizes = [size, *self._neighbours(BATCH, size, 2.0)]
        changes = []
        for other in sizes:
            # A larger batch takes fewer steps, each by a mean of more gradients: eq. 100 to 102.
            change = {BATCH: other}
            if ETA in self.ranges:
                change[ETA] = self._within(ETA, self.values[ETA] * other / size)
            changes.append(change)
        # Anew, since a trial in one program with others has another clock.
        trials = yield from self._try(self.a_fifth, changes, again=True)
        clock = min(comparison.seconds(trial) for trial in trials)
        if math.isinf(clock):
            text = f"{text_of({BATCH: size})} kept: no size trained without diverging."
            self._say("mini-batch size by the clock", text, trials)
            return
        best = max(trials, key=lambda trial: comparison.accuracy_after(trial, clock))
        self.values |= {name: best.values[name] for name in changes[0]}
        message = ", ".join(
            f"{trial.values[BATCH]}: {comparison.accuracy_after(trial, clock):.2%}"
            for trial in trials
        )
        kept = text_of({name: best.values[name] for name in changes[0]})
        text = f"{kept} kept: in {clock:.1f} seconds, batches of {message}.".replace("%", " %")
        self._say("mini-batch size by the clock", text, trials)

    def _full_problem(self) -> Steps:
        """The full problem: what smaller ones left open, then steps around the best point."""
        (best,) = yield from self._try(self.full, [{}])
        text = f"{text_of(best.values)}: {comparison.percent(best)}."
        self._say("the full problem", text, [best])
        tried = {key_of(best.values)}
        best = yield from self._decide_anew(best, tried)
        while True:
            changes = [
                {name: value}
                for name, factor in ((ETA, 2.0), (LAMBDA, 3.0))
                if name in self.ranges
                for value in self._neighbours(name, self.values[name], factor)
            ]
            best, moved = yield from self._step_to_the_best(best, changes, tried)
            if not moved:
                return

    def _decide_anew(self, best: Trial, tried: set[str]) -> Steps:
        """Settings that a reduced problem could not decide, one after another on the full one."""
        for name, values in self.undecided.items():
            while values:
                best, moved = yield from self._step_to_the_best(
                    best, [{name: value} for value in values], tried
                )
                # A step that helped is taken once more: the reduced problem never looked there.
                again = moved and isinstance(best.values[name], int | float)
                values = self._neighbours(name, best.values[name], 2.0) if again else []
        return best

    def _step_to_the_best(self, best: Trial, changes: list[Values], tried: set[str]) -> Steps:
        fresh = [each for each in changes if key_of({**self.values, **each}) not in tried]
        if not fresh:
            return best, False
        tried |= {key_of({**self.values, **change}) for change in fresh}
        trials = yield from self._try(self.full, fresh)
        best, moved = comparison.better(best, trials)
        self.values = dict(best.values)
        message = f"{text_of(best.values)} {'is better' if moved else 'stays the best'}"
        self._say("the full problem", f"{message}: {comparison.compared(best, trials)}.", trials)
        return best, moved

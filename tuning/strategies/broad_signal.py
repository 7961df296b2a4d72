"""The first stage of the broad strategy: any signal at all, on as small a problem as can be."""

from __future__ import annotations

from dataclasses import replace

from tuning.fidelity import Fidelity, shrunk
from tuning.space import SearchSpace, Values
from tuning.strategies import comparison
from tuning.strategies.broad_base import BroadBase, Steps, text_of
from tuning.trial import Trial
from zoo.spec import ModelSpec

# Of the book's 50,000 images and 10 epochs or more; of a smaller problem they are as large a share.
FEW = 1_000
TWO_DIGITS = Fidelity(images=FEW, validation=100, digits=(0, 1), epochs=5, hidden=False)
ALL_DIGITS = Fidelity(images=FEW, validation=100, epochs=5, hidden=False)
FIRST_EPOCHS = Fidelity(images=5_000, validation=1_000, epochs=5)
A_FIFTH = Fidelity(images=10_000, validation=2_000, epochs=10)

ETA, LAMBDA, BATCH = "learning_rate", "l2", "batch_size"


class SignalSearch(BroadBase):
    """Finds settings that learn, and how small the problems may be that decide on others."""

    def __init__(self, spec: ModelSpec, space: SearchSpace, values: Values):
        super().__init__(space, values)
        patience = spec.recipe.patience or max(2, spec.recipe.epochs // 3)
        self.full = Fidelity() if "patience" in self.ranges else Fidelity(patience=patience)
        # Of a guess to be right: of few classes more; of many, those most frequent are more than
        # their share.
        self.chance = max(0.1, 1 / spec.output_classes)
        self.images = spec.recipe.images
        self.first_epochs, self.a_fifth = shrunk(FIRST_EPOCHS, spec), shrunk(A_FIFTH, spec)

    def _find_signal_in_all_classes(self) -> Steps:
        """In a small problem; where nothing learns there, in larger ones, up to all images."""
        images = FEW
        while True:
            found = yield from self._find_signal(replace(ALL_DIGITS, images=images), self.chance)
            if found is None:
                return
            if found:
                break
            if images >= self.images:
                return
            images = min(5 * images, self.images)
        if images > FEW:
            self._train_on(images)

    def _train_on(self, images: int) -> None:
        """Decide nothing on fewer images than these: fewer show no signal."""
        self.first_epochs, self.a_fifth = (
            replace(problem, images=max(problem.images or images, images))
            for problem in (self.first_epochs, self.a_fifth)
        )
        if images >= self.images:
            self.a_fifth = self.full

    def _find_signal(self, problem: Fidelity, chance: float) -> Steps:
        """Whether a way out of guessing was found, which is then the one taken.

        None where there are too few validation images to tell.
        """
        for change in ({}, *self._ways_out()):
            (trial,) = yield from self._try(problem, [change])
            learns, score = self._learns(trial, chance), _score(trial)
            message = f"{text_of({**self.values, **change})}: {score}"
            if learns is None:
                few = "too few validation images to tell learning from guessing"
                self._say(f"signal: {problem}", f"{message}, {few}.", [trial])
                return None
            if learns:
                self.values |= change
                self._say(f"signal: {problem}", f"{message}. That is a signal.", [trial])
                return True
            what = "" if trial.failed else ", which is guessing"
            self._say(f"signal: {problem}", f"{message}{what}.", [trial])
        self._say(f"signal: {problem}", "No setting learns.", [])
        return False

    def _learns(self, trial: Trial, chance: float) -> bool | None:
        """Whether a trial does better than guessing; None where its images are too few to tell."""
        if not trial.validated:
            return False  # it was not trained
        needed = comparison.more_than_guessing(trial.validated, chance)
        return None if needed is None else comparison.right(trial) >= needed

    def _ways_out(self) -> list[Values]:
        """What to change where nothing is learned: no decay first, then other learning rates."""
        change = {LAMBDA: 0.0} if LAMBDA in self.values else {}
        ways = [change] if change else []
        if ETA in self.values:
            rates = [self.values[ETA] * 10.0**power for power in (-1, 1, -2, -3, -4)]
            ways += [{**change, ETA: rate} for rate in rates]
        return ways


def _score(trial: Trial) -> str:
    """How many of how many validation images are right; of a trial without a score, why."""
    if trial.failed:
        return trial.error
    if trial.validated is None:
        return f"{comparison.percent(trial)}, of how many images nobody knows"
    return f"{comparison.right(trial)} of {trial.validated:,} right"

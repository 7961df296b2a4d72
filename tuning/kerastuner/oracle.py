"""Our strategies as keras-tuner's oracles, so that its tuners, chief and workers follow them.

    tuner = keras_tuner.Tuner(StrategyOracle("tpe", max_trials=20), build_model, directory="runs")
    tuner = tuning.Tuner(StrategyOracle(Grid(space)), "mlp30", space, directory="runs")

Its state is the journal in the project's folder, the same as of `python -m tuning`: what was killed
goes on. `python -m tuning report` reads that of a `tuning.Tuner`, which says of which network it
is. keras-tuner's own files, which it writes in place and which a kill can tear, are not written.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.kerastuner import entries
from tuning.kerastuner.chief import PAUSE
from tuning.kerastuner.recording import RecordedOracle
from tuning.kerastuner.shown import ShownProgress
from tuning.store.trials import ENDLESS, Budget
from tuning.strategies.base import Strategy
from tuning.strategies.keras_tuner_space import hyperparameters as declared
from tuning.trial import Suggestion, Trial
from zoo.errors import SpecError


class StrategyOracle(RecordedOracle):
    """Any strategy, for any tuner of keras-tuner's.

    Several processes may have the same project. Strategies that read more of a trial than its
    score, as `Broad` does, need `tuning.Tuner`.

    Args:
        strategy: A strategy, whose space is searched, and what a model asks for beyond it; or the
            name of one, or what makes one from a space, over all that a model asks for.
        objective: As for keras-tuner's oracles: a name, an Objective, or several.
        budget: What the search may spend.
        max_trials: The budget as keras-tuner's oracles take it.
        hyperparameters: A space declared in advance, for a strategy by its name.
        seed: Of a strategy by its name.
        max_consecutive_failed_trials: How many trials may fail one after another; None, the
            default here, for any number.
        options: `allow_new_entries`, `tune_new_entries` and `max_retries_per_trial`, as for
            keras-tuner's oracles.

    Raises:
        SpecError: There is no such strategy, or the space cannot be one of keras-tuner's.
    """

    def __init__(
        self,
        strategy: Strategy | str | entries.Maker,
        objective: Any = "val_accuracy",
        budget: Budget = ENDLESS,
        *,
        max_trials: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        seed: int = 0,
        max_consecutive_failed_trials: int | None = None,
        **options: Any,
    ):
        self._given = strategy if isinstance(strategy, Strategy) else None
        if self._given:
            if hyperparameters is not None:
                raise SpecError("a strategy has its space: give hyperparameters beside its name")
            hyperparameters = declared(self._given.space)
        else:
            self._make = entries.strategy_maker(strategy, seed)  # type: ignore[arg-type]
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            max_trials=budget.trials if max_trials is None else max_trials,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            seed=1,  # draws nothing; without one, keras-tuner would draw one
            **options,
        )
        self.budget = replace(budget, trials=self.max_trials)
        self.search_values: dict[str, Any] = {}  # what workers are told of the search
        self.pause = PAUSE
        self._display = ShownProgress(oracle=self)
        self._recalled = False

    @property
    def strategy(self) -> Strategy:
        """The strategy that decides, over all entries that are known."""
        known = [] if self._given is None else [name for name, _ in self._given.space.ranges]
        space = entries.space_of(self.hyperparameters)
        if self._given is None:
            return self._make(space)
        if all(name in known for name, _ in space.ranges):
            return self._given
        late = tuple(each for each in space.ranges if each[0] not in known)
        return replace(self._given, space=entries.OpenSpace((*self._given.space.ranges, *late)))  # type: ignore[type-var]

    def decide_by(self, space: Any) -> Strategy:
        """The strategy over a space that is declared; what a named one is given by `Tuner`."""
        if self._given is None:
            self._given = self._make(space)
            self.update_space(declared(space))
        return self._given

    # --- what tuners ask --------------------------------------------------------------------------

    def create_trial(self, tuner_id: str) -> KerasTrial:
        """The next trial for a tuner: the one it has, one that was left behind, or a new one."""
        with self._lock:
            self._hear(tuner_id)
            if tuner_id in self.ongoing_trials:
                self._check_alone(tuner_id)
                return self.ongoing_trials[tuner_id]
            self._recall()
            self._take_over(tuner_id)
            self.tuner_ids.add(tuner_id)
            stack = contextlib.ExitStack()
            taken = stack.enter_context(self.store.claim(self._decider(), self.budget))
            if isinstance(taken, Trial):
                return self._begin(taken, tuner_id, stack)
            stack.close()
            over = taken is None and not self.ongoing_trials
            if over:
                self.tuner_ids.discard(tuner_id)
        if not over:
            time.sleep(self.pause)
        return KerasTrial(self.get_space(), "", "STOPPED" if over else "IDLE")

    def update_trial(self, trial_id: str, metrics: dict[str, float], step: int = 0) -> KerasTrial:
        """Note the metrics of a trial that runs."""
        with self._lock:
            return self._note(trial_id, metrics, step)

    def end_trial(self, trial: KerasTrial | str, status: str = "COMPLETED") -> None:
        """Note a trial's result, in the journal first; of a trial that has one, nothing.

        A trial that is INVALID is left for whoever asks next while it has retries.

        Raises:
            RunError: There is no such trial.
            RuntimeError: As many trials have failed in a row as `max_consecutive_failed_trials`.
        """
        with self._lock:
            if isinstance(trial, str):  # keras-tuner's signature of earlier versions
                known = {"COMPLETE": "COMPLETED"}
                trial = KerasTrial(self.get_space(), trial, known.get(status, status))
            name, others = trial.trial_id, self.store.trials()
            self._hear_of(name)
            self._settle(trial)
            self._run_times[name] += 1
            again = self._run_times[name] <= self.max_retries_per_trial
            if self.trials[name].status == "INVALID" and again:
                self._let_go(name)
                return
            self._end(self.trials[name], others)
            self._display.on_trial_end(self.trials[name])
            self._check_consecutive_failures()

    def get_space(self) -> keras_tuner.HyperParameters:
        """The space, and beside it what workers are told of the search."""
        with self._lock:
            space = super().get_space()
        space.values.update(self.search_values)
        return space

    def update_space(self, hyperparameters: keras_tuner.HyperParameters) -> None:
        """Add what a model asks for to the space, unless `tune_new_entries` says not to.

        Raises:
            RuntimeError: There is something new, and `allow_new_entries` is False.
        """
        with self._lock:
            before = len(self.hyperparameters.space)
            super().update_space(hyperparameters)
            if self.trials and len(self.hyperparameters.space) > before:
                entries.write_entries(self._entries, self.hyperparameters)

    def save(self) -> None:
        """Nothing: the journal has it all."""

    def reload(self) -> None:
        """Read the journal, and the entries that earlier models asked for."""
        self._recall()
        self._catch_up()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of the next trial, and whether there is one, as keras-tuner's oracles answer.

        A subclass may override it, as one of theirs: its values then make the trial.
        """
        suggestion = self._suggesting().suggest(self.store.trials())
        if isinstance(suggestion, Suggestion):
            return {"status": "RUNNING", "values": dict(suggestion.values)}
        return {"status": "STOPPED" if suggestion is None else "IDLE"}

    # --- inside -----------------------------------------------------------------------------------

    @property
    def _entries(self) -> Any:
        return self.store.project / "entries.json"

    def _recall(self) -> None:
        if not self._recalled and self.tune_new_entries and self.allow_new_entries:
            self.hyperparameters.merge(entries.read_entries(self._entries), overwrite=False)
        self._recalled = True

    def _decider(self) -> Strategy:
        if type(self).populate_space is not StrategyOracle.populate_space:
            return entries.PopulatedStrategy(self.populate_space)
        return self._suggesting()

    def _suggesting(self) -> Strategy:
        space = entries.space_of(self.hyperparameters)
        if self._given and len(space.ranges) == len(self._given.space.ranges):
            return self._given
        return entries.GrowingStrategy(space, lambda _: self.strategy, self.hyperparameters)

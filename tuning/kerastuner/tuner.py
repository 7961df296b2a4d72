"""keras-tuner's Tuner for the networks of the zoo: every run is kept, and no kill loses a trial.

tuner = tuning.Tuner(keras_tuner.oracles.RandomSearchOracle("val_accuracy", 10), "mlp30", space)
tuner.search(data)
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial

from tuning.execution import run
from tuning.fidelity import Fidelity
from tuning.kerastuner import chief
from tuning.kerastuner.chief import Client, TrialSuperseded
from tuning.kerastuner.hypermodel import hypermodel, suggestion_of
from tuning.kerastuner.objective import check_objective, objective_value
from tuning.kerastuner.oracle import RESULT, StrategyOracle
from tuning.search import Search
from tuning.space import SearchSpace, searchable
from tuning.store.identity import check_same
from tuning.store.trials import ENDLESS, Budget
from tuning.strategies.keras_tuner_space import hyperparameters
from tuning.strategies.random import Random
from tuning.trial import Trial
from zoo.data import Data
from zoo.registry import get_spec
from zoo.spec import ModelSpec
from zoo.training.run_folder import load_run
from zoo.utils.atomic import atomic_write
from zoo.utils.locks import file_lock

# Among the values that the chief tells its workers: what is searched, as JSON.
SEARCH = "zoo/search"


def search_across(
    found: Search,
    data: Data,
    budget: Budget = ENDLESS,
    heartbeat_timeout: float = chief.HEARTBEAT_TIMEOUT,
    watch: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """This process's part, as chief or worker, of a search across machines."""
    project = found.project.resolve()
    tuner = Tuner(
        StrategyOracle(found.strategy, budget=budget),
        found.spec,
        found.space,
        executions=found.executions,
        seed=found.seed,
        directory=project.parent,
        project_name=project.name,
        heartbeat_timeout=heartbeat_timeout,
    )
    tuner.search(data, watch, say)


class Tuner(keras_tuner.Tuner):
    """Any oracle of keras-tuner's, or a `StrategyOracle`, over a network of the zoo.

    The objective is one that the history of a run has: val_accuracy, val_loss, accuracy or loss, in
    its direction; the mean is taken over the executions, which are all kept with their curves. A
    run that diverges has the accuracy 0 and the loss 1000. A trial that was cut off goes on at its
    epoch. An error that is not the point's own ends the search, and the next search of the folder
    takes the trial up. With keras-tuner's variables set, this is the chief or a worker of a search
    across machines: see `tuning.kerastuner.chief`.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        network: str | ModelSpec,
        space: SearchSpace,
        *,
        executions: int = 1,
        seed: int = 0,
        directory: str | Path = ".",
        project_name: str = "untitled_project",
        overwrite: bool = False,
        heartbeat_timeout: float = chief.HEARTBEAT_TIMEOUT,
    ):
        spec, self.place, self.heartbeat_timeout = (
            searchable(get_spec(network)),
            chief.endpoint(),
            heartbeat_timeout,
        )
        strategy = oracle.strategy if isinstance(oracle, StrategyOracle) else Random(space)
        folder = Path(directory) / project_name
        self.problem = Search(folder, spec, space, strategy, executions, seed)
        self.strategic = isinstance(oracle, StrategyOracle)
        check_objective(oracle.objective, strategic=self.strategic)
        super().__init__(
            oracle,
            hypermodel(spec, space),
            directory=str(directory),
            project_name=project_name,
            overwrite=overwrite,
        )
        self.oracle: Any
        if self.place and self._is_worker():
            self.oracle = Client(oracle, self.place, heartbeat_timeout)

    def search(
        self,
        data: Data,
        watch: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Search to the end; as the chief, by the workers; as a worker, until the chief says so."""
        if self.place and self._is_worker():
            self._check_chief(data, self.place)
            say(f"worker {self.tuner_id}: at work for the chief at {self.place.address}")
            super().search(data)
            return
        self.oracle.verbose = 0
        if self.strategic:
            self.problem.open(data)
        if not self.strategic or not self.place:
            try:
                super().search(data)
            finally:
                if self.strategic:
                    self.oracle.let_go()
            return
        self.oracle.search_values = {SEARCH: json.dumps(self._identity(data))}
        chief.serve(self.oracle, self.place, self.heartbeat_timeout, watch, say)

    def run_trial(self, trial: KerasTrial, data: Data) -> float:
        """Train one trial on the data and return its score, as keras-tuner calls it."""
        ours = self._ours(trial)
        before = None if ours.after is None else self.problem.store.folder(ours.after)
        with self._watched(trial) as callbacks, self._folder(ours.number) as folder:
            try:
                result = run(
                    ours,
                    self.problem.spec,
                    data,
                    folder,
                    self.problem.seeds,
                    before=before,
                    callbacks=callbacks,
                )
            except TrialSuperseded as no_use:
                if no_use.error:
                    raise no_use.error from no_use
                return 0.0  # the trial has its result
        trial.hyperparameters.values[RESULT] = json.dumps(result.to_plain())
        folders = [folder / f"seed{seed}" for seed in self.problem.seeds]
        return objective_value(self.oracle.objective, result, folders)

    def load_model(self, trial: KerasTrial) -> keras.Model:
        """The network of a trial's first execution, at its best epoch."""
        folder = self.problem.store.folder(int(trial.trial_id))
        return load_run(folder / f"seed{self.problem.seed}")[1]

    def save(self) -> None:
        """Save keras-tuner's own state; a strategy's trials are in the journal already."""
        if not self.strategic:
            if not self._is_worker():
                self.oracle.save()
            with atomic_write(self._get_tuner_fname()) as temporary:
                temporary.write_text("{}", encoding="utf-8")

    def _populate_initial_space(self) -> None:
        # keras-tuner would build a model to find out; the space is declared.
        self.oracle.update_space(hyperparameters(self.problem.space))

    def _try_run_and_update_trial(self, trial: KerasTrial, *data: Any) -> None:
        # keras-tuner takes any error for the point's, and after three gives up all.
        self._run_and_update_trial(trial, *data)
        trial.status = "COMPLETED"

    def _ours(self, trial: KerasTrial) -> Trial:
        plan = suggestion_of(trial.hyperparameters, self.problem.space)
        epochs = trial.hyperparameters.values.get("tuner/epochs")  # of keras-tuner's Hyperband
        fidelity = Fidelity(epochs=epochs) if epochs else plan.fidelity
        return Trial(int(trial.trial_id), plan.values, None, fidelity, plan.after)

    @contextlib.contextmanager
    def _watched(self, trial: KerasTrial) -> Iterator[list[keras.callbacks.Callback]]:
        if not self._is_worker():
            yield []
            return
        with self.oracle.alive(trial.trial_id) as check:
            yield [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: check())]

    @contextlib.contextmanager
    def _folder(self, number: int) -> Iterator[Path]:
        """Where this process keeps a trial's runs: not where a twin thought dead is at work."""
        folder = self.problem.store.folder(number)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(file_lock(folder / "worker.lock"))
            except BlockingIOError:
                folder = folder / self.tuner_id
            yield folder

    def _check_chief(self, data: Data, place: chief.Endpoint) -> None:
        stored = self.oracle.get_space().values.get(SEARCH)
        if stored:
            where = f"the chief at {place.address}"
            check_same(
                json.loads(stored), self._identity(data), where, "Give both the same command."
            )

    def _identity(self, data: Data) -> dict[str, Any]:
        return replace(self.problem.identity(), data=data.fingerprint).to_plain()

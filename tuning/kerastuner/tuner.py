"""keras-tuner's Tuner for the networks of the zoo: every run is kept, and no kill loses a trial.

tuner = tuning.Tuner(keras_tuner.oracles.RandomSearchOracle("val_accuracy", 10), "mlp30", space)
tuner.search(data)
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial
from keras_tuner.src.engine.tuner_utils import TunerCallback

from tuning.execution import run
from tuning.fidelity import Fidelity
from tuning.kerastuner import chief, foreign
from tuning.kerastuner.chief import Client, TrialSuperseded
from tuning.kerastuner.fitting import recipe_settings, search_data
from tuning.kerastuner.hypermodel import hypermodel, suggestion_of
from tuning.kerastuner.objective import check_objective, objective_value
from tuning.kerastuner.oracle import StrategyOracle
from tuning.kerastuner.outcome import RESULT
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
    tuner.search(data, watch=watch, say=say, verbose=0)


class Tuner(keras_tuner.Tuner):
    """Any oracle of keras-tuner's, or a `StrategyOracle`, over a network of the zoo.

    The objective is one that the history of a run has: val_accuracy, val_loss, accuracy or loss, in
    its direction; the mean is taken over the executions, which are all kept with their curves. A
    run that diverges has the accuracy 0 and the loss 1000; a point that cannot be trained at all is
    a FAILED trial. A trial that was cut off goes on at its epoch. An error that is not the point's
    own ends the search, and the next search of the folder takes the trial up. With keras-tuner's
    variables set, this is the chief or a worker of a search across machines: see
    `tuning.kerastuner.chief`.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        network: str | ModelSpec,
        space: SearchSpace,
        *,
        executions: int = 1,
        executions_per_trial: int | None = None,
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
        strategy = oracle.decide_by(space) if isinstance(oracle, StrategyOracle) else Random(space)
        folder = Path(directory) / project_name
        seeds = executions if executions_per_trial is None else executions_per_trial
        self.problem = Search(folder, spec, space, strategy, seeds, seed)
        self._callbacks: Sequence[keras.callbacks.Callback] = ()
        check_objective(oracle.objective, strategic=isinstance(oracle, StrategyOracle))
        self.strategic = isinstance(oracle, StrategyOracle)
        self._theirs = {} if self.strategic else foreign.oracle_settings(oracle)
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
        *given: Any,
        watch: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda text: None,
        **options: Any,
    ) -> None:
        """Search to the end; as the chief, by the workers; as a worker, until the chief says so.

        Args:
            given: The images: a Data, or images as bytes and their labels, also as x and y.
            watch: What a chief calls all the time.
            say: What a chief or worker calls with what is worth a line.
            options: Those of Keras' `fit` that a recipe leaves open: validation_data or
                validation_split, epochs and batch_size in place of the recipe's, callbacks, which
                are copied for each execution, and verbose, 0 to print nothing.

        Raises:
            SpecError: Another option, or no images to train on or to validate by.
            RunError: The folder is of another network, space, data set or oracle.
        """
        data = search_data(given, options, self.problem.spec)
        self._take(options)
        if not self.strategic:
            foreign.settle(self.problem, self._theirs, data)
        if self.place and self._is_worker():
            self._check_chief(data, self.place)
            say(f"worker {self.tuner_id}: at work for the chief at {self.place.address}")
            super().search(data)
            return
        self.oracle.verbose = options.get("verbose", 1)
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
                    callbacks=lambda seed: [*callbacks, *self._callbacks_of(trial, seed)],
                )
            except TrialSuperseded as no_use:
                if no_use.error:
                    raise no_use.error from no_use
                return 0.0  # the trial has its result
        if self.strategic:
            result = self.problem.measured(replace(ours, result=result), data)
            trial.hyperparameters.values[RESULT] = json.dumps(result.to_plain())
        if result.error:
            raise keras_tuner.errors.FailedTrialError(result.error)
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
        try:
            self._run_and_update_trial(trial, *data)
            trial.status = "COMPLETED"
        except keras_tuner.errors.FailedTrialError as error:
            trial.status, trial.message = "FAILED", str(error)

    def _take(self, options: dict[str, Any]) -> None:
        """Take over the options of a search."""
        settings = recipe_settings(options, self.problem.space)
        spec = self.problem.spec.with_settings(**settings)
        self.problem, self.hypermodel.spec = replace(self.problem, spec=spec), spec
        self._callbacks = keras.tree.flatten(options.get("callbacks") or [])
        self._deepcopy_callbacks(self._callbacks)  # what cannot be copied is named before a trial

    def _callbacks_of(self, trial: KerasTrial, seed: int) -> list[keras.callbacks.Callback]:
        callbacks = self._deepcopy_callbacks(self._callbacks)
        if any(type(each).__name__ == "TensorBoard" for each in callbacks):
            self._configure_tensorboard_dir(callbacks, trial, seed - self.problem.seed)
        hooks = ("on_epoch_begin", "on_epoch_end", "on_batch_begin", "on_batch_end")
        if any(getattr(type(self), hook) is not getattr(keras_tuner.Tuner, hook) for hook in hooks):
            callbacks.append(TunerCallback(self, trial))
        return callbacks

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

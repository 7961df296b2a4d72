"""A search: trials of one network, one or many at once, in a folder that survives all.

search.json     what is searched, and how; a search of something else is refused the folder
journal.jsonl   every event, and so the whole state
trials/0000/    the runs of a trial, one folder a seed; an interrupted one goes on at its epoch

Any number of processes may work on one folder. Each holds a lock on the trial that it runs, which
the operating system lets go when it dies, and the next process to look takes the trial up again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuning.fidelity import FULL, Fidelity
from tuning.journal import Event, Journal
from tuning.space import SearchSpace, apply
from tuning.strategies import Strategy, Trial, Wait
from zoo.data import Data
from zoo.errors import RunError, SpecError, ZooError
from zoo.files import replacing
from zoo.spec import ModelSpec
from zoo.training import TrainResult, train

# Seconds between looks at whether the trials that a strategy waits for have ended.
PAUSE = 0.5


@dataclass(frozen=True)
class Search:
    """What is searched: a network over a space, by a strategy, `executions` seeds a point.

    The score of a trial is the mean, over its executions, of the validation accuracy at the best
    epoch, in 0..1; 0 for one that diverged. Raises SpecError for a space that the network does not
    fit.
    """

    project: Path
    spec: ModelSpec
    space: SearchSpace
    strategy: Strategy
    executions: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        self.space.check(self.spec)
        for name, least in (("executions", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SpecError(f"{name} must be a whole number from {least} up, not {value!r}")

    @property
    def journal(self) -> Journal:
        return Journal(self.project / "journal.jsonl")

    def trials(self) -> list[Trial]:
        """All trials so far, ended or not, by their numbers."""
        return trials_of(self.journal.read())

    def best(self) -> Trial:
        """The ended trial with the highest score, of equals the first; RunError without one.

        Among those that saw the most of the problem: scores on less of it do not compare.
        """
        ended = [trial for trial in self.trials() if trial.score > 0]
        if not ended:
            raise RunError(
                f"no trial in {self.project} has learned anything: all diverged, or none has ended"
            )
        return max(ended, key=lambda trial: (trial.fidelity.rank, trial.score, -trial.number))

    def open(self, data: Data) -> None:
        """Make the folder, or check that it is this search's; RunError where it is another's."""
        told = {**self._identity(), "data": data.fingerprint}
        path = self.project / "search.json"
        if path.exists():
            _check_same(json.loads(path.read_text()), told, self.project)
            return
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(told, indent=2) + "\n")

    def work(
        self,
        data: Data,
        *,
        seconds: float | None = None,
        tell: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """Run trials until the strategy has no more, calling `tell` at the end of each.

        With `seconds`, no trial begins once all trials together have cost that much time.
        """
        self.open(data)
        while True:
            with self._next(seconds) as trial:
                if trial is None:
                    return
                if isinstance(trial, Wait):
                    time.sleep(PAUSE)
                    continue
                result = self._run(trial, data)
                with self.journal.writing() as writer:
                    writer.add({"event": "ended", "trial": trial.number, "result": result})
            tell(replace(trial, result=result))

    @contextlib.contextmanager
    def _next(self, seconds: float | None) -> Iterator[Trial | Wait | None]:
        """The trial to run next, held: one that its process left, or a new one; None at the end."""
        with contextlib.ExitStack() as stack:
            with self.journal.writing() as writer:
                trials = trials_of(writer.events)
                trial = self._left_behind(trials, stack) or self._new(trials, seconds)
                if isinstance(trial, Trial) and trial.number == len(trials):
                    stack.enter_context(_held(self._folder(trial.number)))
                    writer.add(_began(trial))
            yield trial

    def _left_behind(self, trials: Sequence[Trial], stack: contextlib.ExitStack) -> Trial | None:
        for trial in trials:
            if trial.result is None:
                with contextlib.suppress(BlockingIOError):
                    stack.enter_context(_held(self._folder(trial.number)))
                    return trial
        return None

    def _new(self, trials: Sequence[Trial], seconds: float | None) -> Trial | Wait | None:
        spent = sum(trial.result["seconds"] for trial in trials if trial.result)
        if seconds is not None and spent >= seconds:
            return None
        plan = self.strategy.next(trials)
        if plan is None or isinstance(plan, Wait):
            return plan
        return Trial(len(trials), plan.values, None, plan.fidelity)

    def _run(self, trial: Trial, data: Data) -> dict[str, Any]:
        executions, began = [], time.monotonic()
        for number in range(self.executions):
            seed = self.seed + number
            out = self._folder(trial.number) / f"seed{seed}"
            try:
                spec = trial.fidelity.of_spec(apply(self.spec, trial.values))
                seen = trial.fidelity.of_data(data)
                result = train(spec, seen, seed=seed, out=out, progress=False)
            except ZooError as error:
                return {"score": 0.0, "error": str(error), "executions": executions,
                        "seconds": time.monotonic() - began}  # fmt: skip
            executions.append(_told(result, seed))
        return {
            "score": statistics.mean(each["accuracy"] for each in executions),
            "executions": executions,
            "seconds": sum(each["seconds"] for each in executions),
        }

    def _folder(self, number: int) -> Path:
        return self.project / "trials" / f"{number:04}"

    def _identity(self) -> dict[str, Any]:
        return {
            "network": self.spec.name,
            "spec": self.spec.to_plain(),
            "space": self.space.to_plain(),
            "strategy": _plain(self.strategy),
            "executions": self.executions,
            "seed": self.seed,
        }


def trials_of(events: Sequence[Event]) -> list[Trial]:
    """The trials that a journal tells of, by their numbers; a trial ends once."""
    trials: dict[int, Trial] = {}
    for event in events:
        if event["event"] == "started":
            fidelity = Fidelity(**event.get("fidelity", {}))
            begun = Trial(event["trial"], event["values"], None, fidelity)
            trials.setdefault(begun.number, begun)
        elif event["event"] == "ended" and trials[event["trial"]].result is None:
            trials[event["trial"]] = replace(trials[event["trial"]], result=event["result"])
    return [trials[number] for number in sorted(trials)]


def _told(result: TrainResult, seed: int) -> dict[str, Any]:
    curve = [row["val_accuracy"] for row in result.history]
    diverged = result.diverged or not result.best_epoch
    return {
        "seed": seed,
        "accuracy": 0.0 if diverged else curve[result.best_epoch - 1],
        "best_epoch": result.best_epoch,
        "epochs": len(curve),
        "diverged": diverged,
        "seconds": round(result.seconds, 3),
        "curve": [round(value, 6) for value in curve],
        "costs": [_finite(row["loss"]) for row in result.history],
        "seconds_an_epoch": round(statistics.median(row["seconds"] for row in result.history), 4),
    }


def _finite(cost: float) -> float | None:
    return round(cost, 6) if math.isfinite(cost) else None  # JSON knows no infinity


def _began(trial: Trial) -> Event:
    told: Event = {"event": "started", "trial": trial.number, "values": trial.values}
    if trial.fidelity != FULL:
        told["fidelity"] = trial.fidelity.to_plain()
    return {**told, "time": round(time.time(), 1)}


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a trial, alone; BlockingIOError where a living process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _plain(strategy: Strategy) -> dict[str, Any]:
    told = {name: value for name, value in vars(strategy).items() if name not in ("space", "spec")}
    return {"kind": type(strategy).__name__, **told}


def _check_same(there: dict[str, Any], mine: dict[str, Any], project: Path) -> None:
    for name in mine:
        if there.get(name) != mine[name]:
            raise RunError(
                f"{project} holds a search with another {name}: {json.dumps(there.get(name))}, "
                f"not {json.dumps(mine[name])}. Choose another folder, or delete that one."
            )

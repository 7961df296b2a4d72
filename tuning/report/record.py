"""The record of a search, read off its folder: what was searched, how, and all that came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning.space import SearchSpace
from tuning.store.results import best_of
from tuning.store.trials import TrialStore, trials_of
from tuning.strategies.base import Strategy
from tuning.strategies.broad import Broad
from tuning.strategies.broad_stages import Decision
from tuning.strategies.comparison import margin
from tuning.strategies.grid import Grid
from tuning.strategies.random import Random
from tuning.trial import Trial
from zoo.errors import RunError
from zoo.spec import ModelSpec

STRATEGIES = {strategy.__name__: strategy for strategy in (Broad, Grid, Random)}


@dataclass(frozen=True)
class Record:
    """A search as its folder tells of it, over or not.

    `kind` names the strategy, and `strategy` is it where it can be made again. `order` holds the
    numbers of the ended trials as they ended, `began` when each began, in seconds since 1970.
    """

    project: Path
    spec: ModelSpec
    space: SearchSpace
    kind: str
    strategy: Strategy | None
    executions: int
    all: tuple[Trial, ...]
    order: tuple[int, ...]
    began: Mapping[int, float]

    def trials(self) -> list[Trial]:
        """All trials, ended or not, by their numbers."""
        return list(self.all)

    @property
    def ended(self) -> list[Trial]:
        """The trials that have ended, in the order in which they did."""
        return [self.all[number] for number in self.order]

    @property
    def fullest(self) -> list[Trial]:
        """Of the ended trials those that saw the most of the problem: their scores compare."""
        rank = max((trial.fidelity.rank for trial in self.ended), default=None)
        return [trial for trial in self.ended if trial.fidelity.rank == rank]

    @property
    def best(self) -> Trial | None:
        """The trial with the highest score on the most of the problem; None where none learned."""
        return best_of(self.ended)

    @property
    def rivals(self) -> list[Trial]:
        """The trials whose scores chance alone could part from the best one's."""
        best = self.best
        return [
            trial
            for trial in self.fullest
            if best and trial.number != best.number and best.score - trial.score < margin(best)
        ]

    @property
    def seconds(self) -> float:
        """Of training, in all ended trials."""
        return sum(trial.result["seconds"] for trial in self.ended)

    @property
    def total(self) -> int | None:
        """How many trials there will be, if that is known."""
        return self.strategy.total if self.strategy else None

    @property
    def story(self) -> Sequence[Decision]:
        """What the strategy says of its steps; nothing where it has nothing to say."""
        return self.strategy.story(self.all) if isinstance(self.strategy, Broad) else ()


def read_record(project: str | Path) -> Record:
    """Read the record of a search.

    Raises RunError where the folder holds no search, or a damaged one.
    """
    project = Path(project)
    told = _read(project)
    try:
        spec = ModelSpec.from_json(json.dumps(told["spec"]))
        space = SearchSpace.from_json(json.dumps(told["space"]))
        executions, settings = told["executions"], dict(told.get("strategy") or {})
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{project / 'search.json'} tells of no search: {error}") from error
    events = TrialStore(project).journal.read()
    order = [event["trial"] for event in events if event["event"] == "ended"]
    began = {
        event["trial"]: event["time"]
        for event in reversed(events)
        if event["event"] == "started" and "time" in event
    }
    kind = str(settings.pop("kind", "unknown"))
    return Record(
        project,
        spec,
        space,
        kind,
        _strategy(kind, settings, spec, space),
        executions,
        tuple(trials_of(events)),
        tuple(dict.fromkeys(order)),
        began,
    )


def executions_of(trial: Trial) -> list[dict[str, Any]]:
    """What each seed of a trial came to; none for one that has not ended, or could not begin."""
    return trial.result["executions"] if trial.result else []


def state_of(trial: Trial) -> str:
    """What is to be said of a trial beside its score: nothing, for one like any other."""
    if trial.result is None:
        return "has not ended"
    if "error" in trial.result:
        return trial.result["error"]
    diverged = sum(told["diverged"] for told in executions_of(trial))
    count = len(executions_of(trial))
    if not diverged:
        return ""
    return "diverged" if count == 1 else f"diverged ({diverged} of {count})"


def _read(project: Path) -> dict[str, Any]:
    path = project / "search.json"
    try:
        told = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(
            f"{project} holds no search: `python -m tuning random NAME --project {project}`"
        ) from error
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from error
    if not isinstance(told, dict):
        raise RunError(f"{path} tells of no search: expected an object, not {told!r}")
    return told


def _strategy(
    kind: str, settings: dict[str, Any], spec: ModelSpec, space: SearchSpace
) -> Strategy | None:
    if kind not in STRATEGIES:
        return None
    needed = {"spec": spec, "space": space} if kind == "Broad" else {"space": space}
    try:
        return STRATEGIES[kind](**needed, **settings)
    except TypeError:  # of another version, with settings that this one does not know
        return None

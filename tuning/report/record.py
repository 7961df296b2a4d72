"""The record of a search, read off its folder: what was searched, how, and all that came of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tuning.fidelity import Fidelity
from tuning.space import SearchSpace, searchable
from tuning.store.events import Ended, Started, records, trials_of
from tuning.store.identity import journal_of, read_identity
from tuning.store.results import best_of
from tuning.strategies.base import Decision, Strategy
from tuning.strategies.comparison import margin
from tuning.strategies.registry import read_strategy
from tuning.trial import Trial
from zoo.errors import RunError, SpecError
from zoo.spec import ModelSpec, NetworkSpec


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

    @cached_property
    def ended(self) -> list[Trial]:
        """The trials that have ended, in the order in which they did."""
        return [self.all[number] for number in self.order]

    @cached_property
    def problems(self) -> list[Fidelity]:
        """The problems that trials saw, one a rank, from the least of it to the most."""
        known = {trial.fidelity.rank: trial.fidelity for trial in self.all}
        return [known[rank] for rank in sorted(known)]

    @cached_property
    def fullest(self) -> list[Trial]:
        """Of the ended trials those that saw the most of the problem: their scores compare."""
        rank = max((trial.fidelity.rank for trial in self.ended), default=None)
        return [trial for trial in self.ended if trial.fidelity.rank == rank]

    @cached_property
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
        return sum(trial.seconds for trial in self.ended)

    @property
    def total(self) -> int | None:
        """How many trials there will be, if that is known."""
        return self.strategy.total if self.strategy else None

    @property
    def decisions(self) -> Sequence[Decision]:
        """What the strategy says of its steps; nothing where it has nothing to say."""
        return self.strategy.explanation(self.all) if self.strategy else ()


def read_record(project: str | Path) -> Record:
    """Read the record of a search.

    Raises RunError where the folder holds no search, or a damaged one.
    """
    project = Path(project)
    path = project / "search.json"
    try:
        identity = read_identity(path)
        spec = searchable(NetworkSpec.from_plain(identity.spec))
        space = SearchSpace.from_plain(identity.space)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(
            f"{project} holds no search: `python -m tuning random NAME --project "
            f"{shlex.quote(str(project))}`"
        ) from error
    except SpecError as error:
        raise RunError(
            f"{path} cannot be read ({error}): where a module of yours registers its layers, add "
            "--import MODULE; where it is damaged, delete it, and the command of this search "
            "writes it again and goes on"
        ) from error
    if "oracle" in identity.strategy:
        raise RunError(
            f"{project} is a search by keras-tuner's {identity.strategy['kind']}, whose trials are "
            "in its oracle.json: `results_summary()` of its tuner prints them"
        )
    journal = journal_of(project, identity)
    events = journal.read()
    trials = trials_of(events, journal.path, dict(space.ranges))
    known = records(events, journal.path)
    order = [event.trial for event in known if isinstance(event, Ended)]
    began = {
        event.trial: event.time
        for event in known
        if isinstance(event, Started) and event.time is not None
    }
    return Record(
        project,
        spec,
        space,
        str(identity.strategy.get("kind", "unknown")),
        read_strategy(identity.strategy, spec, space),
        identity.executions,
        tuple(trials),
        tuple(dict.fromkeys(order)),
        began,
    )


def state_of(trial: Trial) -> str:
    """What is to be said of a trial beside its score: nothing, for one like any other."""
    if trial.result is None:
        return "has not ended"
    if trial.failed:
        return trial.error
    diverged, count = trial.result.diverged, len(trial.executions)
    if not diverged:
        return ""
    return "diverged" if count == 1 else f"diverged ({diverged} of {count})"

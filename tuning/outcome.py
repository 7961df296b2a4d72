"""The end of a search at the command line: its table, its best point, its Pareto front."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuning.fidelity import FULL
from tuning.store.results import (
    keep_best,
    keep_trials,
    note_end,
    table,
    train_command,
    trial_record,
)
from tuning.store.studies import copy_events
from tuning.strategies.pareto import Pareto, pareto_front
from tuning.trial import Trial
from zoo.cli.figures import print_json

if TYPE_CHECKING:
    from tuning.search import Search


def show(
    found: Search, *, as_json: bool = False, images: str = "", modules: Sequence[str] = ()
) -> None:
    """Keep all trials and the best point in files, and print them.

    Args:
        found: A search with at least one trial that has learned something.
        as_json: Whether JSON is printed, and not a table.
        images: The options of the command line that name the images, for the next command.
        modules: Those imported for what they register, likewise.

    Raises:
        RunError: No trial has learned anything.
    """
    copy_events(found.store)
    note_end(found)
    keep_trials(found)
    trials = found.trials()
    best = found.best()
    path = keep_best(found, best)
    if as_json:
        record = json.loads(path.read_text(encoding="utf-8"))
        shown = {"best": record, "trials": [trial_record(trial) for trial in trials]}
        name = getattr(found.strategy, "against", "")
        sizes = [{"trial": trial.number, name: cost} for cost, trial in _front(found)]
        print_json({**shown, "front": sizes} if sizes else shown)
        return
    print(table(trials))
    if front := _front(found):
        timed = found.strategy.measures_latency
        print(f"\nno {'quicker' if timed else 'smaller'} network is as good:")
        for cost, trial in front:
            measure = f"{1e6 * cost:9,.1f} µs an image" if timed else f"{cost:12,} parameters"
            print(f"{measure}  {trial.score:.2%}  trial {trial.number}")
    reduced = "" if best.fidelity.rank == FULL.rank else f", of {best.fidelity}"
    print(f"\nbest: trial {best.number}, {best.score:.2%} on the validation images{reduced}")
    print(f"{path}: {train_command(path, modules)} {images}".rstrip())


def _front(found: Search) -> list[tuple[float, Trial]]:
    """The Pareto front with the parameters or latencies of its networks, of a search for one."""
    if not isinstance(found.strategy, Pareto):
        return []
    return pareto_front(found.trials(), found.strategy.cost)

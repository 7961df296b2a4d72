"""What strategies of search reach with the same training time: broad, random, grid and others.

    python -m benchmarks.search --budget 240

Each strategy searches `mlp30` over one space, in one process, with a folder below `runs/search`.
They take turns, a slice of training time each, so that all share the machine's moods; what was cut
off goes on. Broad starts where the book does, at settings that learn nothing. Only trials on the
full problem count, and the test images are never looked at.

Expect a table, and beside this file `search.csv` (a row an ended trial: the training time that the
strategy had spent, the images that it had trained on, and the best accuracy so far) and
`search.png`, after strategies x seeds x budget. Optuna's TPE is left out where it is not installed:
`pip install -r benchmarks/requirements.txt`.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, read_rows, write_rows
from tuning.fidelity import FULL
from tuning.search import Search
from tuning.space import Choice, Integer, LogUniform, SearchSpace
from tuning.store.results import duration
from tuning.strategies.base import Strategy
from tuning.strategies.broad import Broad
from tuning.strategies.grid import Grid
from tuning.strategies.random import Random
from tuning.trial import Suggestion, Trial
from zoo.data import Data, load_data
from zoo.registry import get_spec
from zoo.reproduction.tables import write_table
from zoo.spec import ModelSpec
from zoo.utils.atomic import atomic_write

CSV = Path(__file__).resolve().parent / "search.csv"
FOLDER = Path("runs") / "search"
NETWORK = "mlp30"
SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.001, 10.0),
    l2=LogUniform(0.01, 100.0),
    batch_size=Choice(5, 10, 20),
    units=Integer(10, 50),
    initializer=Choice("unit_normal", "lecun_normal"),
)
# Nobody trains on where nothing improves; broad does not, either.
PATIENCE = 10
SLICE = 20.0  # seconds of training a turn
TOGETHER = 8  # trials in one program, where a strategy has so many to offer
COLUMNS = ("strategy", "seed", "trial", "seconds", "images", "full", "best")


@dataclass(frozen=True)
class Tpe:
    """Optuna's tree-structured Parzen estimator, asked anew after every trial."""

    space: SearchSpace
    seed: int = 0
    total: int | None = None

    def suggest(self, trials: Sequence[Trial]) -> Suggestion:
        """Where it hopes for most, given the trials that have ended."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=1000 * self.seed + len(trials))
        study = optuna.create_study(direction="maximize", sampler=sampler)
        ranges = {name: _distribution(optuna, kind) for name, kind in self.space.ranges}
        for trial in trials:
            done = optuna.trial.create_trial(
                params=trial.values, distributions=ranges, value=trial.score
            )
            study.add_trial(done)
        return Suggestion(study.ask(ranges).params)


def strategies(spec: ModelSpec, space: SearchSpace, seed: int) -> dict[str, Callable[[], Strategy]]:
    """How to make each strategy that is installed."""
    found: dict[str, Callable[[], Strategy]] = {
        "broad": lambda: Broad(spec, space),
        "random": lambda: Random(space, None, seed),
        "grid": lambda: Grid(space, 3),
        "hyperband": lambda: _hyperband(spec, space, seed),
        "bayesian": lambda: _bayesian(space, seed),
    }
    if importlib.util.find_spec("optuna"):
        found["tpe"] = lambda: Tpe(space, seed)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Search by each strategy, and print what each reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--budget", type=float, default=240.0, help="seconds of training each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--strategies", nargs="+", metavar="NAME", help="default all")
    parser.add_argument("--table", action="store_true", help="search nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(table(read()), asked.write, "search")
        return 0
    if not asked.table:
        run(load_data(progress=False), asked.budget, asked.seeds, asked.strategies)
        draw(read(), CSV.with_suffix(".png"))
    print(table(read()))
    return 0


def run(
    data: Data, budget: float, seeds: Sequence[int], names: Sequence[str] | None = None
) -> None:
    """Search by turns until each strategy has spent its budget, writing rows as it goes."""
    spec = get_spec(NETWORK).with_settings(patience=PATIENCE)
    searches = {}
    for seed in seeds:
        for name, make in strategies(spec, SPACE, seed).items():
            if not names or name in names:
                folder = FOLDER / f"{name}-seed{seed}"
                searches[name, seed] = Search(
                    folder, spec, SPACE, make(), seed=seed, batch_trials=TOGETHER
                )
    spent = 0.0
    while spent < budget:
        spent = min(spent + SLICE, budget)
        for search in searches.values():
            search.work(data, seconds=spent)
        write([row for (name, seed), found in searches.items() for row in rows(name, seed, found)])


def rows(name: str, seed: int, search: Search) -> list[Row]:
    """A row an ended trial: what had been spent, and the best on the full problem so far."""
    seconds, images, full, best, found = 0.0, 0, 0, 0.0, []
    for trial in search.trials():
        if trial.result is None:
            continue
        seconds += trial.result.seconds
        images += _images(trial, search.spec)
        if trial.fidelity.rank == FULL.rank:
            full, best = full + 1, max(best, trial.score)
        row = (name, seed, trial.number, round(seconds, 1), images, full, round(best, 4))
        found.append(dict(zip(COLUMNS, row, strict=True)))
    return found


def table(found: Sequence[Row]) -> str:
    """A line a strategy: the best it reached, by when, and when it passed random, in Markdown.

    Within the training time that all have spent: a trial that has begun is ended, so some spend
    more than they were given.
    """
    found = _within(found)
    lines = [
        "| strategy | best validation | trials | full | reached after | random's best after |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    names = dict.fromkeys(row["strategy"] for row in found)
    for name in names:
        runs = _runs(found, name)
        last = [run[-1] for run in runs]
        best = statistics.mean(float(row["best"]) for row in last)
        count = statistics.mean(int(row["trial"]) + 1 for row in last)
        full = statistics.mean(int(row["full"]) for row in last)
        reached = _mean([_after(run, float(run[-1]["best"])) for run in runs])
        passed = _mean([_after(run, _final(found, "random", run[0]["seed"])) for run in runs])
        reads = f"{100 * best:.2f} %" if best else "none"
        lines.append(f"| {name} | {reads} | {count:.0f} | {full:.0f} | {reached} | {passed} |")
    return "\n".join(lines)


def draw(found: Sequence[Row], path: Path) -> None:
    """The best accuracy on the full problem by the training time spent, a line a run."""
    from zoo.lab.core.style import figure, line

    drawn, axes = figure(size=(7, 4.2))
    for number, name in enumerate(dict.fromkeys(row["strategy"] for row in found)):
        for index, run in enumerate(_runs(found, name)):
            reached = [(float(row["seconds"]), 100 * float(row["best"])) for row in run]
            points = [(seconds, best) for seconds, best in reached if best]
            if points:
                label = {} if index else {"label": name}
                axes.step(*zip(*points, strict=True), where="post", **line(number, **label))
    axes.set_xlabel("training time (s)")
    axes.set_ylabel("best validation accuracy (%)")
    axes.legend(frameon=False)
    with atomic_write(path) as temporary:
        drawn.savefig(temporary, dpi=120)


def read() -> list[Row]:
    """All rows measured so far."""
    return read_rows(CSV)


def write(found: Sequence[Row]) -> None:
    """Put all rows into the file, whole or not at all."""
    write_rows(found, CSV, COLUMNS)


def _within(found: Sequence[Row]) -> list[Row]:
    """The rows up to the least training time that any run has spent in all."""
    spent: dict[tuple, float] = {}
    for row in found:
        spent[row["strategy"], row["seed"]] = float(row["seconds"])
    least = min(spent.values(), default=0.0)
    return [row for row in found if float(row["seconds"]) <= least]


def _runs(found: Sequence[Row], name: str) -> list[list[Row]]:
    mine = [row for row in found if row["strategy"] == name]
    return [
        [row for row in mine if row["seed"] == seed]
        for seed in dict.fromkeys(row["seed"] for row in mine)
    ]


def _final(found: Sequence[Row], name: str, seed: Any) -> float | None:
    mine = [row for row in found if row["strategy"] == name and row["seed"] == seed]
    return float(mine[-1]["best"]) if mine else None


def _after(run: Sequence[Row], best: float | None) -> float | None:
    """The seconds after which a run was as good as this; None where it never was."""
    good = [float(row["seconds"]) for row in run if best and float(row["best"]) >= best]
    return good[0] if good else None


def _mean(seconds: Sequence[float | None]) -> str:
    known = [each for each in seconds if each is not None]
    return duration(statistics.mean(known)) if len(known) == len(seconds) else "never"


def _images(trial: Trial, spec: ModelSpec) -> int:
    recipe = trial.fidelity.of_spec(spec).recipe
    return sum(execution.epochs * recipe.images for execution in trial.executions)


def _hyperband(spec: ModelSpec, space: SearchSpace, seed: int) -> Strategy:
    from tuning.strategies.hyperband import Hyperband

    return Hyperband(space, spec.recipe.epochs, iterations=100, seed=seed)


def _bayesian(space: SearchSpace, seed: int) -> Strategy:
    from tuning.strategies.bayesian import Bayesian

    return Bayesian(space, None, seed)


def _distribution(optuna: Any, kind: Any) -> Any:
    distributions = optuna.distributions
    if isinstance(kind, Choice):
        return distributions.CategoricalDistribution(kind.values)
    if isinstance(kind, Integer):
        return distributions.IntDistribution(kind.low, kind.high)
    return distributions.FloatDistribution(kind.low, kind.high, log=isinstance(kind, LogUniform))


if __name__ == "__main__":
    raise SystemExit(main())

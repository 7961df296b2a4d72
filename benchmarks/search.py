"""A race of search strategies: what each reaches with the same number of image presentations.

    python -m benchmarks.search --seeds 10 --networks mlp30 --data mnist

Random search takes `--trials` full trials; every other strategy is given what they cost, over the
same space, from the same seed. Broad starts where the book does, at settings that learn nothing.
Only trials on the full problem count, and the test images are never looked at.

Expect a table, and beside this file `search.csv` (a row an ended trial) and `search.png`. A race
that is cut off goes on where it was. On one idle core, a seed of `mlp30` takes some three minutes
a strategy.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.search_table import YARDSTICK, draw, table
from tuning.fidelity import FULL
from tuning.search import Search
from tuning.space import Choice, Integer, LogUniform, SearchSpace
from tuning.strategies.base import Strategy
from tuning.trial import Trial
from zoo.data import Data, load_data
from zoo.registry import get_spec
from zoo.reproduction.tables import write_table
from zoo.spec import ModelSpec

CSV = Path(__file__).resolve().parent / "search.csv"
FOLDER = Path("runs") / "search"
SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.001, 10.0),
    l2=LogUniform(0.01, 100.0),
    batch_size=Choice(5, 10, 20),
    units=Integer(10, 50),
    initializer=Choice("unit_normal", "lecun_normal"),
)
# Nobody trains on where nothing improves; broad does not, either.
PATIENCE = 10
TRIALS = 40  # of random search
BATCH_TRIALS = 8  # in one program, where a strategy has so many to offer
COLUMNS = (
    "network", "data", "strategy", "seed", "trial", "images", "seconds", "full", "best",
)  # fmt: skip
_RACE = ("network", "data", "strategy", "seed")


def strategies(spec: ModelSpec, seed: int) -> dict[str, Callable[[], Strategy]]:
    """How to make each strategy, all without an end of their own but random, which runs first."""
    from tuning.strategies.bayesian import Bayesian
    from tuning.strategies.broad import Broad
    from tuning.strategies.cmaes import CMAES
    from tuning.strategies.halving import Halving
    from tuning.strategies.hyperband import Hyperband
    from tuning.strategies.random import Random
    from tuning.strategies.tpe import TPE

    epochs = spec.recipe.epochs
    return {
        YARDSTICK: lambda: Random(SPACE, TRIALS, seed),
        "broad": lambda: Broad(spec, SPACE),
        "halving": lambda: Halving(SPACE, epochs, None, 3, seed),
        "hyperband": lambda: Hyperband(SPACE, epochs, iterations=100, seed=seed),
        "bayesian": lambda: Bayesian(SPACE, None, seed),
        "tpe": lambda: TPE(SPACE, None, seed),
        "cmaes": lambda: CMAES(SPACE, None, seed=seed),
    }


def main(arguments: list[str] | None = None) -> int:
    """Race, and print what each strategy reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--networks", nargs="+", default=["mlp30"], metavar="NAME")
    parser.add_argument("--data", default="mnist", help="as for python -m zoo")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="0 to N - 1")
    parser.add_argument("--strategies", nargs="+", metavar="NAME", help="default all")
    parser.add_argument("--table", action="store_true", help="search nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(table(read()), asked.write, "search")
        return 0
    if not asked.table:
        data = load_data(asked.data, progress=False)
        for network in asked.networks:
            race(network, asked.data, data, range(asked.seeds), asked.strategies)
        draw(read(), CSV.with_suffix(".png"))
    print(table(read()))
    return 0


def race(
    network: str, name: str, data: Data, seeds: Sequence[int], names: Sequence[str] | None = None
) -> None:
    """Let the strategies search, seed by seed, writing the rows of each as it ends.

    Args:
        network: Whose settings are searched.
        name: Of the data, for the table.
        data: What it is trained on.
        seeds: One search a strategy and seed.
        names: Of the strategies; random search is always run, since it sets the budget.
    """
    spec = get_spec(network).with_settings(patience=PATIENCE)
    for seed in seeds:
        budget = None
        for strategy, make in strategies(spec, seed).items():
            if names and strategy not in (*names, YARDSTICK):
                continue
            folder = FOLDER / f"{network}-{name}-{strategy}-seed{seed}"
            found = Search(folder, spec, SPACE, make(), seed=seed, batch_trials=BATCH_TRIALS)
            spend(found, data, budget)
            ended = [
                {"network": network, "data": name, "strategy": strategy, "seed": str(seed), **row}
                for row in rows(found)
            ]
            budget = budget or ended[-1]["images"]
            _keep(ended)


def spend(search: Search, data: Data, budget: float | None) -> None:
    """Run trials until they have cost so many presentations, or the strategy ends by itself."""
    while True:
        trials = search.trials() if search.project.exists() else []
        if budget is not None and sum(_images(trial, search.spec) for trial in trials) >= budget:
            return
        most = None if budget is None else len(trials) + BATCH_TRIALS
        search.work(data, most=most)
        if most is None or len(search.trials()) < most:
            return


def rows(search: Search) -> Iterator[Row]:
    """A row an ended trial: what all had cost by then, and the best on the full problem so far."""
    seconds, images, full, best = 0.0, 0, 0, 0.0
    for trial in search.trials():
        if trial.result is None:
            continue
        seconds += trial.result.seconds
        images += _images(trial, search.spec)
        if trial.fidelity.rank == FULL.rank:
            full, best = full + 1, max(best, trial.score)
        yield {
            "trial": trial.number,
            "images": images,
            "seconds": round(seconds, 1),
            "full": full,
            "best": round(best, 4),
        }


def read() -> list[Row]:
    """All rows measured so far."""
    return read_rows(CSV)


def _keep(ended: Sequence[Row]) -> None:
    """Put the rows of one search into the file, in place of what it had there."""
    which = [str(ended[0][name]) for name in _RACE]
    others = [row for row in read() if [row[name] for name in _RACE] != which]
    write_rows([*others, *ended], CSV, COLUMNS)


def _images(trial: Trial, spec: ModelSpec) -> int:
    recipe = trial.fidelity.of_spec(spec).recipe
    return sum(execution.epochs * recipe.images for execution in trial.executions)


if __name__ == "__main__":
    raise SystemExit(main())

"""A race of search strategies: what each reaches with the same number of image presentations.

    python -m benchmarks.letters letters
    python -m benchmarks.search --networks mlp30 conv2_relu --data mnist letters --seeds 10

Random search takes so many full trials; every other strategy is given what they cost, over the same
space, from the same seed. Broad starts where the book does, at settings that learn nothing. Only
trials on the full problem count, and the test images are never looked at.

Expect a table, and beside this file `search.csv` (a row an ended trial) and `search.png`. A search
whose rows are in the file is not run again: delete them to measure it anew. A race that is cut off
goes on where it was, in the trial where it was. Two processes share a race by seeds:
`--first-seed 5 --seeds 5` beside `--seeds 5`. On one idle core, a seed of `mlp30` takes some three
minutes a strategy.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.parsers import command_parser
from benchmarks.rows import Row, read_rows, write_rows
from benchmarks.search_problems import Problem, problem_of, strategies
from benchmarks.search_table import FIRST, OTHERS, YARDSTICK, draw, table
from tuning.fidelity import FULL
from tuning.report.comparison import presentations
from tuning.search import Search
from tuning.strategies.registry import strategies as registered
from tuning.trial import Trial
from zoo.data import Data, load_data
from zoo.errors import ZooError
from zoo.reproduction.tables import write_table
from zoo.spec import ModelSpec
from zoo.training.parallel import end_with_parent
from zoo.utils.locks import file_lock

CSV = Path(__file__).resolve().parent / "search.csv"
FOLDER = Path("runs") / "search"
COLUMNS = (
    "network", "data", "strategy", "seed", "trial", "images", "seconds", "full", "best",
)  # fmt: skip
_RACE = ("network", "data", "strategy", "seed")


def main(arguments: list[str] | None = None) -> int:
    """Race, and print what each strategy reached."""
    asked = _parser().parse_args(arguments)
    if asked.write:
        write_table(table(read()), asked.write, "search")
        return 0
    failed = 0
    if not asked.table:
        failed = race_all(asked)
        draw(read(), CSV.with_suffix(".png"))
    print(table(read()))
    return 1 if failed else 0


def race_all(asked: argparse.Namespace) -> int:
    """Race over all problems, those strategies first that matter most; how many searches failed."""
    failed = 0
    for wave in (FIRST, OTHERS):
        names = [name for name in wave if not asked.strategies or name in asked.strategies]
        for network, data in itertools.product(asked.networks, asked.data):
            for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
                failed += bool(names) and not _ends_well(network, data, seed, names)
    return failed


def race(network: str, name: str, data: Data, seed: int, names: Sequence[str]) -> int:
    """Let strategies search one after another, writing the rows of each as it ends.

    Args:
        network: Whose settings are searched.
        name: Of the data, for the table.
        data: What it is trained on.
        seed: Of the points and of the trials.
        names: Of the strategies; random search is always run, since it sets the budget.

    Returns:
        How many searches failed; each is told, and the others go on.
    """
    problem = problem_of(network)
    spec, data = problem.spec(network, Path(name).name, data), problem.data(data)
    failed = 0
    for strategy in dict.fromkeys((YARDSTICK, *names)):
        which = _which(network, name, strategy, seed)
        if _rows_of(which):
            continue
        began = time.monotonic()
        try:
            found = _search(problem, spec, which)
            spend(found, data, None if strategy == YARDSTICK else _budget(which))
        except ZooError as error:
            print(f"search: {' '.join(which.values())}: {error}", file=sys.stderr, flush=True)
            failed += 1
            if strategy == YARDSTICK:
                break  # the others have no budget
            continue
        _keep([{**which, **row} for row in rows(found)])
        minutes = (time.monotonic() - began) / 60
        print(f"search: {' '.join(which.values())}: {minutes:.1f} min", flush=True)
    return failed


def spend(search: Search, data: Data, budget: float | None) -> None:
    """Run trials until they have cost so many presentations, or the strategy ends by itself."""
    while True:
        trials = search.trials() if search.project.exists() else []
        if budget is not None and sum(_costs(trials, search.spec)) >= budget:
            return
        most = None if budget is None else len(trials) + search.batch_trials
        search.work(data, most=most)
        if most is None or len(search.trials()) < most:
            return


def rows(search: Search) -> Iterator[Row]:
    """A row an ended trial: what all had cost by then, and the best on the full problem so far."""
    seconds, images, full, best = 0.0, 0, 0, 0.0
    trials = search.trials()
    for trial, cost in zip(trials, _costs(trials, search.spec), strict=True):
        if trial.result is None:
            continue
        seconds += trial.result.seconds
        images += cost
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


def _search(problem: Problem, spec: ModelSpec, which: Row) -> Search:
    strategy, seed = which["strategy"], int(which["seed"])
    folder = FOLDER / f"{which['network']}-{which['data']}-{strategy}-seed{seed}"
    made = strategies(problem, spec, seed)[strategy]()
    batch = registered()[strategy].batch_trials
    return Search(folder, spec, problem.space, made, seed=seed, batch_trials=batch)


def _ends_well(network: str, data: str, seed: int, names: Sequence[str]) -> bool:
    """Whether a seed's searches end without an error, in a process of their own.

    What hundreds of compiled programs leave in memory ends with it.
    """
    if all(_rows_of(_which(network, data, name, seed)) for name in (YARDSTICK, *names)):
        return True
    process = multiprocessing.get_context("spawn").Process(
        target=_race_alone, args=(network, data, seed, names)
    )
    process.start()
    process.join()
    return process.exitcode == 0


def _race_alone(network: str, data: str, seed: int, names: Sequence[str]) -> None:
    end_with_parent()
    sys.exit(race(network, data, load_data(data, progress=False), seed, names))


def _which(network: str, data: str, strategy: str, seed: int) -> dict[str, str]:
    """What the rows of one search have in common; a folder of images goes by its last name."""
    return dict(zip(_RACE, (network, Path(data).name, strategy, str(seed)), strict=True))


def _rows_of(which: Row) -> list[Row]:
    return [row for row in read() if all(row[name] == which[name] for name in _RACE)]


def _budget(which: Row) -> float:
    """What random search of the same problem and seed has cost."""
    return max(float(row["images"]) for row in _rows_of({**which, "strategy": YARDSTICK}))


def _keep(ended: Sequence[Row]) -> None:
    """Add the rows of one search to the file, which other processes may be adding to."""
    with file_lock(FOLDER / "rows.lock", wait=True):
        others = [row for row in read() if any(row[name] != ended[0][name] for name in _RACE)]
        write_rows([*others, *ended], CSV, COLUMNS)


def _costs(trials: Sequence[Trial], spec: ModelSpec) -> list[int]:
    return [presentations(trials, trial, spec) for trial in trials]


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("benchmarks.search", __doc__)
    parser.add_argument("--networks", nargs="+", default=["mlp30"], metavar="NAME")
    parser.add_argument("--data", nargs="+", default=["mnist"], help="as for python -m zoo")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many")
    parser.add_argument("--first-seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--strategies", nargs="+", choices=(*FIRST, *OTHERS), metavar="NAME", help="default all"
    )
    parser.add_argument("--table", action="store_true", help="search nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

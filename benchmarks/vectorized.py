"""Trials in one program, against one after another: images a second of a core, seconds a trial.

    python -m benchmarks.vectorized
    python -m benchmarks.vectorized --nets mlp100 --trials 8

Trials of one network at other learning rates are trained in four ways: one after another; together
in one program; each of the two again in two processes at once, which share the trials. `apart` is
together with a seed each, so that no two trials see the images in one order. The ways take turns,
and medians over the rounds are told.

Images a second of a core are those of the later epochs, by the time that the processor gave to the
program, so that other work on the machine hardly changes them. Seconds a trial are of everything,
compiling too, by the clock and of a core. Expect a table, and a row a measurement in
`vectorized.csv` beside this file, after some minutes; rows of other nets stay there.
"""

from __future__ import annotations

import concurrent.futures
import functools
import multiprocessing
import statistics
import time
from pathlib import Path

from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from zoo.registry import get_spec
from zoo.reproduction.tables import write_table
from zoo.utils.tensorflow import import_tensorflow

CSV = Path(__file__).resolve().parent / "vectorized.csv"
COLUMNS = (
    "net", "way", "trials", "processes", "round", "epochs", "images", "images_per_core_second",
    "seconds_a_trial", "core_seconds_a_trial", "processor",
)  # fmt: skip

TIME = "core_seconds_a_trial"
TOLD = {"images_per_core_second": 0, "seconds_a_trial": 2, TIME: 2}


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the rows, print the table."""
    parser = command_parser("benchmarks.vectorized", __doc__)
    parser.add_argument("--nets", nargs="+", default=["mlp30"], metavar="NAME")
    parser.add_argument("--trials", nargs="+", type=int, default=[1, 2, 4, 8, 16], metavar="K")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=CSV)
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="measure nothing: put the table into this file",
    )
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(markdown(read_rows(asked.out)), asked.write, "together")
        return 0
    work = [(net, *way) for net in asked.nets for way in ways(asked.trials)]
    import_tensorflow()
    kept, rows = [row for row in read_rows(asked.out) if row["net"] not in asked.nets], []
    context = multiprocessing.get_context("spawn")
    with (
        context.Manager() as manager,
        concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool,
    ):
        for number in range(1, asked.rounds + 1):
            for net, way, trials, processes in work:
                call = (net, way, trials // processes, asked.epochs, asked.images)
                gate = manager.Barrier(processes)
                running = [pool.submit(train, *call, gate) for _ in range(processes)]
                results = [future.result() for future in running]
                rows.append(_row(*call, processes, results) | {"round": number})
            write_rows([*kept, *rows], asked.out, COLUMNS)
    print(table(rows))
    return 0


def ways(counts: list[int]) -> list[tuple[str, int, int]]:
    """What is measured: the way, how many trials, in how many processes."""
    found = [("one by one", 2, 1), ("one by one", 2, 2)]
    for count in counts:
        found.append(("together", count, 1))
        if count > 1:
            found.append(("together", count, 2))
        if count == 8:
            found.append(("apart", count, 1))
    return found


def train(net: str, way: str, trials: int, epochs: int, images: int, gate) -> tuple[float, ...]:
    """Train trials in this process: images a second of a core, seconds in all, and of a core."""
    data = _prepared()
    import zoo
    from tuning import train_vectorized
    from tuning.vectorized.programs import PROGRAMS

    PROGRAMS.clear()  # each measurement compiles what it runs
    spec = get_spec(net).with_settings(epochs=epochs, images=images)
    rate = spec.recipe.learning_rate
    specs = [
        spec.with_settings(learning_rate=rate * (1 + number) / trials) for number in range(trials)
    ]
    gate.wait()
    began, began_core = time.monotonic(), time.process_time()
    if way == "one by one":
        results = [zoo.train(spec, data, progress=False) for spec in specs]
    else:
        seeds = list(range(trials)) if way == "apart" else 0
        results = train_vectorized(specs, data, seeds=seeds)
    seconds, core = time.monotonic() - began, time.process_time() - began_core
    # A trial's own seconds in an epoch: its share, where several are trained together.
    later = [row["seconds"] for result in results for row in result.history[1:]]
    return images / statistics.mean(later), seconds, core


@functools.cache
def _prepared():
    """The images, in a process that has TensorFlow ready, and counts in seconds of a core."""
    import zoo

    import_tensorflow()
    time.perf_counter = time.process_time  # by which a history counts
    data = zoo.load_data(progress=False)
    zoo.train("linear", data.take(100), epochs=1, progress=False)
    return data


def _row(
    net: str, way: str, trials: int, epochs: int, images: int, processes: int, ended: list[tuple]
) -> dict:
    from zoo.utils.machine import processor

    trials *= processes
    return {
        "net": net,
        "way": way,
        "trials": trials,
        "processes": processes,
        "epochs": epochs,
        "images": images,
        "images_per_core_second": round(statistics.mean(speed for speed, _, _ in ended)),
        "seconds_a_trial": round(max(seconds for _, seconds, _ in ended) / trials, 3),
        "core_seconds_a_trial": round(sum(core for _, _, core in ended) / trials, 3),
        "processor": processor(),
    }


def table(rows: list[dict]) -> str:
    """Medians over the rounds, and how many times as fast as one by one in as many processes."""
    lines = [f"{'':34}{'images':>10}{'':>8}{'s a trial':>10}{'':>8}{'core s':>10}"]
    for key in dict.fromkeys(_key(row) for row in rows):
        net, way, trials, processes = key
        alone = (net, "one by one", 2, processes)
        label = f"{net}, {trials} {way}" + (", 2 processes" if processes == 2 else "")
        line = f"{label:34}"
        for name, digits in TOLD.items():
            mine, theirs = _median(rows, key, name), _median(rows, alone, name)
            times = mine / theirs if name == "images_per_core_second" else theirs / mine
            line += f"{mine:10,.{digits}f}" + (f"{times:6.1f} x" if key != alone else " " * 8)
        lines.append(line.rstrip())
    return "\n".join(lines)


def markdown(rows: list[dict]) -> str:
    """In Markdown: what one process trains, and how many times as fast as one by one."""
    lines = ["| trials | images a second of a core | core seconds a trial |", "| --- | --- | --- |"]
    for key in dict.fromkeys(_key(row) for row in rows if row["processes"] == "1"):
        net, way, trials, _ = key
        alone = (net, "one by one", 2, 1)
        speed, seconds = (_median(rows, key, name) for name in ("images_per_core_second", TIME))
        measured = f"{speed:,.0f}", f"{seconds:.2f}"
        if key != alone:
            times = speed / _median(rows, alone, "images_per_core_second")
            measured = f"{measured[0]} ({times:.1f} x)", measured[1]
        label = way if key == alone else f"{trials} {way}"
        lines.append(f"| `{net}`, {label} | {' | '.join(measured)} |")
    return "\n".join(lines)


def _key(row: dict) -> tuple[str, str, int, int]:
    return row["net"], row["way"], int(row["trials"]), int(row["processes"])


def _median(rows: list[dict], key: tuple, name: str) -> float:
    return statistics.median(float(row[name]) for row in rows if _key(row) == key)


if __name__ == "__main__":
    raise SystemExit(main())

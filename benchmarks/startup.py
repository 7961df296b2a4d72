"""What it costs to begin: processes that import, load and answer, beside `import tensorflow`.

    python -m benchmarks.startup
    python -m benchmarks.startup --write docs/performance.md

Each program runs in a fresh process, in turn, several rounds; of each its cheapest round counts.
CPU seconds are those of all its threads, so that what else the machine does hardly shows; memory is
the most that lay in RAM. Ratios are to `import tensorflow` alone. Expect a table, and `startup.csv`
beside this file, after some three minutes. POSIX systems only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.parsers import command_parser
from benchmarks.rows import Row, read_rows, write_rows
from zoo.reproduction.tables import write_table

ROOT = Path(__file__).resolve().parents[1]
CSV = Path(__file__).resolve().parent / "startup.csv"
COLUMNS = ("program", "cpu_seconds", "megabytes", "ratio", "rounds", "processor")

VOTE = "conv2_relu_dropout_x5"
REFERENCE = "import tensorflow"
_FIRST = "model.predict(np.zeros((1, 28, 28, 1), 'uint8'), verbose=0)"

# By what the table calls it: the words after `python`.
PROGRAMS = {
    REFERENCE: ["-c", "import tensorflow"],
    "zoo.load, first answer": [
        "-c", f"import numpy as np, zoo; model = zoo.load('{VOTE}'); {_FIRST}",
    ],
    "zoo predict": ["-m", "zoo", "predict", VOTE, "one.png"],
    "zoo predict, no such photo": ["-m", "zoo", "predict", VOTE, "missing.png"],
    "zoo list": ["-m", "zoo", "list"],
    "import zoo": ["-c", "import zoo"],
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Measure all programs, write the rows, print the table."""
    parser = command_parser("benchmarks.startup", __doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="measure nothing: put the table into this file"
    )
    options = parser.parse_args(arguments)
    if options.write:
        write_table(markdown(read_rows(CSV)), options.write, "startup")
        return 0
    rows = measure(options.rounds)
    write_rows(rows, CSV, COLUMNS)
    print(markdown(rows))
    return 0


def measure(rounds: int) -> list[Row]:
    """A row for each program."""
    from zoo.training.run_folder import processor  # late: Keras comes with it

    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as folder:
        _draw_one(Path(folder) / "one.png")
        for _ in range(rounds):
            for name, words in PROGRAMS.items():
                found[name].append(cost(words, folder))
    least = {name: min(costs) for name, costs in found.items()}
    return [
        {
            "program": name,
            "cpu_seconds": round(seconds, 2),
            "megabytes": round(megabytes),
            "ratio": round(seconds / least[REFERENCE][0], 3),
            "rounds": rounds,
            "processor": processor(),
        }
        for name, (seconds, megabytes) in least.items()
    ]


# A process begins with the memory of the one that starts it in its books: so a small one does.
LAUNCH = """
import json, os, sys
nowhere = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_WRONLY, 0) for each in (1, 2)]
command = [sys.executable, *sys.argv[1:]]
process = os.posix_spawn(sys.executable, command, os.environ, file_actions=nowhere)
usage = os.wait4(process, 0)[2]
print(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


def cost(words: list[str], folder: str) -> tuple[float, float]:
    """CPU seconds and the most megabytes of one Python process, run in a folder."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCH, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = json.loads(done.stdout)
    return seconds, memory / (2**20 if sys.platform == "darwin" else 2**10)


def markdown(rows: list[Row]) -> str:
    """The rows as a table."""
    lines = ["| program | CPU | memory | of `import tensorflow` |", "| --- | --- | --- | --- |"]
    for row in rows:
        seconds, ratio = float(row["cpu_seconds"]), float(row["ratio"])
        lines.append(
            f"| `{row['program']}` | {seconds:.2f} s | {row['megabytes']} MB | {ratio:.2f} x |"
        )
    return "\n".join(lines)


def _draw_one(path: Path) -> None:
    picture = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(picture).line([(100, 30), (100, 170)], fill=0, width=16)
    picture.save(path)


if __name__ == "__main__":
    raise SystemExit(main())

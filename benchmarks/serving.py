"""How fast a pretrained network answers, in every form it can be exported to.

    python -m benchmarks.serving conv2_relu
    python -m benchmarks.serving --write docs/performance.md

For each form: the time from a byte image to its digit, one image a call (median and 99th
percentile, milliseconds), and images per second in batches of 500. All forms run in this one
process on one thread, round after round in turn, so that all share the machine's moods; of each
form its quietest round counts, since what else the machine does is not the form's. Beside them
stands `keras.Model.predict`, which most people would call. Expect a table, and a row per form in
`serving.csv` beside this file, after some five minutes; other networks' rows stay there.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from benchmarks.speeds import serving_markdown, serving_table
from zoo.data import load_data
from zoo.errors import ZooError
from zoo.export import FORMATS, export
from zoo.reproduction.tables import write_table
from zoo.utils.tensorflow import import_tensorflow

CSV = Path(__file__).resolve().parent / "serving.csv"
COLUMNS = ("net", "form", "p50_ms", "p99_ms", "images_per_second", "rounds", "calls", "processor")
NAMES = ("mlp30", "conv2_relu", "conv2_relu_dropout_x5")
BATCH = 500


def main(arguments: list[str] | None = None) -> int:
    """Measure the named networks, write the rows, print the table."""
    parser = command_parser("benchmarks.serving", __doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=200, help="single images a round")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="measure nothing: put the table into this file",
    )
    asked = parser.parse_args(arguments)
    if asked.write:
        write_table(serving_markdown(read()), asked.write, "serving")
        return 0
    import_tensorflow()
    try:
        rows = [row for name in asked.names for row in measure(name, asked.rounds, asked.calls)]
    except ZooError as error:
        print(f"serving: {error}", file=sys.stderr)
        return 1
    kept = [row for row in read() if row["net"] not in asked.names]
    write_rows([*kept, *rows], CSV, COLUMNS)
    print(serving_table(rows))
    return 0


def read() -> list[dict]:
    """The rows measured so far, as text; none where there are none."""
    return read_rows(CSV)


def measure(name: str, rounds: int, calls: int) -> list[dict]:
    """A row for each form of a pretrained network."""
    from zoo.export.latency import call_times, quietest
    from zoo.pretrained.models import load
    from zoo.utils.machine import processor

    data, model = load_data(progress=False), load(name)
    images = data.test.images
    with tempfile.TemporaryDirectory() as folder:
        forms = dict(_forms(model, name, data.train.images[:BATCH], folder))
        times: dict[str, list[Sequence[float]]] = {form: [] for form in forms}
        speeds: dict[str, list[float]] = {form: [] for form in forms}
        for run in forms.values():  # the first call of each shape prepares it
            run(images[:1]), run(images[:BATCH])
        for _ in range(rounds):
            for form, run in forms.items():
                times[form].append(call_times(run, images, calls))
                speeds[form].append(_speed(run, images))
    calmest = {form: quietest(times[form]) for form in forms}
    return [
        {
            "net": name,
            "form": form,
            "p50_ms": round(1000 * float(np.percentile(calmest[form], 50)), 4),
            "p99_ms": round(1000 * float(np.percentile(calmest[form], 99)), 4),
            "images_per_second": round(max(speeds[form])),
            "rounds": rounds,
            "calls": calls,
            "processor": processor(),
        }
        for form in forms
    ]


def _forms(model, name: str, calibration: np.ndarray, folder: str) -> Iterable[tuple]:
    from zoo.export.runners import keras_runner, litert_runner, onnx_runner, saved_model_runner

    yield "Keras predict", lambda images: model.predict(images, batch_size=BATCH, verbose=0)
    yield "Keras, compiled call", keras_runner(model)
    runners = {"saved_model": saved_model_runner, "onnx": onnx_runner, "litert": litert_runner}
    for format in FORMATS:
        if format == "litert_batch1":
            continue  # the same program as litert
        path = export(model, format, folder, name=name, calibration=calibration)
        yield format, runners[format.removesuffix("_int8")](path)


def _speed(run: Callable, images: np.ndarray, batches: int = 4) -> float:
    began = time.perf_counter()
    for start in range(0, batches * BATCH, BATCH):
        run(images[start : start + BATCH])
    return batches * BATCH / (time.perf_counter() - began)


if __name__ == "__main__":
    raise SystemExit(main())

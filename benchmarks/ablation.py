"""What each ingredient of the fast recipe brings: the recipe with one thing changed, on validation.

    python -m benchmarks.ablation
    python -m benchmarks.ablation --study half

Each variant trains `conv2_relu_dropout.fast` with some settings changed, with each seed, and adds a
row to `ablation.csv` beside this file: the settings, the seed, and how many of the 10,000
validation images the last epoch got right; further rows tell the same of averaged weights, and with
test-time shifts. `alter` is no setting of a recipe: it names one of `alterations.py`. The test
images are never looked at. A variant whose row is there is not trained again, and an interrupted
one goes on where it was. Expect minutes a row; `--table` prints what is there. The study `half`
looks for a recipe of half the images; what it tries, and how it decides, was written down before it
ran, in `half_the_images.md`.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import averaging
from benchmarks.alterations import altered
from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from zoo.data import load_data
from zoo.registry import get_spec
from zoo.reproduction.tables import write_table
from zoo.spec import ModelSpec
from zoo.training import parallel
from zoo.training.fit import train_network
from zoo.training.run_folder import discard
from zoo.training.train import training_job

CSV = Path(__file__).resolve().parent / "ablation.csv"
COLUMNS = ("settings", "spec_hash", "seed", "scored", "validation", "seconds")

# What is changed against the recipe: first nothing, then, downwards, the way to it backwards.
DROPOUT_TO_THE_END = {"dropout_off_epochs": 0, "precision": "mixed_bfloat16"}
NO_SKEW = {**DROPOUT_TO_THE_END, "augment": ["shift", "rotate"]}
BATCH_100 = {**NO_SKEW, "batch_size": 100}
SHIFTS = {**BATCH_100, "augment": ["shift"]}
FIRST_TRY = {**SHIFTS, "l2": 25.0, "precision": "float32"}

# The name of what is altered, in the place of a setting.
ALTER = "alter"


@dataclass(frozen=True)
class Study:
    """Variants of the recipe, the seeds that each is trained with, and the epochs of all of them.

    `network` is the declaration whose settings are changed; None of `epochs` leaves its own.
    """

    variants: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]
    epochs: int | None = None
    network: str = "conv2_relu_dropout.fast"

    def spec(self, settings: dict[str, Any]) -> ModelSpec:
        """The declaration with some settings changed."""
        budget = {} if self.epochs is None else {"epochs": self.epochs}
        changed = {name: value for name, value in settings.items() if name != ALTER}
        return get_spec(self.network).with_settings(**budget, **changed)

    def scores(
        self, rows: list[dict], settings: dict[str, Any], scored: str = averaging.LAST
    ) -> dict[int, int]:
        """Validation images right of one variant, by its seeds, scored in one of the three ways."""
        wanted = (self.spec(settings).hash, settings.get(ALTER), scored)
        return {int(row["seed"]): int(row["validation"]) for row in rows if _variant(row) == wanted}


STUDIES = {
    "recipe": Study(
        (
            {},
            DROPOUT_TO_THE_END,
            NO_SKEW,
            {**NO_SKEW, "label_smoothing": 0.1},
            BATCH_100,
            {**BATCH_100, "learning_rate": 0.2},
            {**BATCH_100, "l2": 25.0},
            {**BATCH_100, "augment": ["shift", "elastic"]},
            SHIFTS,
            FIRST_TRY,
            {**FIRST_TRY, "learning_rate": 0.05},
        ),
        seeds=(11, 12),
    ),
    "half": Study(
        (
            {"dropout_off_epochs": 3},
            {"dropout_off_epochs": 1},
            {"dropout_off_epochs": 5},
            {"dropout_off_epochs": 3, "label_smoothing": 0.1},
            {"dropout_off_epochs": 3, "learning_rate": 0.05},
            {"dropout_off_epochs": 3, "learning_rate": 0.2},
            {"dropout_off_epochs": 3, "batch_size": 100, "learning_rate": 0.2},
            {"dropout_off_epochs": 3, "l2": 2.5},
            {"dropout_off_epochs": 3, "l2": 10.0},
            {"dropout_off_epochs": 3, "augment": ["shift", "rotate"]},
            {"dropout_off_epochs": 3, ALTER: "mixup"},
            {"dropout_off_epochs": 3, ALTER: "cutmix"},
            {"dropout_off_epochs": 3, ALTER: "teacher"},
        ),
        seeds=(21, 22, 23, 24, 25),
        epochs=10,
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Train what is missing, and print the table."""
    parser = command_parser("benchmarks.ablation", __doc__)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    parser.add_argument("--study", choices=STUDIES, default="recipe", help="default: %(default)s")
    asked = parser.parse_args(arguments)
    if asked.write:
        for name, study in STUDIES.items():
            write_table(table(study, read()), asked.write, f"ablation-{name}")
        return 0
    study = STUDIES[asked.study]
    if not asked.table:
        run(study, asked.jobs)
    print(table(study, read()))
    return 0


def run(study: Study, jobs: int) -> None:
    """Train what has no row yet: every variant with one seed, then with the next."""
    rows = read()
    calls = [
        (study, settings, seed)
        for seed in study.seeds
        for settings in study.variants
        if seed not in study.scores(rows, settings)
    ]
    for _, measured in parallel.results(measure, calls, jobs, tensorflow=True):
        write([*read(), *measured])


def measure(study: Study, settings: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Train one variant with one seed: a row for each way to score it."""
    spec, data, alteration = study.spec(settings), load_data(progress=False), settings.get(ALTER)
    name = f"{spec.hash[:12]}-{alteration}" if alteration else spec.hash[:12]
    folder = Path("runs") / "ablation" / f"{name}-seed{seed}"
    keep = averaging.KeepLastWeights(folder)
    job = training_job(spec, data, seed=seed, out=folder, callbacks=[keep])
    result = train_network(altered(job, alteration) if alteration else job)
    if not result.diverged and not averaging.is_whole(folder, result.spec):
        discard(folder)  # it was killed between its checkpoint and the file of that epoch
        return measure(study, settings, seed)
    last = round(len(data.validation) * result.history[-1]["val_accuracy"])
    right = {averaging.LAST: last}
    if not result.diverged:
        right |= averaging.scores(folder, result.spec, data.validation)
    row = {
        "settings": json.dumps(settings, sort_keys=True),
        "spec_hash": spec.hash,
        "seed": seed,
        "seconds": round(result.seconds, 1),
    }
    return [row | {"scored": scored, "validation": count} for scored, count in right.items()]


def table(study: Study, rows: list[dict]) -> str:
    """A line for each variant, in Markdown.

    Args:
        study: The variants; the first is the one that the others are compared with.
        rows: As `read` gives them.

    Returns:
        What is changed, the mean over its seeds, and, in a study of three seeds or more, how many
        more images are right than in the first variant with the same seeds, with its error.
    """
    paired = len(study.seeds) >= 3
    lines = ["| changed | validation, mean | runs |", "| --- | --- | --- |"]
    if paired:
        lines = [lines[0] + " images better |", lines[1] + " --- |"]
    first = study.scores(rows, study.variants[0])
    for settings in study.variants:
        changed = ", ".join(f"{name} = {value}" for name, value in settings.items()) or "nothing"
        lines.append(_line(changed, study.scores(rows, settings), first, paired))
    for scored in averaging.WAYS[1:] if paired else ():
        scores = study.scores(rows, study.variants[0], scored)
        lines.append(_line(f"the first, {scored}", scores, first, paired))
    return "\n".join(lines)


def _line(changed: str, scores: dict[int, int], first: dict[int, int], paired: bool) -> str:
    mean = f"{statistics.mean(scores.values()) / 100:.2f} %" if scores else "missing"
    gain = f" {_gain(scores, first)} |" if paired else ""
    return f"| {changed} | {mean} | {len(scores)} |{gain}"


def _gain(scores: dict[int, int], first: dict[int, int]) -> str:
    pairs = [scores[seed] - first[seed] for seed in scores if seed in first]
    if len(pairs) < 3:
        return "-"
    error = statistics.stdev(pairs) / len(pairs) ** 0.5
    return f"{statistics.mean(pairs):+.1f} ± {error:.1f}"


def _variant(row: dict) -> tuple[str, str | None, str]:
    alteration = json.loads(row["settings"]).get(ALTER)
    return row["spec_hash"], alteration, row.get("scored") or averaging.LAST


def read() -> list[dict]:
    """All rows measured so far."""
    return read_rows(CSV)


def write(rows: list[dict]) -> None:
    """Put all rows into the file, whole or not at all."""
    write_rows(rows, CSV, COLUMNS)


if __name__ == "__main__":
    raise SystemExit(main())

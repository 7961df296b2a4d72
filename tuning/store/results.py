"""What a search found: all trials as a table and as CSV, and the best point as a file."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from tuning.fidelity import FULL
from tuning.space import apply
from tuning.store.identity import read_identity
from tuning.strategies.comparison import short
from tuning.trial import Trial
from zoo.spec import ModelSpec
from zoo.utils.atomic import atomic_write


class Found(Protocol):
    """A search, or the record of one."""

    @property
    def project(self) -> Path:
        """The folder."""

    @property
    def spec(self) -> ModelSpec:
        """The network that is searched."""

    def trials(self) -> Sequence[Trial]:
        """All trials so far, ended or not, by their numbers."""


# The file that says that a search has ended, and at how many trials.
END = "end.json"

# What is told of an execution, as in the journal.
EXECUTION = ("seed", "accuracy", "best_epoch", "epochs", "diverged", "seconds")


def train_command(best: Path, modules: Sequence[str] = ()) -> str:
    """The command that trains by a best.json.

    Args:
        best: The file.
        modules: Those that the search imported for what they register.
    """
    imports = (word for module in modules for word in ("--import", module))
    return shlex.join(["python", "-m", "zoo", *imports, "train", "--from", str(best)])


def table(trials: Sequence[Trial], most: int = 20) -> str:
    """The best trials first, with their values: validation accuracy in %, time in seconds.

    Trials are ranked among those that saw as much of the problem, the full problem first: scores on
    less of it do not compare. A line says of how much each group is, unless all saw all of it.

    Args:
        trials: Those that have not ended are left out.
        most: How many are shown; the others are counted.
    """
    ended = [trial for trial in trials if trial.result]
    if not ended:
        return "no trial has ended"
    ended.sort(key=lambda trial: (trial.fidelity.rank, trial.score, -trial.number), reverse=True)
    names = list(ended[0].values)
    lines = ["trial  validation  seconds  " + "  ".join(f"{name:>14}" for name in names)]
    reduced = any(trial.fidelity.rank != FULL.rank for trial in ended)
    group = None
    for trial in ended[:most]:
        if reduced and trial.fidelity.rank != group:
            group = trial.fidelity.rank
            lines.append(f"on {trial.fidelity}:")
        values = "  ".join(f"{short(trial.values[name]):>14}" for name in names)
        score, seconds = 100 * trial.score, trial.seconds
        lines.append(f"{trial.number:5}  {score:10.2f}  {seconds:7.1f}  {values}{_remark(trial)}")
    if len(ended) > most:
        lines.append(f"and {len(ended) - most} more")
    return "\n".join(lines)


def to_csv(trials: Sequence[Trial]) -> str:
    """A line for each execution of each ended trial; one, too, for a trial that had none."""
    text = io.StringIO()
    names = list(trials[0].values) if trials else []
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", *names, "problem", *EXECUTION, "error"])
    for trial in trials:
        if trial.result is None:
            continue
        known = [trial.number, *(as_cell(trial.values[name]) for name in names), trial.fidelity]
        for execution in trial.executions:
            ran = [getattr(execution, name) for name in EXECUTION]
            writer.writerow([*known, *ran, trial.error])
        if not trial.executions:
            writer.writerow([*known, *[""] * len(EXECUTION), trial.error])
    return text.getvalue()


def trial_record(trial: Trial) -> dict[str, Any]:
    """One trial as plain data: its number, values, fidelity and, once it has ended, its result."""
    result = trial.result.to_plain() if trial.result else None
    return {
        "trial": trial.number,
        "values": dict(trial.values),
        "problem": str(trial.fidelity),
        "result": result,
    }


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The ended trial with the highest score, of equals the first; None where none has learned.

    Among those that saw the most of the problem: scores on less of it do not compare.
    """
    learned = [trial for trial in trials if trial.score > 0]
    ranked = ((trial.fidelity.rank, trial.score, -trial.number, trial) for trial in learned)
    return max(ranked, key=lambda each: each[:3], default=(None,))[-1]


def score_text(trial: Trial) -> str:
    """The score of a trial, and the problem that it is on where that is not the full one."""
    on = "" if trial.fidelity.rank == FULL.rank else f" on {trial.fidelity}"
    return f"{100 * trial.score:.2f} %{on}"


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(7.25), duration(95), duration(7260)
    ('7.2 s', '1 min 35 s', '2 h 1 min')
    """
    if round(seconds) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def keep_trials(search: Found) -> Path:
    """Write all trials as CSV."""
    path = search.project / "trials.csv"
    with atomic_write(path) as temporary:
        temporary.write_text(to_csv(search.trials()), encoding="utf-8")
    return path


def keep_best(search: Found, best: Trial) -> Path:
    """Write the best point, which `python -m zoo train --from` takes.

    Args:
        search: The search, into whose folder it goes.
        best: One of its trials that has ended.

    Returns:
        The path of `best.json`.
    """
    path = search.project / "best.json"
    spec = apply(search.spec, best.values)
    spec = replace(spec, name=f"{spec.name.partition('.')[0]}.tuned", claim=None)
    identity = search.project / "search.json"
    record = {
        "spec": spec.to_plain(),
        "data": read_identity(identity).data if identity.exists() else "",
        "values": best.values,
        "score": best.score,
        "trial": best.number,
        "problem": str(best.fidelity),
    }
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def note_end(search: Found) -> None:
    """Note that no process goes on with a search, whose budget may be spent."""
    with atomic_write(search.project / END) as temporary:
        temporary.write_text(json.dumps({"trials": len(search.trials())}) + "\n", encoding="utf-8")


def forget_end(project: Path) -> None:
    """Drop that note, as a process does that goes on."""
    (project / END).unlink(missing_ok=True)


def has_end(search: Found) -> bool:
    """Whether that note is there, and no trial has begun since."""
    try:
        noted = json.loads((search.project / END).read_bytes())
    except (OSError, ValueError):
        return False
    return bool(noted == {"trials": len(search.trials())})


def as_cell(value: Any) -> bool | int | float | str:
    """A value as a number or words, which is all that a table holds."""
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)


def _remark(trial: Trial) -> str:
    if trial.failed:
        return f"  {trial.error}"
    diverged = sum(execution.diverged for execution in trial.executions)
    return f"  diverged ({diverged} of {len(trial.executions)})" if diverged else ""

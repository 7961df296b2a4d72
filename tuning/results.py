"""What a search found: all trials as a table and as CSV, and the best point as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tuning.search import Search
from tuning.space import apply
from tuning.strategies import Trial
from zoo.files import replacing


def table(trials: Sequence[Trial], most: int = 20) -> str:
    """The best trials first, with their values: validation accuracy in %, time in seconds."""
    ended = [trial for trial in trials if trial.result]
    ended.sort(key=lambda trial: -trial.result["score"])
    if not ended:
        return "no trial has ended"
    names = list(ended[0].values)
    lines = ["trial  validation  seconds  " + "  ".join(f"{name:>14}" for name in names)]
    for trial in ended[:most]:
        values = "  ".join(f"{_short(trial.values[name]):>14}" for name in names)
        score, seconds = 100 * trial.result["score"], trial.result["seconds"]
        lines.append(f"{trial.number:5}  {score:10.2f}  {seconds:7.1f}  {values}{_remark(trial)}")
    if len(ended) > most:
        lines.append(f"and {len(ended) - most} more")
    return "\n".join(lines)


def to_csv(trials: Sequence[Trial]) -> str:
    """A line for each execution of each ended trial."""
    text = io.StringIO()
    names = list(trials[0].values) if trials else []
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["trial", *names, "seed", "accuracy", "best_epoch", "epochs", "diverged", "seconds"]
    )
    for trial in trials:
        for told in trial.result["executions"] if trial.result else []:
            values = [trial.values[name] for name in names]
            kept = [told[name] for name in ("seed", "accuracy", "best_epoch", "epochs")]
            writer.writerow([trial.number, *values, *kept, told["diverged"], told["seconds"]])
    return text.getvalue()


def keep_best(search: Search, best: Trial) -> Path:
    """Write the best point, which `python -m zoo train --from` takes, and all trials as CSV."""
    with replacing(search.project / "trials.csv") as temporary:
        temporary.write_text(to_csv(search.trials()))
    path = search.project / "best.json"
    spec = apply(search.spec, best.values)
    spec = replace(spec, name=f"{spec.name.partition('.')[0]}.tuned", claim=None)
    told = {
        "spec": spec.to_plain(),
        "values": best.values,
        "score": best.result["score"],
        "trial": best.number,
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(told, indent=2) + "\n")
    return path


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _remark(trial: Trial) -> str:
    if "error" in trial.result:
        return f"  {trial.result['error']}"
    diverged = sum(told["diverged"] for told in trial.result["executions"])
    return f"  diverged ({diverged} of {len(trial.result['executions'])})" if diverged else ""

"""The figures that a command prints, as JSON: plain records by the words of the text."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.evaluation.scores import Predictions, Score
    from zoo.spec import Claim


def add_json_option(command: argparse.ArgumentParser, help: str = "the figures as JSON") -> None:
    """Give a command --json."""
    command.add_argument("--json", action="store_true", help=help)


def print_json(record: Any) -> None:
    """Print plain data; numbers that are not finite become null.

    Letters that stdout cannot encode are JSON's escapes.
    """
    text = json.dumps(_finite(record), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(_finite(record), indent=2, allow_nan=False)
    print(text)


def score_record(score: Score) -> dict[str, Any]:
    """Correct images, all of them, the share, and its 95 % interval."""
    return {
        "correct": score.correct,
        "total": score.total,
        "accuracy": score.accuracy,
        "interval": list(score.interval()),
    }


def answers_record(answers: Predictions) -> dict[str, Any]:
    """A score, and how often each true class (a row) got each answer (a column)."""
    return {**score_record(answers.score), "confusion": answers.confusion().tolist()}


def claim_record(claim: Claim | None) -> dict[str, Any] | None:
    """The book's figure in per cent, and what it was measured on; None where there is none."""
    if claim is None or not claim.accuracy:
        return None
    return {"accuracy": claim.accuracy, "on": claim.on, "protocol": claim.protocol}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value

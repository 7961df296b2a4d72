"""Tables: the book's figures beside ours, in Markdown, between two marks of a document."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path

from zoo.errors import RunError
from zoo.evaluation.intervals import prediction_interval
from zoo.registry import get_spec, list_models
from zoo.reproduction.results import Row, pick
from zoo.spec import Claim
from zoo.utils.atomic import atomic_write

BEGIN, END = "<!-- {name}: written by `make table` -->", "<!-- end of {name} -->"


def table(rows: Iterable[Row]) -> str:
    """The book's figures beside the rows', in Markdown, in the order of the book.

    Mean, standard deviation and pick are over our seeds. The pick is the run that the book would
    quote: the best one, but in chapter 6 the one that is best on the validation images. The range
    is where the book's run should lie, 95 times in 100, if it was one more of ours: Student's
    prediction interval.
    """
    by_hash: dict[str, list[Row]] = {}
    for row in rows:
        by_hash.setdefault(row.spec_hash, []).append(row)
    lines = [
        "| network | the book | mean ± sd | pick | runs | one more run | the book is | measured |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in list_models():
        spec = get_spec(name)
        claim = spec.claim or Claim(chapter=1, section="", protocol="best validation epoch")
        found = by_hash.get(spec.hash, [])
        lines.append(_table_line(name, claim, found))
    return "\n".join(lines)


def write_table(text: str, path: Path, name: str = "results") -> None:
    """Put a table between its two marks in a file; RunError where they are missing."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    before, found, rest = path.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise RunError(f"{path} has no place for the table: it goes between {begin} and {end}")
    with atomic_write(path) as temporary:
        temporary.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def written_table(path: Path, name: str = "results") -> str:
    """The table between its two marks in a file; empty where they are missing."""
    _, _, rest = path.read_text().partition(BEGIN.format(name=name))
    return rest.partition(END.format(name=name))[0].strip()


def _table_line(name: str, claim: Claim, rows: list[Row]) -> str:
    values = [row.measured(claim) for row in rows]
    book = f"{claim.accuracy:.2f}" if claim.accuracy else "-"
    here, picked, span, verdict = "missing", "-", "-", "-"
    if values:
        here, picked = f"{statistics.mean(values):.2f}", f"{pick(rows, claim).measured(claim):.2f}"
    if len(values) > 1:
        low, high = prediction_interval(values)
        here += f" ± {statistics.stdev(values):.2f}"
        span = f"{low:.2f} to {min(high, 100):.2f}"
        if claim.accuracy:
            inside = low <= claim.accuracy <= high
            verdict = "inside" if inside else "below" if claim.accuracy < low else "above"
    measured = f"{claim.on}, {claim.protocol}"
    cells = (f"`{name}`", book, here, picked, str(len(values)), span, verdict, measured)
    return f"| {' | '.join(cells)} |"

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
from zoo.utils.regular import readable

# The README's eight, from the first network to the ensemble; the last is ours of a recipe that is
# not the book's, beside the book's figure for the same five networks.
HEADLINES = {
    "mlp30.quadratic": "mlp30.quadratic",
    "mlp30.cross_entropy": "mlp30.cross_entropy",
    "mlp100": "mlp100",
    "mlp30x2": "mlp30x2",
    "conv1": "conv1",
    "conv2_relu": "conv2_relu",
    "conv2_relu_dropout": "conv2_relu_dropout",
    "conv2_relu_dropout_x5.long": "conv2_relu_dropout_x5",
}

BEGIN, END = "<!-- {name}: written by `make table` -->", "<!-- end of {name} -->"


def table(rows: Iterable[Row]) -> str:
    """The book's figures beside the rows', in Markdown, in the order of the book.

    Mean, standard deviation and pick are over our seeds. The pick is the run that the book would
    quote: the best one, but in chapter 6 the one that is best on the validation images. The range
    is where the book's run should lie, 95 times in 100, if it was one more of ours: Student's
    prediction interval.
    """
    by_hash = _by_hash(rows)
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


def headlines(rows: Iterable[Row]) -> str:
    """The table of the README: the book's figure and ours for the networks in HEADLINES.

    Args:
        rows: The measured runs; those of other networks are left out.

    Returns:
        A Markdown table, accuracies in per cent. A standard deviation (n - 1) is given where there
        is more than one run.
    """
    by_hash = _by_hash(rows)
    lines = [
        "| chapter | network | what it shows | the book | here, mean ± sd | runs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, claimed in HEADLINES.items():
        spec, claim = get_spec(name), get_spec(claimed).claim
        if claim is None:
            raise RunError(f"{claimed} has no figure of the book: choose another headline")
        values = [row.measured(claim) for row in by_hash.get(spec.hash, [])]
        book = f"{claim.accuracy:.2f}"
        cells = (claim.chapter, f"`{name}`", spec.summary, book, _mean(values), len(values))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def write_table(text: str, path: Path, name: str = "results") -> None:
    """Put a table between its two marks in a file.

    Args:
        text: The table, in Markdown.
        path: The document.
        name: Of the marks, as in `<!-- results: ... -->`.

    Raises:
        RunError: The marks are missing; the file stays as it was.
    """
    begin, end = BEGIN.format(name=name), END.format(name=name)
    try:
        before, found, rest = readable(path).read_text(encoding="utf-8").partition(begin)
    except UnicodeDecodeError as error:
        raise RunError(
            f"{path} is not UTF-8 (byte {error.start}): save it in that encoding"
        ) from error
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise RunError(f"{path} has no place for the table: it goes between {begin} and {end}")
    with atomic_write(path) as temporary:
        temporary.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def written_table(path: Path, name: str = "results") -> str:
    """The table between its two marks in a file.

    Args:
        path: The document.
        name: Of the marks.

    Returns:
        The table in Markdown; empty where the marks are missing.
    """
    _, _, rest = path.read_text(encoding="utf-8").partition(BEGIN.format(name=name))
    return rest.partition(END.format(name=name))[0].strip()


def _by_hash(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.spec_hash, []).append(row)
    return found


def _mean(values: list[float]) -> str:
    if not values:
        return "missing"
    mean = f"{statistics.mean(values):.2f}"
    return f"{mean} ± {statistics.stdev(values):.2f}" if len(values) > 1 else mean


def _table_line(name: str, claim: Claim, rows: list[Row]) -> str:
    values = [row.measured(claim) for row in rows]
    book = f"{claim.accuracy:.2f}" if claim.accuracy else "-"
    here, picked, span, verdict = _mean(values), "-", "-", "-"
    if values:
        picked = f"{pick(rows, claim).measured(claim):.2f}"
    if len(values) > 1:
        low, high = prediction_interval(values)
        span = f"{low:.2f} to {min(high, 100):.2f}"
        if claim.accuracy:
            inside = low <= claim.accuracy <= high
            verdict = "inside" if inside else "below" if claim.accuracy < low else "above"
    measured = f"{claim.on}, {claim.protocol}"
    cells = (f"`{name}`", book, here, picked, str(len(values)), span, verdict, measured)
    return f"| {' | '.join(cells)} |"

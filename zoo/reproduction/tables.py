"""Tables: the book's figures beside ours, in Markdown, between two marks of a document."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.errors import RunError
from zoo.evaluation.intervals import bootstrap_interval, prediction_interval
from zoo.registry import get_spec, list_models
from zoo.reproduction.results import Row, pick
from zoo.spec import Claim
from zoo.utils.atomic import atomic_write
from zoo.utils.regular import readable

# The README's nine, from the first network to the ensemble; the last is ours of a recipe that is
# not the book's, beside the book's figure for the same five networks.
HEADLINES = {
    "mlp30.quadratic": "mlp30.quadratic",
    "mlp30.cross_entropy": "mlp30.cross_entropy",
    "mlp100": "mlp100",
    "mlp30x2": "mlp30x2",
    "conv1": "conv1",
    "conv2_relu": "conv2_relu",
    "conv2_relu_dropout": "conv2_relu_dropout",
    "conv2_relu_dropout_x5": "conv2_relu_dropout_x5",
    "conv2_relu_dropout_x5.long": "conv2_relu_dropout_x5",
}

# A digit is a tenth of the images: a run so many points below the best one has lost one, or more.
LOST_DIGIT = 5.0

FEWEST_RUNS, FEWEST_FOR_BOOTSTRAP = 3, 5

BEGIN, END = "<!-- {name}: written by `make table` -->", "<!-- end of {name} -->"


def table(rows: Iterable[Row]) -> str:
    """The book's figures beside the rows', in Markdown, in the order of the book.

    Mean, standard deviation and pick are over our seeds. The pick is the run that the book would
    quote: the best one, but in chapter 6 the one that is best on the validation images. The range
    is where the book's run should lie if it was one more of ours: see `one_more_run`.
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


def _stand_in(name: str) -> str:
    """What is said of a paper's own recipe, which takes days here: which one of ours is run."""
    ours = f"{name.partition('.')[0]}.fast"
    return f"not run: see `{ours}`" if ours in list_models() else "not run"


def kept_all_digits(values: Sequence[float]) -> list[float]:
    """The accuracies, in per cent, of the runs that have not lost a digit.

    With the quadratic cost an output neuron may start so saturated that it hardly learns, and its
    digit is never predicted. Such runs make a second hump: no range of one more run describes both.

    >>> kept_all_digits([96.59, 87.01, 96.50])
    [96.59, 96.5]
    """
    return [value for value in values if value > max(values) - LOST_DIGIT]


def one_more_run(values: Sequence[float]) -> tuple[float, float] | None:
    """Where the accuracy of one more run should lie, in per cent, at 95 % of confidence.

    Returns:
        The ends, by bootstrap over the runs where there are five or more, and by Student's t for
        three or four; None for fewer.
    """
    if len(values) < FEWEST_RUNS:
        return None
    interval = bootstrap_interval if len(values) >= FEWEST_FOR_BOOTSTRAP else prediction_interval
    low, high = interval(values)
    return low, min(high, 100.0)


def _table_line(name: str, claim: Claim, rows: list[Row]) -> str:
    values = [row.measured(claim) for row in rows]
    book = f"{claim.accuracy:.2f}" if claim.accuracy else "-"
    runs, picked, span, verdict = str(len(values)), "-", "-", "-"
    if values:
        picked = f"{pick(rows, claim).measured(claim):.2f}"
        kept = kept_all_digits(values)
        if lost := len(values) - len(kept):
            runs += f", {lost} lost a digit"
        span, verdict = _beside(one_more_run(kept), claim)
    measured = f"{claim.on}, {claim.protocol}"
    mean = _mean(values) if values or not claim.quoted else _stand_in(name)
    cells = (f"`{name}`", book, mean, picked, runs, span, verdict, measured)
    return f"| {' | '.join(cells)} |"


def _beside(ends: tuple[float, float] | None, claim: Claim) -> tuple[str, str]:
    """The cells of a range and of the verdict on the book's figure."""
    if ends is None:
        return "not enough runs", "not judged" if claim.accuracy else "-"
    low, high = ends
    span = f"{low:.2f} to {high:.2f}"
    if not claim.accuracy:
        return span, "-"
    if low <= claim.accuracy <= high:
        return span, "inside"
    return span, "below" if claim.accuracy < low else "above"

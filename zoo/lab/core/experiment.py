"""What an experiment is: a function that measures, a function that draws, and what came out."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.core.code import code_hash, loads_pretrained, pretrained_hash

if TYPE_CHECKING:
    from zoo.data import Data
    from zoo.spec import NetworkSpec
    from zoo.training.job import TrainResult


@dataclass(frozen=True)
class Check:
    """One number of ours beside the book's, or beside one that follows from the book's argument.

    Attributes:
        what: What was measured.
        ours: The number.
        book: What it is compared with; None where there is nothing to compare.
        agrees: Whether it agrees, by a rule that was fixed before the run; None where it is not
            judged.
        expected: Whether the book prints no such number: it follows from what the book says.
    """

    what: str
    ours: float | str
    book: float | str | None = None
    agrees: bool | None = None
    expected: bool = False

    @property
    def source(self) -> str:
        """Where the other number is from: 'the book', or 'expected'."""
        return "expected" if self.expected else "the book"


def check_close(what: str, ours: float, book: float, within: float) -> Check:
    """A number that agrees with the book's if it lies no further from it than `within`.

    Args:
        what: The number's name.
        ours: What was measured.
        book: What the book prints.
        within: How far they may lie apart, that included.

    >>> check_close("output", 0.094, 0.09, within=0.005).agrees
    True
    """
    return Check(what, ours, book, bool(abs(ours - book) <= within))


def check_expected(what: str, ours: float, expected: float, within: float) -> Check:
    """Like `check_close`, for a number that the book does not print.

    Args:
        what: The number's name.
        ours: What was measured.
        expected: What follows from the book.
        within: How far they may lie apart, that included.

    >>> check_expected("outside the bump", 0.001, 0, within=0.05).source
    'expected'
    """
    return replace(check_close(what, ours, expected, within), expected=True)


def check_claim(what: str, ours: float | str, claim: str, holds: bool) -> Check:
    """A claim in words, as 'falls' or 'above 0.18', and whether our number bears it out.

    Args:
        what: The number's name.
        ours: What was measured, a number or words.
        claim: The book's words.
        holds: Whether they are true of it.
    """
    return Check(what, ours, claim, bool(holds), expected=True)


def plain(numbers: Any, digits: int = 5) -> Any:
    """An array as nested lists of so many significant digits, for an Outcome's data.

    Args:
        numbers: A number, or an array of any shape.
        digits: Significant digits kept.

    >>> plain(np.array([[1 / 3, 2e-9]]))
    [[0.33333, 2e-09]]
    """
    if np.ndim(numbers) == 0:
        return float(f"{float(numbers):.{digits}g}")
    return [plain(each, digits) for each in numbers]


@dataclass(frozen=True)
class Result:
    """What an experiment found: `data`, plain enough for JSON, for its picture; checks; a remark.

    The remark is for what a reader should know beside the numbers: why they differ from the book's,
    what was made smaller to be fast.
    """

    data: dict[str, Any] = field(repr=False)
    checks: tuple[Check, ...] = ()
    remark: str = ""

    @property
    def verdict(self) -> str:
        """'agrees', 'differs', 'not judged', or 'no figure' where there is nothing to compare.

        The headline is the first check that has another number beside ours. Where it is not judged
        the verdict is 'not judged', whatever smaller checks say for it; a check that differs makes
        it 'differs' all the same. A fast form that leaves out much of the book's protocol shows the
        book's figures, and does not judge by them.
        """
        compared = [check for check in self.checks if check.book is not None]
        if any(check.agrees is False for check in self.checks):
            return "differs"
        if not compared:
            return "agrees" if any(check.agrees for check in self.checks) else "no figure"
        return "not judged" if compared[0].agrees is None else "agrees"

    def to_plain(self) -> dict[str, Any]:
        """As dicts, lists, strings and numbers."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Result:
        """Back from plain data."""
        checks = tuple(Check(**check) for check in plain["checks"])
        return cls(plain["data"], checks, plain["remark"])


class Context:
    """What an experiment works with: images, training that is not done twice, and how much time.

    With `fast` an experiment makes itself smaller: fewer images, epochs or repetitions. `folder`
    keeps trained networks, so that experiments share them, and an interrupted one goes on.
    """

    def __init__(self, folder: str | Path, *, fast: bool = False, progress: bool = True):
        self.folder = Path(folder)
        self.fast = fast
        self.progress = progress

    @property
    def data(self) -> Data:
        """The book's 50,000 / 10,000 / 10,000 images, from the disk."""
        from zoo.data import load_data

        return load_data(progress=self.progress)

    def choose(self, full: Any, fast: Any) -> Any:
        """One of two values, by how long the experiment may take.

        Args:
            full: The value of the whole measurement.
            fast: That of the short one.
        """
        return fast if self.fast else full

    def train(
        self, spec: NetworkSpec, *, seed: int = 0, data: Data | None = None, **options: Any
    ) -> TrainResult:
        """`zoo.train`, once for each spec, seed, data and names of what is monitored.

        The test images are, unless `monitor` says otherwise. Where a finished run lies in the
        folder, it is read back.

        Args:
            spec: The network.
            seed: As for `zoo.train`.
            data: The images; the context's unless given.
            **options: The further ones of `zoo.train`. But for `monitor`, they are no part of the
                run's name: with others, a finished run is read back as it is.
        """
        from zoo.training.train import train

        data = data or self.data
        watched = options.setdefault("monitor", {"test": data.test})
        name = f"{spec.hash[:12]}-{data.fingerprint[:6]}-seed{seed}"
        if list(watched) != ["test"]:
            name += f"-{'-'.join(watched) or 'unwatched'}"
        out = self.folder / "trained" / name
        return train(spec, data, seed=seed, out=out, progress=self.progress, **options)

    def say(self, text: str) -> None:
        """Tell whoever waits what goes on."""
        if self.progress:
            print(f"  {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Experiment:
    """One experiment of the book: its name as 'ch3_momentum', and its two functions."""

    name: str
    title: str
    measure: Callable[[Context], Result]
    draw: Callable[[dict[str, Any]], Figure]

    @property
    def chapter(self) -> int:
        """Where in the book it stands; 'ch3_momentum' stands in chapter 3."""
        return int(self.name[2])

    @property
    def question(self) -> str:
        """What it shows, in a sentence or more."""
        return inspect.getdoc(self.measure) or ""

    @property
    def code(self) -> str:
        """A hash of the code that measures, and of the pretrained networks that it loads.

        A result of other code, or of other weights, is out of date.
        """
        source = _source(self.measure)
        return code_hash(source) + (pretrained_hash() if loads_pretrained(source) else "")


def experiment(
    name: str, title: str, *, draw: Callable[[dict[str, Any]], Figure]
) -> Callable[[Callable[[Context], Result]], Experiment]:
    """Turn the function that measures into an Experiment; its docstring says what it shows.

    Args:
        name: The experiment's name, on the command line too.
        title: A line for lists and pages.
        draw: Makes a figure of the result's data alone, so that a picture can be drawn again
            without measuring again.
    """

    def make(measure: Callable[[Context], Result]) -> Experiment:
        code_hash(_source(measure))  # now, before anybody edits it
        return Experiment(name, title, measure, draw)

    return make


def _source(measure: Callable[[Context], Result]) -> str:
    return str(inspect.getsourcefile(measure))

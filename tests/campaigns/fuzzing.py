"""The fuzzer: a boundary reads one mutated file after another, in a process of its own."""

from __future__ import annotations

import random
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from tests.campaigns.boundaries import BOUNDARIES
from tests.campaigns.state import STATE
from zoo.errors import ZooError

ALL = {**BOUNDARIES, **STATE}

# What a single file may take: seconds of the processor, which a busy machine does not change.
MOST_SECONDS, MOST_GROWTH = 5, 300 * 2**20


@dataclass
class Tally:
    """How many trials there were, and the first failures, each with the seed that repeats it."""

    name: str
    tried: int = 0
    failed: int = 0
    first: list[str] = field(default_factory=list)

    def fail(self, what: str) -> None:
        """Count a failure, and keep what is said of the first five."""
        self.failed += 1
        if len(self.first) < 25:
            self.first.append(what)


def fuzz(name: str, seconds: float, most: int = 10**9, seed: int = 0) -> Tally:
    """Read mutated files of a boundary until the time or the number is used up.

    Args:
        name: Of the boundary.
        seconds: How long.
        most: Trials.
        seed: Of the first trial; each further one has the next.

    Returns:
        The count. A failure is an error that is no ZooError of one line, a trial of more than
        MOST_SECONDS, or a process that has grown by more than MOST_GROWTH.
    """
    boundary, tally = ALL[name], Tally(name)
    sound = boundary.sound()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / boundary.name
        path.write_bytes(sound)
        boundary.read(path)  # the sound file is read, or the campaign would show nothing
        before, end = _peak(), time.monotonic() + seconds
        while tally.tried < most and time.monotonic() < end:
            path.write_bytes(boundary.mutate(sound, random.Random(seed + tally.tried)))
            failure = _trial(boundary.read, path)
            if not failure and _peak() - before > MOST_GROWTH:
                failure, before = f"grew by {(_peak() - before) >> 20} MiB", _peak()
            if failure:
                tally.fail(f"{name}, seed {seed + tally.tried}: {failure}")
            tally.tried += 1
    return tally


def send_tallies(
    connection: Connection, work: Sequence[tuple[Callable[..., Tally], str, float]], seed: int
) -> None:
    """Run campaigns in a process of its own, each by name for its seconds, and send the counts."""
    for run, name, seconds in work:
        connection.send(run(name, seconds, seed=seed))


def _trial(read, path: Path) -> str:
    start = time.process_time()
    try:
        read(path)
    except ZooError as error:
        if "\n" in str(error):
            return f"more than one line: {str(error)[:200]!r}"
    except BaseException as error:  # whatever else escapes is what is looked for
        return f"{type(error).__name__}: {str(error)[:200]}"
    took = time.process_time() - start
    return f"took {took:.1f} s" if took > MOST_SECONDS else ""


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

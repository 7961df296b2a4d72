"""The journal of a search: one line of JSON an event, only ever added to; all state is read off it.

Events are appended under a lock and flushed to the disk, so that any number of processes may write,
and any of them may be killed at any moment: a last line that is no whole JSON was torn, does not
count and is cut off by the next writer. One that lacks the newline alone, as an editor may leave
it, is an event as any other.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import RunError
from zoo.utils.locks import file_lock
from zoo.utils.regular import readable

Event = dict[str, Any]


class Journal:
    """The events in a file, and the right to add to them."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> list[Event]:
        """All events so far, an event a line.

        Raises:
            RunError: A line is not an event; it is named.
        """
        if not self.path.exists():
            return []
        return self._parse(readable(self.path).read_bytes())

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """Hold the journal alone, with the events in it, and add to it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_name(f"{self.path.name}.lock")
        with file_lock(lock, wait=True), readable(self.path).open("a+b") as file:
            file.seek(0)
            text = file.read()
            whole = _whole(text)
            events = self._parse(text)  # a damaged journal is refused before it is changed
            if len(whole) > len(text):
                file.write(whole[len(text) :])
            file.truncate(len(whole))
            yield Writer(file, events)

    def _parse(self, text: bytes) -> list[Event]:
        lines = _whole(text).split(b"\n")[:-1]
        return [self._event(line, number) for number, line in enumerate(lines, start=1)]

    def _event(self, line: bytes, number: int) -> Event:
        try:
            event = json.loads(line, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError) as error:
            ended = b'"ended"' in line
            raise damaged(self.path, number, f"not JSON ({error})", ended=ended) from error
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            raise damaged(self.path, number, "expected an object with an `event`")
        return event


class Writer:
    """A journal that is held: `events` as they stood, and `add` for more."""

    def __init__(self, file: Any, events: list[Event]):
        self.file = file
        self.events = events

    def add(self, event: Event) -> None:
        """Append one event, and see it to the disk."""
        self.file.write(json.dumps(event, allow_nan=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.events.append(event)


def _whole(text: bytes) -> bytes:
    """The lines of a journal, each with its newline; without the torn last one, if it is torn."""
    end = text.rfind(b"\n") + 1
    try:
        json.loads(text[end:])
    except (ValueError, RecursionError):
        return text[:end]
    return text + b"\n"


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def damaged(path: Path, line: int, problem: str, *, ended: bool = False) -> RunError:
    """The error for a damaged line of a journal, with what to do about it.

    Args:
        path: The journal.
        line: The number of the line, from 1.
        problem: What is wrong, the field first where it is one.
        ended: Whether the line is that of a trial's end. It can be spared, since its trial is read
            back from its own folder; what follows the beginning of a trial depends on it.
    """
    advice = (
        "delete this line, and its trial is read from its folder again, or runs again"
        if ended
        else "delete this line and all lines after it, and the trials in them run again"
    )
    return RunError(f"{path}, line {line} is damaged: {problem}. To go on, {advice}")

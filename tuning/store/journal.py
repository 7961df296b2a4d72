"""The journal of a search: one line of JSON an event, only ever added to; all state is read off it.

Events are appended under a lock and flushed to the disk, so that any number of processes may write,
and any of them may be killed at any moment: a torn last line does not count and is cut off by the
next writer.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import RunError

Event = dict[str, Any]


class Journal:
    """The events in a file, and the right to add to them."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> list[Event]:
        """All events so far; RunError, naming the line, where the file was damaged."""
        if not self.path.exists():
            return []
        return self._parse(self.path.read_bytes())

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """Hold the journal alone, with what stands in it, and add to it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            whole = text.rfind(b"\n") + 1
            if whole < len(text):
                file.truncate(whole)
            yield Writer(file, self._parse(text[:whole]))

    def _parse(self, text: bytes) -> list[Event]:
        events = []
        lines = text[: text.rfind(b"\n") + 1].splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                event = json.loads(line)
                event["event"]
            except (ValueError, KeyError, TypeError) as error:
                raise RunError(
                    f"{self.path}, line {number} is no event ({error}): mend it, or delete the line"
                ) from error
            events.append(event)
        return events


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

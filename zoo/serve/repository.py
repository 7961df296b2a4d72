"""The models that are served, in their versions: loaded, looked up, and kept up with the disk.

A version that appears is loaded beside the others and takes over when it is ready; one that
disappears is unloaded once another one answers. There is never a moment without a version.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import RunError, ZooError, nearest
from zoo.serve.batching import Batcher
from zoo.serve.limits import Limits, Refused
from zoo.serve.metrics import Metrics
from zoo.serve.runtime import Model, load
from zoo.serve.signatures import Signature, signatures_of
from zoo.serve.sources import Candidate, Source
from zoo.serve.tensors import Arrays
from zoo.utils.whole import whole_number

LOG = logging.getLogger("zoo.serve")


@dataclass
class Version:
    """One version of a model, ready to answer."""

    name: str
    number: int
    path: Path
    model: Model
    signatures: dict[str, Signature]
    batcher: Batcher

    async def answer(self, arrays: Arrays, count: int, *, alone: bool = False) -> Arrays:
        """All outputs for `count` examples; `alone` where no other request is in progress.

        Raises Refused.
        """
        return await self.batcher.run(arrays, count, alone=alone)


@dataclass
class _Served:
    # `versions` and `failures` are replaced and never changed, since the event loop reads them
    # while the watch, in its thread, loads.
    source: Source
    versions: dict[int, Version] = field(default_factory=dict)
    stamps: dict[int, Candidate] = field(default_factory=dict)  # of what is loaded, or failed to
    seen: dict[int, Candidate] = field(default_factory=dict)  # at the last look
    failures: dict[int, str] = field(default_factory=dict)


class Repository:
    """All models of a server.

    Args:
        sources: Where they lie.
        limits: Of every model's batches and queue.
        metrics: Told of versions and batches.
        threads: Threads that share one computation.
        keep: How many of the newest versions of a model are loaded; None is all.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        limits: Limits,
        metrics: Metrics,
        *,
        threads: int = 1,
        keep: int | None = None,
    ):
        self._limits = limits
        self._metrics = metrics
        self._threads = threads
        self._keep = keep
        self._served = {source.name: _Served(source) for source in sources}
        self._retired: list[tuple[float, Batcher]] = []

    @property
    def names(self) -> list[str]:
        """The models' names."""
        return list(self._served)

    def get(self, name: str, number: str | None = None) -> Version:
        """A version by the words of a request's address; without a number, or with 0, the newest.

        (0 is what OpenVINO's client writes for none. A version 0 on disk is itself.)

        Args:
            name: The model's name.
            number: The version's number in decimal digits.

        Raises:
            Refused: With status 404, where it is not served.
        """
        versions = self._find(name).versions
        if number is None:
            return versions[max(versions)]
        wanted = whole_number(number)
        found = None if wanted is None else versions.get(wanted)
        if found is None and number == "0":
            return self.get(name)
        if found is None:
            known = ", ".join(str(each) for each in sorted(versions))
            raise Refused(404, f"{name} has no version {number[:40]!r}; it has: {known}")
        return found

    def versions(self, name: str) -> dict[int, tuple[str, str]]:
        """State and error of each version of a model, newest first, in TensorFlow Serving's words.

        Where a version's file was replaced by one that cannot be loaded, what was loaded before
        answers: the state is AVAILABLE, and the error says why the new one is not.

        Raises:
            Refused: With status 404, for a name that is not served.
        """
        served = self._find(name)
        states = {number: ("END", reason) for number, reason in served.failures.items()}
        for number in served.versions:
            states[number] = ("AVAILABLE", served.failures.get(number, ""))
        return dict(sorted(states.items(), reverse=True))

    def load_all(self) -> None:
        """Load every model; for the start.

        Raises:
            RunError: For a model of which no version can be loaded.
        """
        for served in self._served.values():
            served.seen = served.source.versions()
            failures: dict[int, str] = {}
            for newest in sorted(served.seen, reverse=True):
                # Where no version that is to be kept can be loaded, an older one answers.
                older = {number: each for number, each in served.seen.items() if number <= newest}
                self._follow(served, older)
                failures |= served.failures
                if served.versions:
                    break
            served.failures = failures
            served.stamps |= {number: served.seen[number] for number in failures}
            if not served.versions:
                found = "; ".join(failures.values()) or "it is empty"
                raise RunError(f"no version of {served.source.name} can be served: {found}")

    def refresh(self) -> None:
        """Look at the disk, and follow it: load what is new, unload what is gone.

        What changed since the last look is left alone until it holds still, since somebody may be
        writing it.
        """
        now = time.monotonic()
        for closing in [batcher for until, batcher in self._retired if until < now]:
            closing.close()
        self._retired = [each for each in self._retired if each[0] >= now]
        for served in self._served.values():
            found = served.source.versions()
            settled = {
                number: candidate
                for number, candidate in found.items()
                if served.seen.get(number) == candidate
            }
            served.seen = found
            if not found:
                continue  # the folder is gone, or being replaced: the old versions stay
            self._follow(served, settled, kept=found)

    def close(self) -> None:
        """Answer what waits, and end all batches' threads."""
        batchers = [
            version.batcher
            for served in self._served.values()
            for version in served.versions.values()
        ]
        batchers += [batcher for _, batcher in self._retired]
        for batcher in batchers:
            batcher.close()
        for batcher in batchers:
            batcher.join(self._limits.stop_seconds)

    def _retire(self, batcher: Batcher) -> None:
        # A request may have found its version already, and its body is still on the way.
        grace = self._limits.body_seconds + self._limits.answer_seconds
        self._retired.append((time.monotonic() + grace, batcher))

    def _find(self, name: str) -> _Served:
        served = self._served.get(name)
        if served is None:
            names = list(self._served)
            message = f"no model {name[:80]!r} is served.{nearest(name[:80], names)}"
            raise Refused(404, f"{message} There is: {', '.join(names)}.")
        return served

    def _follow(self, served: _Served, ready: dict[int, Candidate], kept=None) -> None:
        wanted = sorted(ready if kept is None else kept, reverse=True)[: self._keep]
        for number in wanted:
            candidate = ready.get(number)
            if candidate is not None and served.stamps.get(number) != candidate:
                served.stamps[number] = candidate
                self._load(served, number, candidate)
        for number in [each for each in served.failures if each not in wanted]:
            served.failures = _without(served.failures, number)
            del served.stamps[number]
        for number in sorted(served.versions):
            if number not in wanted and len(served.versions) > 1:
                self._unload(served, number)

    def _load(self, served: _Served, number: int, candidate: Candidate) -> None:
        name = served.source.name
        try:
            model = load(candidate.path, served.source.runtime, self._threads)
        except ZooError as error:
            served.failures = {**served.failures, number: str(error)}
            LOG.warning("not loaded", extra={"model": name, "version": number, "why": str(error)})
            return
        old = served.versions.get(number)
        if old is not None:
            self._metrics.unloaded(name, number)
        observers: list[Callable[[int], None]] = []
        batcher = Batcher(model, self._limits, lambda count: observers[0](count))
        observers.append(self._metrics.loaded(name, number, lambda: batcher.waiting))
        signatures = signatures_of(model, self._limits)
        version = Version(name, number, candidate.path, model, signatures, batcher)
        served.versions = {**served.versions, number: version}
        served.failures = _without(served.failures, number)
        LOG.info("loaded", extra={"model": name, "version": number, "path": str(candidate.path)})
        if old is not None:
            self._retire(old.batcher)

    def _unload(self, served: _Served, number: int) -> None:
        version = served.versions[number]
        served.versions = _without(served.versions, number)
        served.stamps.pop(number, None)
        self._retire(version.batcher)
        self._metrics.unloaded(version.name, number)
        LOG.info("unloaded", extra={"model": version.name, "version": number})


def _without(table: dict[int, Any], number: int) -> dict[int, Any]:
    return {key: value for key, value in table.items() if key != number}

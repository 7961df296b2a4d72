"""Several processes at work on one search, and one that watches over them."""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError
from zoo.training import parallel
from zoo.training.parallel import (
    NEEDS_GUARD,
    UNGUARDED,
    end_where_main_is_imported,
    end_with_parent,
)
from zoo.utils.tensorflow import import_tensorflow

if TYPE_CHECKING:
    from tuning.search import Search
    from zoo.data import Data

# A worker that dies this often was not killed by chance.
MOST_DEATHS = 20


def run(
    search: Search,
    data: Data,
    *,
    workers: int = 1,
    seconds: float | None = None,
    most: int | None = None,
    watch: Callable[[Search], None] = lambda search: None,
) -> None:
    """Run a search to its end with several processes, each on one core.

    A process that dies is replaced, and its trial goes on where it was. The processes end with this
    one, however it ends.

    Args:
        search: What is searched.
        data: The data set, handed to every process.
        workers: How many processes.
        seconds: No trial begins once all together have cost so much training time.
        most: No trial begins once there are so many.
        watch: Called every second, and once at the end.

    Raises:
        RunError: The processes keep dying.
    """
    end_where_main_is_imported()
    search.open(data)
    if search.is_over(seconds=seconds, most=most):
        watch(search)
        return
    job = _pickled(_Job(search, data, seconds, most))
    processes, deaths = [_start(job) for _ in range(workers)], 0
    try:
        while processes:
            wait([process.sentinel for process in processes], timeout=1)
            watch(search)
            ended = [process for process in processes if process.exitcode is not None]
            processes = [process for process in processes if process.exitcode is None]
            dead = [process for process in ended if process.exitcode != 0]
            deaths += len(dead)
            if any(process.exitcode == UNGUARDED for process in dead):
                raise RunError(NEEDS_GUARD)
            if deaths >= MOST_DEATHS:
                raise RunError(
                    f"{deaths} workers died, the last with exit code {dead[-1].exitcode}: "
                    "search with --workers 1 to see why"
                )
            processes += [_start(job) for _ in dead]
    finally:
        for process in processes:
            process.kill()
            process.join()
    watch(search)


@dataclass(frozen=True)
class _Job:
    """What a worker is given."""

    search: Search
    data: Data
    seconds: float | None
    most: int | None


def _pickled(job: _Job) -> memoryview:
    """The job as a worker reads it: what cannot be handed over is refused before one begins."""
    try:
        return ForkingPickler.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise RunError(
            f"the search cannot be handed to its processes ({error}): define what it consists of "
            "at the top of a module, not inside a function"
        ) from error


def _start(job: memoryview) -> BaseProcess:
    context: Any = parallel.context()
    theirs, ours = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()

    def hand_over() -> None:
        # A worker reads once it has imported TensorFlow, and may be killed before or while it does.
        with contextlib.suppress(OSError), ours:
            ours.send_bytes(job)

    threading.Thread(target=hand_over, daemon=True).start()
    return process


def _work(connection: Connection) -> None:
    end_with_parent()
    # Before the job is unpickled, which would import it with all its start-up notes.
    import_tensorflow()
    try:
        job = connection.recv()
    except (EOFError, OSError):
        os._exit(0)  # who started us has died in the middle of it
    try:
        job.search.work(job.data, seconds=job.seconds, most=job.most)
    except KeyboardInterrupt:
        os._exit(0)  # who started us was stopped, and says so

"""Several processes at work on one search, and one that watches over them."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError, ZooError
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

    A process that is killed is replaced, and its trial goes on where it was; an error that ends its
    work ends the search, since it would come again. The processes end with this one, however it
    ends.

    Args:
        search: What is searched.
        data: The data set, handed to every process.
        workers: How many processes.
        seconds: No trial begins once all together have cost so much training time.
        most: No trial begins once there are so many.
        watch: Called every second, and once at the end.

    Raises:
        RunError: The processes keep dying.
        Exception: Whatever ended the work of a process.
    """
    end_where_main_is_imported()
    search.open(data)
    if search.is_over(seconds=seconds, most=most):
        watch(search)
        return
    job = _pickled(_Job(search, data, seconds, most))
    working, deaths = [_Worker(job) for _ in range(workers)], 0
    try:
        while working:
            wait([worker.process.sentinel for worker in working], timeout=1)
            watch(search)
            ended = [worker for worker in working if worker.process.exitcode is not None]
            working = [worker for worker in working if worker not in ended]
            dead = [worker for worker in ended if worker.has_died()]
            deaths += len(dead)
            if deaths >= MOST_DEATHS:
                raise RunError(
                    f"{deaths} workers died, the last with exit code {dead[-1].process.exitcode}: "
                    "take fewer --workers, since the system ends processes when memory runs out"
                )
            working += [_Worker(job) for _ in dead]
    finally:
        for worker in working:
            worker.process.kill()
            worker.process.join()
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


class _Worker:
    """A process at work on a job, and the thread that talks with it."""

    def __init__(self, job: memoryview):
        context: Any = parallel.context()
        ours, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._talk, args=(ours, job), daemon=True)
        self._thread.start()

    def has_died(self) -> bool:
        """Whether the process, which has ended, was killed, so that another one may do better.

        Raises:
            Exception: An error of the work itself has ended it.
        """
        if self.process.exitcode == UNGUARDED:
            raise RunError(NEEDS_GUARD)
        self._thread.join(timeout=10)  # all that a process which has ended said is there to be read
        if self._error is not None:
            raise self._error
        return self.process.exitcode != 0

    def _talk(self, connection: Connection, job: memoryview) -> None:
        with connection:
            # A worker reads once it has imported TensorFlow, and may be killed before or while it
            # does; what it said before is read all the same.
            with contextlib.suppress(OSError):
                connection.send_bytes(job)
            with contextlib.suppress(EOFError, OSError):
                self._error = _unpacked(*connection.recv())


def _work(connection: Connection) -> None:
    end_with_parent()
    try:
        # Before the job is unpickled, which would import it with all its start-up notes.
        import_tensorflow()
        try:
            given = connection.recv_bytes()
        except (EOFError, OSError):
            os._exit(0)  # who started us has died in the middle of it
        job = pickle.loads(given)
        job.search.work(job.data, seconds=job.seconds, most=job.most)
    except KeyboardInterrupt:
        os._exit(0)  # who started us was stopped, and says so
    except Exception as error:
        # It would come again in every process: who started us raises it.
        with contextlib.suppress(OSError):
            connection.send(_packed(error))
        sys.exit(1)


def _packed(error: Exception) -> tuple[str, bytes]:
    """An error for another process: its traceback, and itself where it can be handed over."""
    text = "".join(traceback.format_exception(error))
    if not isinstance(error, ZooError | OSError):
        error.add_note(text)
    try:
        return text, pickle.dumps(error)
    except Exception:  # of whatever somebody else's error holds
        return text, b""


def _unpacked(text: str, pickled: bytes) -> Exception:
    """The error that another process has sent, or one that says as much."""
    try:
        error: Exception = pickle.loads(pickled)
    except Exception:
        error = RunError(f"a worker has failed: {text.strip().splitlines()[-1]}")
        error.add_note(text)
    return error

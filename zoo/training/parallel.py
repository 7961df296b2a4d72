"""Work shared among processes, each a fresh Python that uses one core."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any

from zoo.errors import RunError
from zoo.utils.tensorflow import import_tensorflow

# The exit code of a process that its own script would start again.
UNGUARDED = 77
NEEDS_GUARD = (
    "a script that works with several processes needs `if __name__ == '__main__':` before its calls"
)


def results(
    function: Callable[..., Any],
    calls: Sequence[Sequence[Any]],
    jobs: int,
    *,
    tensorflow: bool = False,
) -> Iterator[tuple[int, Any]]:
    """Make every call, some at a time, and yield what they return as they end.

    The first error is raised here; calls that run go on to their end, and those that wait are
    dropped.

    Args:
        function: Of a module, so that a process can import it.
        calls: The arguments of each call.
        jobs: How many calls at a time, each in a process; with one job all happens in this process.
        tensorflow: Whether the calls need it: each process then begins by importing it quietly.

    Yields:
        The number of a call, and what it returned.

    Raises:
        RunError: A process died.
    """
    if jobs == 1:
        yield from ((number, function(*call)) for number, call in enumerate(calls))
        return
    end_where_main_is_imported()
    with concurrent.futures.ProcessPoolExecutor(jobs, context(), _begin, (tensorflow,)) as pool:
        waiting = {pool.submit(function, *call): number for number, call in enumerate(calls)}
        try:
            for done in concurrent.futures.as_completed(waiting):
                yield waiting[done], done.result()
        except BrokenProcessPool:
            raise RunError(
                f"a process has died: {NEEDS_GUARD}; where it has that, take fewer jobs, since the "
                "system ends processes when memory runs out"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def context() -> BaseContext:
    """The way in which processes start: as fresh Pythons.

    Forked from this one they would share TensorFlow's threads, and hang.
    """
    return multiprocessing.get_context("spawn")


def end_where_main_is_imported() -> None:
    """End a new process that has come here by importing the script which started it.

    It would start processes of its own; multiprocessing refuses that, with a page of traceback for
    each. The process that started this one sees the exit code UNGUARDED.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(UNGUARDED)


def _begin(tensorflow: bool) -> None:
    end_with_parent()
    if tensorflow:
        import_tensorflow()


def end_with_parent() -> None:
    """End this process, which multiprocessing started, as soon as the one that started it ends.

    A killed parent tells its workers nothing, and they would wait for work for ever.
    """

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is None:
            return
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

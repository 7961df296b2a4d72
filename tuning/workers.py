"""Several processes at work on one search, and one that watches over them."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess

from tuning.search import Search
from zoo.data import Data
from zoo.errors import RunError
from zoo.utils.tensorflow import import_tensorflow

# A process that begins finds its work by this module: what follows would import TensorFlow aloud,
# over the line that tells how the search goes.
import_tensorflow()

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
    """Run a search to its end with so many processes, each on one core.

    A process that dies is replaced, and its trial goes on where it was. `watch` is called every
    second. Raises RunError where they keep dying; KeyboardInterrupt stops them all.
    """
    search.open(data)
    spawn = multiprocessing.get_context("spawn")

    def start() -> BaseProcess:
        process = spawn.Process(target=_work, args=(search, data, seconds, most), daemon=True)
        process.start()
        return process

    processes, deaths = [start() for _ in range(workers)], 0
    try:
        while processes:
            time.sleep(1)
            watch(search)
            ended = [process for process in processes if process.exitcode is not None]
            processes = [process for process in processes if process.exitcode is None]
            dead = [process for process in ended if process.exitcode != 0]
            deaths += len(dead)
            if deaths >= MOST_DEATHS:
                raise RunError(
                    f"{deaths} workers died, the last with exit code {dead[-1].exitcode}: "
                    "search with --workers 1 to see why"
                )
            processes += [start() for _ in dead]
    finally:
        for process in processes:
            process.kill()
            process.join()
    watch(search)


def _work(search: Search, data: Data, seconds: float | None, most: int | None) -> None:
    try:
        search.work(data, seconds=seconds, most=most)
    except KeyboardInterrupt:
        os._exit(0)  # who started us was stopped, and says so

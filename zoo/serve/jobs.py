"""Jobs: examples that wait for their batch, and who waits for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator

import numpy as np

from zoo.serve.limits import Refused
from zoo.serve.tensors import Arrays

Outcome = Arrays | Exception


def _nobody(outcome: Outcome) -> None:
    """Who waits for a job that nobody waits for."""


class Job:
    """Examples that wait for their batch; awaiting it gives their outputs.

    A coroutine that is driven by hand, without a task, gets the job itself out of `await`, and is
    sent what `done` is told.

    Attributes:
        inputs: The examples.
        count: How many they are.
        done: Told the outputs or the error, once, on the event loop.
        settled: Whether nobody waits any more.
    """

    __slots__ = ("_timer", "arrived", "count", "deadline", "done", "inputs", "loop", "settled")

    def __init__(self, inputs: Arrays, count: int, seconds: float):
        self.inputs = inputs
        self.count = count
        self.done: Callable[[Outcome], None] = _nobody
        self.settled = False
        self.arrived = time.monotonic()
        self.deadline = self.arrived + seconds
        self.loop = asyncio.get_running_loop()
        # asyncio.timeout does more, and takes three times as long.
        self._timer = self.loop.call_later(seconds, self._late, seconds)

    def settle(self, outcome: Outcome) -> None:
        """Tell the outputs or the error to who waits, if anybody does."""
        if not self.settled:
            self.cancel()
            done, self.done = self.done, _nobody  # no cycle is left with who waited
            done(outcome)

    def _late(self, seconds: float) -> None:
        self.settle(Refused(504, f"no answer within {seconds:g} seconds: ask again later"))

    def cancel(self) -> None:
        """Wait no longer."""
        self.settled = True
        self._timer.cancel()

    def __await__(self) -> Generator[Job, Arrays, Arrays]:
        return (yield self)

    def fits(self, other: Job) -> bool:
        """Whether its examples have the shapes of another one's."""
        return all(
            array.shape[1:] == other.inputs[name].shape[1:] for name, array in self.inputs.items()
        )


def joined(jobs: list[Job]) -> Arrays:
    """The examples of jobs whose shapes fit, as those of one."""
    first = jobs[0].inputs
    if len(jobs) == 1:
        return first
    together = {}
    for name, array in first.items():
        # np.concatenate lets other threads run after each array, and then waits for its turn.
        content = b"".join([np.ascontiguousarray(job.inputs[name]).data for job in jobs])
        together[name] = np.frombuffer(content, array.dtype).reshape(-1, *array.shape[1:])
    return together

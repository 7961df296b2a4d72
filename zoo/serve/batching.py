"""Batches: requests that arrive together are computed together, in one thread for each model.

The event loop puts jobs into a queue; the thread takes as many as a batch may hold, runs the model
once, and hands the loop all answers with one call. While the thread computes, the next batch
gathers by itself, so that a delay is only for those who ask for larger batches.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from zoo.serve.limits import Limits, Refused
from zoo.serve.runtime import Model, batchable, warm_up
from zoo.serve.tensors import Arrays

_BROKEN = "the model failed on this input"

# A model that answers one example within this time does so on the event loop, if nothing waits: to
# wake a thread would take as long.
_INSTANT_SECONDS = 0.00005

# Within this time, it does so for a request that is alone: others could be read meanwhile.
_QUICK_SECONDS = 0.001


@dataclass
class _Job:
    inputs: Arrays
    count: int
    answer: asyncio.Future
    deadline: float
    arrived: float = field(default_factory=time.monotonic)
    error: Exception | None = None
    outputs: Arrays | None = None

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [array.shape[1:] for array in self.inputs.values()]


class Batcher:
    """Runs one model, batch after batch; a place in its queue is a promise of an answer in time.

    Args:
        model: The model.
        limits: Its `batch`, `delay_ms`, `queue` and `answer_seconds` hold.
        computed: Told the number of images of each batch, from the thread.

    Attributes:
        together: Whether examples of several requests may be computed as one array.
        waiting: Examples in the queue or being computed; the event loop alone changes it.
    """

    def __init__(
        self, model: Model, limits: Limits, computed: Callable[[int], None] = lambda n: None
    ):
        self.waiting = 0
        self._model = model
        self._limits = limits
        self._computed = computed
        self.together = batchable((*model.inputs, *model.outputs))
        one = warm_up(model, limits.batch, 20 * _QUICK_SECONDS)
        # Who sets a delay wants batches.
        self._instant = one < _INSTANT_SECONDS and not limits.delay_ms
        self._quick = one < _QUICK_SECONDS and not limits.delay_ms
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._held: _Job | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="zoo-batches", daemon=True)
        self._thread.start()

    async def run(self, inputs: Arrays, count: int, *, alone: bool = False) -> Arrays:
        """The model's outputs for `count` examples, computed with those of other requests.

        Args:
            inputs: The examples.
            count: How many they are.
            alone: Whether no other request is in progress, which could join a batch.

        Returns:
            All outputs.

        Raises:
            Refused: 413 for more than the queue can ever hold, 429 where it is full, 503 where the
                model is being unloaded, 504 where the answer does not come in time.
        """
        limits = self._limits
        if count > limits.queue:
            message = f"a request may hold {limits.queue:,} examples, not {count:,}"
            raise Refused(413, f"{message}: send them in several requests")
        if self._closed:
            raise Refused(503, "the model is being unloaded: ask again", {"Retry-After": "1"})
        if self.waiting + count > limits.queue:
            message = f"{self.waiting:,} examples wait already, of {limits.queue:,} that may"
            raise Refused(429, f"{message}: ask again later", {"Retry-After": "1"})
        if count == 1 and self.is_free(alone):
            return self.run_now(inputs)
        if count <= limits.batch or not self.together:
            return await self._submit(inputs, count)
        starts = range(0, count, limits.batch)
        pieces = [
            {name: array[start : start + limits.batch] for name, array in inputs.items()}
            for start in starts
        ]
        tasks = [
            self._submit(piece, min(limits.batch, count - start))
            for piece, start in zip(pieces, starts, strict=True)
        ]
        parts = await asyncio.gather(*tasks)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def close(self) -> None:
        """Answer what waits, then end the thread; returns at once."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the thread's end: a process that ends beneath a computation crashes."""
        self._thread.join(seconds)

    async def _submit(self, inputs: Arrays, count: int) -> Arrays:
        loop, seconds = asyncio.get_running_loop(), self._limits.answer_seconds
        answer = loop.create_future()
        late = Refused(504, f"no answer within {seconds:g} seconds: ask again later")
        # asyncio.timeout does more, and takes three times as long.
        timer = loop.call_later(seconds, _fail, answer, late)
        self.waiting += count
        self._jobs.put(_Job(inputs, count, answer, time.monotonic() + seconds))
        try:
            return await answer
        finally:
            timer.cancel()

    def is_free(self, alone: bool) -> bool:
        """Whether one example may be computed now, on the event loop: nobody waits for it.

        Args:
            alone: Whether no other request is in progress, which could join a batch.
        """
        return not (self.waiting or self._closed) and (self._instant or (alone and self._quick))

    def run_now(self, inputs: Arrays) -> Arrays:
        """The model's outputs for one example, on the event loop; raises Refused."""
        try:
            outputs = self._model.run(inputs)
        except Exception as error:
            raise _failure(error) from error
        self._computed(1)
        return outputs

    # From here on: the thread.

    def _work(self) -> None:
        while (jobs := self._gather()) is not None:
            wanted = [job for job in jobs if not job.answer.cancelled() and not self._late(job)]
            if wanted:
                self._compute(wanted)
            try:
                jobs[0].answer.get_loop().call_soon_threadsafe(self._deliver, jobs)
            except RuntimeError:
                return  # the loop was closed: nobody waits any more

    def _gather(self) -> list[_Job] | None:
        first, self._held = self._held or self._jobs.get(), None
        if first is None:
            return None
        jobs, total = [first], first.count
        until = first.arrived + self._limits.delay_ms / 1000
        while self.together and total < self._limits.batch:
            try:
                left = until - time.monotonic()
                job = self._jobs.get(timeout=left) if left > 0 else self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)  # the end comes after this batch
                break
            if total + job.count > self._limits.batch or job.shapes != first.shapes:
                self._held = job
                break
            jobs.append(job)
            total += job.count
        return jobs

    @staticmethod
    def _late(job: _Job) -> bool:
        return time.monotonic() > job.deadline

    def _compute(self, jobs: list[_Job]) -> None:
        try:
            if len(jobs) == 1:
                jobs[0].outputs = self._model.run(jobs[0].inputs)
            else:
                self._split(jobs, self._model.run(_joined(jobs)))
            self._computed(sum(job.count for job in jobs))
        except Exception as error:  # whatever a model of somebody else's raises
            if len(jobs) > 1:  # one of them is to blame, and the others are not to suffer
                for job in jobs:
                    self._compute([job])
            else:
                jobs[0].error = error

    @staticmethod
    def _split(jobs: list[_Job], outputs: Arrays) -> None:
        start = 0
        total = sum(job.count for job in jobs)
        if any(array.ndim == 0 or len(array) != total for array in outputs.values()):
            raise ValueError("the outputs do not have a row for each example")
        for job in jobs:
            stop = start + job.count
            job.outputs = {name: array[start:stop] for name, array in outputs.items()}
            start = stop

    def _deliver(self, jobs: list[_Job]) -> None:
        # On the event loop, once a batch.
        for job in jobs:
            self.waiting -= job.count
            if job.answer.done():
                continue
            if job.outputs is not None:
                job.answer.set_result(job.outputs)
            elif job.error is not None:
                job.answer.set_exception(_failure(job.error))
            else:
                job.answer.set_exception(
                    Refused(504, "the request waited too long: ask again later")
                )


def _fail(answer: asyncio.Future, error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


def _failure(error: Exception) -> Refused:
    reason = str(error).strip().partition("\n")[0][:200]
    status = 400 if type(error).__name__ == "InvalidArgument" else 500
    return Refused(status, f"{_BROKEN}: {reason}")


def _joined(jobs: list[_Job]) -> Arrays:
    first = jobs[0].inputs
    return {name: np.concatenate([job.inputs[name] for job in jobs]) for name in first}

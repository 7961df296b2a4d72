"""Batches: requests that arrive together are computed together, in one thread for each model.

The event loop puts jobs into a queue; the thread takes as many as a batch may hold, runs the model
once, and hands the loop all answers with one call. While the thread computes, the next batch
gathers by itself, so that a delay is only for those who ask for larger batches.
"""

from __future__ import annotations

import asyncio
import functools
import queue
import threading
import time
from collections.abc import Callable

import numpy as np

from zoo.serve.jobs import Job, Outcome, joined
from zoo.serve.limits import Limits, Refused
from zoo.serve.runtime import Model, batchable, warm_up
from zoo.serve.tensors import Arrays

_BROKEN = "the model failed on this input"

# A model that answers one example within this time does so on the event loop, if nothing waits: to
# wake a thread would take as long.
_INSTANT_SECONDS = 0.00005

# Within this time, it does so for a request that is alone: others could be read meanwhile. And a
# batch takes half of the examples that wait, down to so many: while they are computed, the loop
# writes the answers of the other half and reads what these clients ask next.
_QUICK_SECONDS = 0.001
_LEAST_HALF = 4


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
        self._fixed = all(-1 not in info.shape[1:] for info in model.inputs)
        one = warm_up(model, limits.batch, 20 * _QUICK_SECONDS)
        # Who sets a delay wants batches.
        self._instant = one < _INSTANT_SECONDS and not limits.delay_ms
        self._quick = one < _QUICK_SECONDS and not limits.delay_ms
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._arrived: list[Job] = []
        self._held: Job | None = None
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
        self._admit(count)
        if count == 1 and self.is_free(alone):
            return self.run_now(inputs)
        if count <= limits.batch or not self.together:
            return await self._answer(inputs, count)
        starts = range(0, count, limits.batch)
        pieces = [
            {name: array[start : start + limits.batch] for name, array in inputs.items()}
            for start in starts
        ]
        tasks = [
            self._answer(piece, min(limits.batch, count - start))
            for piece, start in zip(pieces, starts, strict=True)
        ]
        parts = await asyncio.gather(*tasks)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def submit(self, inputs: Arrays, count: int) -> Job:
        """Put examples that fit into one batch into the queue.

        Args:
            inputs: The examples, by the names of the model's inputs.
            count: How many they are; not checked to be at most a batch.

        Returns:
            Their place in a batch, whose `done` is called with the outcome.

        Raises:
            Refused: 413, 429 or 503, as in `run`.
        """
        self._admit(count)
        return self._put(inputs, count)

    def close(self) -> None:
        """Answer what waits, then end the thread; returns at once."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the thread's end: a process that ends beneath a computation crashes."""
        self._thread.join(seconds)

    def _admit(self, count: int) -> None:
        limits = self._limits
        if count > limits.queue:
            message = f"a request may hold {limits.queue:,} examples, not {count:,}"
            raise Refused(413, f"{message}: send them in several requests")
        if self._closed:
            raise Refused(503, "the model is being unloaded: ask again", {"Retry-After": "1"})
        if self.waiting + count > limits.queue:
            message = f"{self.waiting:,} examples wait already, of {limits.queue:,} that may"
            raise Refused(429, f"{message}: ask again later", {"Retry-After": "1"})

    def _put(self, inputs: Arrays, count: int) -> Job:
        job = Job(inputs, count, self._limits.answer_seconds)
        self.waiting += count
        if not self._arrived:
            job.loop.call_soon(self._hand_over)
        self._arrived.append(job)
        return job

    def _hand_over(self) -> None:
        # Once a turn of the loop: a thread that woke for each request would contend for Python's
        # lock with the loop, which is still reading the next.
        arrived, self._arrived = self._arrived, []
        for job in arrived:
            self._jobs.put(job)

    async def _answer(self, inputs: Arrays, count: int) -> Arrays:
        job = self._put(inputs, count)
        answer = job.loop.create_future()
        job.done = functools.partial(_fulfil, answer)
        try:
            return await answer
        finally:
            job.cancel()

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
            now = time.monotonic()
            wanted = [job for job in jobs if not job.settled and now < job.deadline]
            computed = self._compute(wanted) if wanted else []
            try:
                jobs[0].loop.call_soon_threadsafe(self._deliver, jobs, computed)
            except RuntimeError:
                return  # the loop was closed: nobody waits any more

    def _gather(self) -> list[Job] | None:
        first, self._held = self._held or self._jobs.get(), None
        if first is None:
            return None
        limits = self._limits
        jobs, total, most = [first], first.count, limits.batch
        until = first.arrived + limits.delay_ms / 1000
        if self._quick:
            most = min(most, max(_LEAST_HALF, (self.waiting + 1) // 2))
        while self.together and total < most:
            try:
                left = until - time.monotonic() if limits.delay_ms else 0
                job = self._jobs.get(timeout=left) if left > 0 else self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)  # the end comes after this batch
                break
            if total + job.count > most or not (self._fixed or job.fits(first)):
                self._held = job
                break
            jobs.append(job)
            total += job.count
        return jobs

    def _compute(self, jobs: list[Job]) -> list[tuple[list[Job], Outcome]]:
        total = sum(job.count for job in jobs)
        try:
            outputs = self._model.run(joined(jobs))
            if len(jobs) > 1 and any(
                array.ndim == 0 or len(array) != total for array in outputs.values()
            ):
                raise ValueError("the outputs do not have a row for each example")
        except Exception as error:  # whatever a model of somebody else's raises
            if len(jobs) > 1:  # one of them is to blame, and the others are not to suffer
                return [part for job in jobs for part in self._compute([job])]
            return [(jobs, _failure(error))]
        self._computed(total)
        return [(jobs, outputs)]

    def _deliver(self, jobs: list[Job], computed: list[tuple[list[Job], Outcome]]) -> None:
        # On the event loop, once a batch.
        self.waiting -= sum(job.count for job in jobs)
        for group, outcome in computed:
            if len(group) == 1 or isinstance(outcome, Exception):
                for job in group:
                    job.settle(outcome)
                continue
            start = 0
            for job in group:
                stop = start + job.count
                job.settle({name: array[start:stop] for name, array in outcome.items()})
                start = stop
        for job in jobs:
            if not job.settled:
                job.settle(Refused(504, "the request waited too long: ask again later"))


def _fulfil(answer: asyncio.Future, outcome: Outcome) -> None:
    if answer.done():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _failure(error: Exception) -> Refused:
    reason = str(error).strip().partition("\n")[0][:200]
    status = 400 if type(error).__name__ == "InvalidArgument" else 500
    return Refused(status, f"{_BROKEN}: {reason}")

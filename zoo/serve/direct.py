"""Direct answers: a whole request is answered without a task and without the messages of ASGI.

To start a task and pass messages takes longer than a small network does. A request that has arrived
in one piece runs through the same handlers, driven by hand: up to its end where the model is quick
and free, else up to its place in a batch, whose end goes on with it. Refusals before that, and
whatever has to wait for anything else, are left to the long way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from zoo.serve.jobs import Job, Outcome
from zoo.serve.repository import Version
from zoo.serve.service import Answer, Call, Endpoint, failure
from zoo.serve.signatures import Signature
from zoo.serve.tensors import Arrays


class NotDirect(Exception):
    """The answer takes the long way."""


async def _nothing() -> dict[str, Any]:
    raise NotDirect


class WholeCall(Call):
    """A request whose body is there, for one example.

    Args:
        endpoint: What it is addressed to.
        scope: Of ASGI, as far as handlers and log read it.
        content: The whole body.
        alone: Whether no other connection is open, whose requests could join a batch.
    """

    def __init__(self, endpoint: Endpoint, scope: dict[str, Any], content: bytes, alone: bool):
        super().__init__(endpoint.service, scope, _nothing)
        self._content = content
        self._alone = alone

    async def body(self) -> bytes:
        """The whole body; raises NotDirect where it may have to be refused."""
        if len(self._content) > self.service.limits.body or self.header(b"content-encoding"):
            raise NotDirect
        return self._content

    async def answer(self, version: Version, signature: Signature, given: Arrays) -> Arrays:
        """All outputs for one example; raises NotDirect for more, or for pictures."""
        if signature.slow:
            raise NotDirect
        for array in given.values():
            if len(array) != 1:
                raise NotDirect
        arrays = signature.prepare(given)
        batcher = version.batcher
        if batcher.is_free(self._alone):
            return batcher.run_now(arrays)
        return await batcher.submit(arrays, 1)


class Waiting:
    """A request that waits for its batch, in the place of Uvicorn's cycle of a request.

    Attributes:
        keep_alive: Whether the connection stays open; Uvicorn changes it when it stops.
        response_started: Whether the answer was sent.
        response_complete: The same.
        disconnected: Whether the client hung up; Uvicorn says so.
        message_event: Uvicorn's way to tell of what happened; nobody listens.
        deliver: What it and its answer are given to.
    """

    message_event = asyncio.Event()

    def __init__(self, endpoint: Endpoint, call: Call, handling: Coroutine, job: Job, began: float):
        self.keep_alive = True
        self.response_started = self.response_complete = self.disconnected = False
        self.deliver: Callable[[Waiting, Answer], None] | None = None
        self._endpoint = endpoint
        self._call = call
        self._handling = handling
        self._job = job
        self._began = began
        job.done = self._go_on

    def cancel(self) -> None:
        """Compute nothing for it, if there is time."""
        self._job.cancel()
        self._handling.close()

    def _go_on(self, outcome: Outcome) -> None:
        why = ""
        try:
            if isinstance(outcome, Exception):
                self._handling.throw(outcome)
            else:
                self._handling.send(outcome)
            raise RuntimeError("a handler waits for its model only")
        except StopIteration as done:
            answer: Answer = done.value
        except Exception as error:
            answer, why = failure(error, self._call.scope)
        self._endpoint.answered(self._call, answer, time.perf_counter() - self._began, why)
        self.response_started = self.response_complete = True
        if self.deliver:
            self.deliver(self, answer)


def answer_directly(
    endpoint: Endpoint, scope: dict[str, Any], body: bytes, alone: bool
) -> Answer | Waiting | None:
    """The answer to a whole request, or its place in a batch; None where it takes the long way.

    Args:
        endpoint: What it is addressed to; an answer is counted and logged there.
        scope: Of ASGI, as far as handlers and log read it.
        body: The whole body.
        alone: Whether no other connection is open, whose requests could join a batch.

    Returns:
        The answer; or `Waiting`, which has it later; or None for any refusal or error so far, for
        more than one example and for pictures: nothing is counted then.
    """
    began = time.perf_counter()
    call = WholeCall(endpoint, scope, body, alone)
    handling = endpoint.handler(call)
    try:
        awaited = handling.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        endpoint.answered(call, answer, time.perf_counter() - began)
        return answer
    except Exception:  # told, counted and logged by the long way, which meets it again
        return None
    if isinstance(awaited, Job):
        return Waiting(endpoint, call, handling, awaited, began)
    handling.close()
    return None

"""Answers at once: a whole request to a quick model, without a task or the messages of ASGI.

To start a task and pass messages takes longer than a small network does. A request that has
arrived in one piece is answered by the same handlers, in the call that received it. Whatever would
have to wait, and every refusal, is left to the long way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from zoo.serve.repository import Version
from zoo.serve.service import Answer, Call, Endpoint
from zoo.serve.signatures import Signature
from zoo.serve.tensors import Arrays


class NotAtOnce(Exception):
    """The answer would have to wait for a thread."""


class WholeCall(Call):
    """A request whose body is there, and which is answered now or not in this way.

    Args:
        endpoint: What it is addressed to.
        scope: Of ASGI, as far as `Call` reads it: `headers` and `path_params`.
        body: The whole body.
        alone: Whether no other connection is open, whose requests could join a batch.
    """

    def __init__(self, endpoint: Endpoint, scope: dict[str, Any], body: bytes, alone: bool):
        # A method of ours here would be a cycle: memory would wait for the garbage collector.
        super().__init__(endpoint.service, scope, _whole(body))
        self._alone = alone

    def version(self) -> Version:
        """The version that the address names; raises NotAtOnce where its model is not free."""
        version = super().version()
        if not version.batcher.is_free(self._alone):
            raise NotAtOnce
        return version

    async def answer(self, version: Version, signature: Signature, given: Arrays) -> Arrays:
        """All outputs for one example; raises NotAtOnce for more, or for pictures."""
        if signature.slow or any(len(array) != 1 for array in given.values()):
            raise NotAtOnce
        return version.batcher.run_now(signature.prepare(given))


def _whole(body: bytes) -> Callable:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def answer_at_once(
    endpoint: Endpoint, scope: dict[str, Any], body: bytes, alone: bool
) -> Answer | None:
    """The answer to a whole request, counted; None where it takes the long way."""
    if endpoint.service.log_requests:
        return None
    began = time.perf_counter()
    call = WholeCall(endpoint, scope, body, alone)
    handling = endpoint.handler(call)
    try:
        handling.send(None)
    except StopIteration as done:
        answer: Answer = done.value
    except Exception:  # told, counted and logged by the long way, which meets it again
        return None
    else:  # it waits for something besides its body and its answer
        handling.close()
        return None
    seconds = time.perf_counter() - began
    endpoint.service.metrics.answered(endpoint.protocol, call.model, answer.status, seconds)
    return answer

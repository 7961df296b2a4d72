"""The table of addresses: what the server answers, and by which handler."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from zoo.serve import open_inference, tf_serving
from zoo.serve.messages import ClassifyRequest, InferRequest, PredictRequest, encode
from zoo.serve.metrics import CONTENT_TYPE
from zoo.serve.service import JSON, Answer, Call, Handler


@dataclass(frozen=True)
class Route:
    """One address.

    Attributes:
        method: GET or POST.
        path: With {name} and {version} for the parts that requests choose.
        protocol: `tf_serving`, `open_inference` or `server`.
        handler: What answers.
        summary: What it is for.
        takes: The record that a body must be.
        content_type: Of the answer.
    """

    method: str
    path: str
    protocol: str
    handler: Handler
    summary: str
    takes: type[Struct] | None = None
    content_type: str = JSON


async def health(call: Call) -> Answer:
    """GET /healthz: whether the server runs, and which models it serves."""
    repository = call.service.repository
    models = {
        name: [number for number, (state, _) in repository.versions(name).items() if not _]
        for name in repository.names
    }
    return Answer(
        encode({"status": "ok" if call.service.ready() else "stopping", "models": models})
    )


async def metrics(call: Call) -> Answer:
    """GET /metrics: Prometheus' text format."""
    return Answer(call.service.metrics.text(), content_type=CONTENT_TYPE)


def routes() -> list[Route]:
    """All addresses, in the order in which they are tried."""
    table = [
        Route("GET", "/healthz", "server", health, "Does it run, and what does it serve?"),
        Route("GET", "/metrics", "server", metrics, "Metrics", content_type="text/plain"),
        Route("GET", "/v2", "open_inference", open_inference.server, "The server"),
        Route("GET", "/v2/health/live", "open_inference", open_inference.live, "Alive?"),
        Route("GET", "/v2/health/ready", "open_inference", open_inference.ready, "Ready?"),
        Route("POST", "/v2/repository/index", "open_inference", open_inference.index, "All models"),
    ]
    for model in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
        table += [
            Route(
                "POST",
                f"{model}:predict",
                "tf_serving",
                tf_serving.predict,
                "Outputs for images",
                PredictRequest,
            ),
            Route(
                "POST",
                f"{model}:classify",
                "tf_serving",
                tf_serving.classify,
                "Classes and their probabilities",
                ClassifyRequest,
            ),
            Route(
                "POST",
                f"{model}:regress",
                "tf_serving",
                tf_serving.regress,
                "Refused: no model here is a regression",
            ),
            Route("GET", f"{model}/metadata", "tf_serving", tf_serving.metadata, "Signatures"),
            Route("GET", model, "tf_serving", tf_serving.status, "State of the versions"),
        ]
    for model in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        table += [
            Route(
                "POST",
                f"{model}/infer",
                "open_inference",
                open_inference.infer,
                "Outputs for images",
                InferRequest,
            ),
            Route("GET", f"{model}/ready", "open_inference", open_inference.model_ready, "Ready?"),
            Route("GET", model, "open_inference", open_inference.model, "Inputs and outputs"),
        ]
    return table

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
        handler: What answers.
        summary: What it is for.
        takes: The record that a body must be.
        content_type: Of the answer.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    takes: type[Struct] | None = None
    content_type: str = JSON

    @property
    def protocol(self) -> str:
        """`tf_serving`, `open_inference` or `server`: the module of the handler."""
        module = self.handler.__module__.rpartition(".")[2]
        return module if module != __name__.rpartition(".")[2] else "server"


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
    """All addresses, in the order in which they are tried: predictions first."""
    v1, v2 = tf_serving, open_inference
    table = []
    for model in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
        table += [
            Route("POST", f"{model}:predict", v1.predict, "Outputs for images", PredictRequest),
            Route("POST", f"{model}:classify", v1.classify, "Probabilities", ClassifyRequest),
            Route("POST", f"{model}:regress", v1.regress, "Refused: no model is a regression"),
            Route("GET", f"{model}/metadata", v1.metadata, "Signatures"),
            Route("GET", model, v1.status, "State of the versions"),
        ]
    for model in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        table += [
            Route("POST", f"{model}/infer", v2.infer, "Outputs for images", InferRequest),
            Route("GET", f"{model}/ready", v2.model_ready, "Is it ready?"),
            Route("GET", model, v2.model, "Inputs and outputs"),
        ]
    return [
        *table,
        Route("GET", "/healthz", health, "Does it run, and what does it serve?"),
        Route("GET", "/metrics", metrics, "Metrics", content_type="text/plain"),
        Route("GET", "/v2", v2.server, "What this server is"),
        Route("GET", "/v2/health/live", v2.live, "Is the server alive?"),
        Route("GET", "/v2/health/ready", v2.ready, "Is the server ready?"),
        Route("POST", "/v2/repository/index", v2.index, "All models and versions"),
    ]

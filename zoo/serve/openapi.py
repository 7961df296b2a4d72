"""The OpenAPI document of both protocols, and the page that shows it without any other host."""

from __future__ import annotations

import html
from typing import Any

import msgspec

from zoo.serve import messages
from zoo.serve.routes import Route

_RECORDS = (
    messages.PredictRequest,
    messages.ClassifyRequest,
    messages.InferRequest,
    messages.InferResponse,
    messages.ErrorMessage,
)
_PARAMETERS = {
    "name": {"type": "string", "description": "a model that is served"},
    "version": {"type": "integer", "minimum": 0, "description": "one of its versions"},
}
_FAULTS = {
    "400": "the request is not what is expected",
    "404": "no such model, version or address",
    "408": "the request did not arrive in time",
    "413": "the body, its pictures or the number of examples are above the limit",
    "415": "the body is compressed",
    "429": "the queue is full: ask again later",
    "500": "the model failed on this input",
    "503": "too many connections, or the model or the server is going: ask again later",
    "504": "no answer in time",
}


def document(routes: list[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes."""
    _, components = msgspec.json.schema_components(
        _RECORDS, ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "neural-zoo model server",
            "version": "1",
            "description": "TensorFlow Serving's REST API and the Open Inference Protocol V2.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def page(described: dict[str, Any]) -> str:
    """The document as a page to read: every address, what it takes, and how to ask with curl."""
    rows = []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            rows.append(
                f"<tr><td>{method.upper()}</td><td><code>{html.escape(path)}</code></td>"
                f"<td>{html.escape(operation['summary'])}</td></tr>"
            )
    faults = "".join(f"<tr><td>{code}</td><td>{why}</td></tr>" for code, why in _FAULTS.items())
    return _PAGE.format(rows="".join(rows), faults=faults)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.protocol}_{route.handler.__name__}"
        + ("_version" if "{version}" in route.path else ""),
        "tags": [route.protocol],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": schema}
            for name, schema in _PARAMETERS.items()
            if f"{{{name}}}" in route.path
        ],
        "responses": {"200": {"description": "the answer", "content": {route.content_type: {}}}},
    }
    if route.takes is not None:
        schema = {"$ref": f"#/components/schemas/{route.takes.__name__}"}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorMessage"}}}
    if route.path.startswith(("/v1", "/v2/models")):
        operation["responses"] |= {
            code: {"description": why, "content": error} for code, why in _FAULTS.items()
        }
    elif route.path == "/v2/health/ready":
        operation["responses"]["503"] = {"description": _FAULTS["503"]}
    return operation


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Model server</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }}
table {{ border-collapse: collapse; width: 100%; }}
td {{ border-bottom: 1px solid #8884; padding: .3rem .6rem .3rem 0; vertical-align: top; }}
code {{ overflow-wrap: anywhere; }}
pre {{ overflow-x: auto; background: #8881; padding: .6rem; }}
</style>
<h1>Model server</h1>
<p>It speaks TensorFlow Serving's REST API (<code>/v1</code>) and the Open Inference Protocol V2
(<code>/v2</code>). For programs: <a href="/openapi.json">openapi.json</a>.</p>
<h2>Addresses</h2><table>{rows}</table>
<h2>One image</h2>
<pre>image=$(base64 -w0 digit.png)
curl -d '{{"signature_name": "encoded", "instances": [{{"b64": "'$image'"}}]}}' \\
  <span id="here">http://127.0.0.1:8501</span>/v1/models/NAME:predict</pre>
<script>document.getElementById("here").textContent = location.origin;</script>
<h2>Refusals</h2>
<p>Each is <code>{{"error": "one sentence"}}</code>.</p><table>{faults}</table>
</html>
"""

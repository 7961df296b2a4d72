"""TensorFlow Serving's REST API: status, metadata, predict and classify.

Its messages are described in TensorFlow Serving's `api_rest.md`; this speaks them from that
description, so that clients of the one find the other.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from msgspec import UNSET

from zoo.serve.limits import Refused
from zoo.serve.messages import (
    ClassifyRequest,
    PredictRequest,
    RawPredictRequest,
    decode,
    encode,
)
from zoo.serve.service import Answer, Call
from zoo.serve.signatures import Signature, signature
from zoo.serve.tensors import (
    TENSORFLOW_OF_NUMPY,
    Arrays,
    TensorInfo,
    from_json,
    images_from_json,
)

# What is asked of a model by POST, behind its name and a colon.
VERBS = ("predict", "classify", "regress")


async def status(call: Call) -> Answer:
    """GET /v1/models/NAME[/versions/N]: the state of each version."""
    verb = (call.path.get("version") or call.path["name"]).partition(":")[2]
    if verb in VERBS:
        call.service.repository.get(call.path["name"].partition(":")[0])  # refuses one not served
        raise Refused(405, f"GET is not for :{verb}: use POST", {"allow": "POST"})
    states = call.service.repository.versions(call.name)
    if call.path.get("version", "0") != "0":
        number = call.version().number
        states = {number: states[number]}
    versions = [
        {
            "version": str(number),
            "state": state,
            "status": {
                "error_code": "OK" if state == "AVAILABLE" else "UNKNOWN",
                "error_message": why,
            },
        }
        for number, (state, why) in states.items()
    ]
    return Answer(encode({"model_version_status": versions}))


async def metadata(call: Call) -> Answer:
    """GET /v1/models/NAME[/versions/N]/metadata: the signatures and their tensors."""
    version = call.version()
    definitions = {
        name: {
            "inputs": {info.name: _tensor(info) for info in each.inputs},
            "outputs": {info.name: _tensor(info) for info in version.model.outputs},
            "method_name": "tensorflow/serving/predict",
        }
        for name, each in version.signatures.items()
    }
    spec = {"name": version.name, "signature_name": "", "version": str(version.number)}
    signatures = {"signature_def": {"signature_def": definitions}}
    return Answer(encode({"model_spec": spec, "metadata": signatures}))


async def predict(call: Call) -> Answer:
    """POST ...:predict, in rows (`instances`) or in columns (`inputs`)."""
    version = call.version()
    body = await call.body()
    raw = decode(body, RawPredictRequest)
    chosen = signature(version.signatures, raw.signature_name)
    images = _images(raw, chosen)
    in_rows = bool(raw.instances)
    if images is not None:
        given, count = {chosen.inputs[0].name: images}, len(images)
    else:
        given, count = _given(decode(body, PredictRequest), chosen)
    outputs = await call.answer(version, chosen, given)
    if in_rows:
        return Answer(encode({"predictions": _rows(outputs, count)}))
    lists = {name: array.tolist() for name, array in outputs.items()}
    return Answer(encode({"outputs": lists if len(lists) > 1 else next(iter(lists.values()))}))


def _images(raw: RawPredictRequest, chosen: Signature) -> np.ndarray | None:
    """The images of most requests: bytes, for a model with no other input; None for the rest."""
    if bool(raw.instances) == bool(raw.inputs) or len(chosen.inputs) != 1:
        return None
    return images_from_json(raw.instances or raw.inputs, chosen.inputs[0])


def _given(request: PredictRequest, chosen: Signature) -> tuple[Arrays, int]:
    """The inputs, and how many rows they were given in."""
    if (request.instances is UNSET) == (request.inputs is UNSET):
        raise Refused(400, 'give either "instances", a row each, or "inputs", a column each')
    if request.instances is not UNSET:
        columns, count = _columns_of_rows(request.instances, chosen), len(request.instances)
    else:
        columns, count = _columns(request.inputs, chosen), 0
    return _arrays(columns, chosen), count


async def classify(call: Call) -> Answer:
    """POST ...:classify: every class with its probability, for each example."""
    version = call.version()
    request = decode(await call.body(), ClassifyRequest)
    chosen = signature(version.signatures, request.signature_name)
    rows = [{**request.context, **example} for example in request.examples]
    columns = _columns_of_rows(rows, chosen)
    for info in chosen.inputs:
        if info.dtype != "string":
            columns[info.name] = [_shaped(row, info) for row in columns[info.name]]
    outputs = await call.answer(version, chosen, _arrays(columns, chosen))
    scores = _scores(outputs)
    results = [[[str(label), score] for label, score in enumerate(row)] for row in scores.tolist()]
    return Answer(encode({"results": results}))


async def regress(call: Call) -> Answer:
    """POST ...:regress: refused, since no model here predicts one number."""
    call.version()
    raise Refused(400, "this model classifies: use :predict or :classify")


def _tensor(info: TensorInfo) -> dict[str, Any]:
    sides = [{"size": str(side), "name": ""} for side in info.shape]
    return {
        "dtype": TENSORFLOW_OF_NUMPY[info.dtype],
        "tensor_shape": {"dim": sides, "unknown_rank": False},
        "name": f"{info.name}:0",
    }


def _columns_of_rows(rows: list[Any], chosen: Signature) -> dict[str, list[Any]]:
    if not rows:
        raise Refused(400, "the request holds no example: give one or more")
    named = isinstance(rows[0], dict) and rows[0].keys() != {"b64"}
    if not named:
        if len(chosen.inputs) > 1:
            raise Refused(400, f"each row must be an object of {_names(chosen)}")
        return {chosen.inputs[0].name: rows}
    wanted = {info.name for info in chosen.inputs}
    for row in rows:
        if not isinstance(row, dict) or row.keys() != wanted:
            raise Refused(400, f"each row must be an object of {_names(chosen)}")
    return {name: [row[name] for row in rows] for name in wanted}


def _columns(inputs: Any, chosen: Signature) -> dict[str, Any]:
    if isinstance(inputs, dict) and inputs.keys() != {"b64"}:
        if inputs.keys() != {info.name for info in chosen.inputs}:
            raise Refused(400, f'"inputs" must be an object of {_names(chosen)}')
        return inputs
    if len(chosen.inputs) > 1:
        raise Refused(400, f'"inputs" must be an object of {_names(chosen)}')
    return {chosen.inputs[0].name: inputs}


def _arrays(columns: dict[str, Any], chosen: Signature) -> Arrays:
    return {
        info.name: _files(columns[info.name], info)
        if info.dtype == "string"
        else from_json(columns[info.name], info)
        for info in chosen.inputs
    }


def _files(column: Any, info: TensorInfo) -> np.ndarray:
    expected = f'{info.name} must be a list of objects {{"b64": "..."}}, a file in base64 each'
    if not isinstance(column, list) or not column:
        raise Refused(400, expected)
    files = np.empty(len(column), object)
    for place, each in enumerate(column):
        if not isinstance(each, dict) or each.keys() != {"b64"} or not isinstance(each["b64"], str):
            raise Refused(400, expected)
        try:
            files[place] = base64.b64decode(each["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused(400, f"{expected}; this is no base64") from error
    return files


def _shaped(row: Any, info: TensorInfo) -> Any:
    # Features of tf.Example are flat.
    flat = isinstance(row, list) and row and not isinstance(row[0], list)
    if not flat or -1 in info.shape[1:]:
        return row
    values = from_json(row, TensorInfo(info.name, info.dtype, (int(np.prod(info.shape[1:])),)))
    return values.reshape(info.shape[1:]).tolist()


def _rows(outputs: Arrays, count: int) -> list[Any]:
    if any(array.ndim == 0 or len(array) != count for array in outputs.values()):
        raise Refused(400, 'this model does not answer a row each: ask in columns, "inputs"')
    lists = [array.tolist() for array in outputs.values()]
    if len(lists) == 1:
        return lists[0]
    names = list(outputs)
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def _scores(outputs: Arrays) -> np.ndarray:
    candidates = [outputs[name] for name in ("probabilities",) if name in outputs]
    candidates += [array for array in outputs.values() if array.dtype.kind == "f"]
    for array in candidates:
        if array.ndim == 2:
            return array
    raise Refused(400, "this model has no output of a score a class: use :predict")


def _names(chosen: Signature) -> str:
    return ", ".join(repr(info.name) for info in chosen.inputs)

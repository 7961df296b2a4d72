"""The Open Inference Protocol, V2, over HTTP: health, metadata, and infer in JSON or in bytes.

The type of the input chooses the form of the images: UINT8 as MNIST stores them, FP32 in the book's
scale, BYTES as PNG or JPEG files (in JSON: in base64).
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from typing import Any

import numpy as np
from msgspec import UNSET

from zoo.serve.limits import Refused
from zoo.serve.messages import (
    InferInput,
    InferRequest,
    InferResponse,
    InferResponseOutput,
    decode,
    encode,
)
from zoo.serve.service import Answer, Call
from zoo.serve.signatures import Signature
from zoo.serve.tensors import (
    NUMPY_OF_OPEN_INFERENCE,
    OPEN_INFERENCE_OF_NUMPY,
    Arrays,
    TensorInfo,
    check_finite,
    from_json,
)
from zoo.utils.whole import whole_number

_HEADER = "Inference-Header-Content-Length"


async def server(call: Call) -> Answer:
    """GET /v2: what this server is."""
    record = {"name": "neural-zoo", "version": "1", "extensions": ["binary_tensor_data"]}
    return Answer(encode(record))


async def live(call: Call) -> Answer:
    """GET /v2/health/live: whether the process answers."""
    return Answer(encode({"live": True}))


async def ready(call: Call) -> Answer:
    """GET /v2/health/ready: 200 while requests are welcome, 503 while the server stops."""
    is_ready = call.service.ready()
    return Answer(encode({"ready": is_ready}), 200 if is_ready else 503)


async def model_ready(call: Call) -> Answer:
    """GET /v2/models/NAME[/versions/N]/ready."""
    version = call.version()
    is_ready = call.service.ready()
    return Answer(encode({"name": version.name, "ready": is_ready}), 200 if is_ready else 503)


async def model(call: Call) -> Answer:
    """GET /v2/models/NAME[/versions/N]: inputs and outputs."""
    version = call.version()
    states = call.service.repository.versions(version.name)
    record = {
        "name": version.name,
        "versions": [str(number) for number in sorted(states) if states[number][0] == "AVAILABLE"],
        "platform": version.model.platform,
        "inputs": [_metadata(info) for info in version.model.inputs],
        "outputs": [_metadata(info) for info in version.model.outputs],
    }
    return Answer(encode(record))


async def index(call: Call) -> Answer:
    """POST /v2/repository/index: all models and versions, as Triton tells them."""
    repository = call.service.repository
    tensors = [
        {
            "name": name,
            "version": str(number),
            "state": "READY" if state == "AVAILABLE" else "UNAVAILABLE",
            "reason": why,
        }
        for name in repository.names
        for number, (state, why) in repository.versions(name).items()
    ]
    return Answer(encode(tensors))


async def infer(call: Call) -> Answer:
    """POST /v2/models/NAME[/versions/N]/infer."""
    version = call.version()
    body = await call.body()
    text, tensors = _parts(body, call.header(_HEADER.lower().encode()))
    request = decode(text, InferRequest)
    chosen = _signature(request.inputs, version.signatures)
    arrays = _arrays(request.inputs, tensors, chosen)
    infos = {info.name: info for info in version.model.outputs}
    wanted = _wanted(request, list(infos))
    outputs = await call.answer(version, chosen, arrays)
    response = InferResponse(version.name, str(version.number), [], request.id)
    raw = [_put(response, infos[name], outputs[name], each) for name, each in wanted.items()]
    head = encode(response)
    if not any(wanted.values()):
        return Answer(head)
    return Answer(
        b"".join([head, *raw]),
        content_type="application/octet-stream",
        headers={_HEADER: str(len(head))},
    )


def _metadata(info: TensorInfo) -> dict[str, Any]:
    datatype = OPEN_INFERENCE_OF_NUMPY[info.dtype]
    return {"name": info.name, "datatype": datatype, "shape": list(info.shape)}


def _parts(body: bytes, length: str | None) -> tuple[bytes, memoryview]:
    if length is None:
        return body, memoryview(b"")
    number = whole_number(length, most=len(body))
    if number is None:
        message = f"{_HEADER} must be the number of the JSON's bytes, at most {len(body)}"
        raise Refused(400, f"{message}, not {length[:40]!r}")
    return body[:number], memoryview(body)[number:]


def _signature(given: list[InferInput], signatures: dict[str, Signature]) -> Signature:
    datatypes = {each.name: NUMPY_OF_OPEN_INFERENCE.get(each.datatype) for each in given}
    if len(datatypes) == len(given):
        for signature in signatures.values():
            if {info.name: info.dtype for info in signature.inputs} == datatypes:
                return signature
    known = dict.fromkeys(
        " and ".join(
            f"{info.name} {OPEN_INFERENCE_OF_NUMPY[info.dtype]}" for info in signature.inputs
        )
        for signature in signatures.values()
    )
    raise Refused(400, f"the inputs of this model are {', or '.join(known)}, each once")


def _arrays(given: list[InferInput], tensors: memoryview, chosen: Signature) -> Arrays:
    infos = {info.name: info for info in chosen.inputs}
    arrays, start = {}, 0
    for each in given:
        info = infos[each.name]
        info.check(tuple(each.shape))
        size = each.parameters.get("binary_data_size")
        if size is None:
            arrays[each.name] = _from_data(each, info)
            continue
        if each.data is not UNSET or type(size) is not int or not 0 <= size <= len(tensors) - start:
            message = (
                f"{each.name}: binary_data_size must be the number of its bytes after the JSON"
            )
            raise Refused(400, f"{message}, and data must not be given")
        arrays[each.name] = _from_bytes(tensors[start : start + size], each, info)
        start += size
    if start != len(tensors):
        raise Refused(400, f"{len(tensors) - start} bytes after the JSON belong to no input")
    return arrays


def _from_bytes(raw: memoryview, each: InferInput, info: TensorInfo) -> np.ndarray:
    count = math.prod(each.shape)
    if info.dtype == "string":
        return _files(_lengths_before(raw), count, info)
    expected = count * np.dtype(info.dtype).itemsize
    if len(raw) != expected:
        message = f"{each.name} of shape {each.shape} has {expected} bytes as {each.datatype}"
        raise Refused(400, f"{message}, not {len(raw)}")
    array = np.frombuffer(raw, np.dtype(info.dtype).newbyteorder("<")).reshape(each.shape)
    return check_finite(array, info)


def _lengths_before(raw: memoryview) -> list[bytes]:
    files, start = [], 0
    while start < len(raw):
        stop = start + 4
        if stop <= len(raw):
            (length,) = struct.unpack_from("<I", raw, start)
            start, stop = stop, stop + length
        if stop > len(raw):
            raise Refused(
                400, "BYTES are elements of four bytes of length and the bytes themselves"
            )
        files.append(bytes(raw[start:stop]))
        start = stop
    return files


def _from_data(each: InferInput, info: TensorInfo) -> np.ndarray:
    if not isinstance(each.data, list):
        raise Refused(400, f"{each.name} must have data, a list of numbers, or binary_data_size")
    if info.dtype == "string":
        return _files([_decoded(text, info) for text in each.data], math.prod(each.shape), info)
    nested = bool(each.data) and isinstance(each.data[0], list)
    shape = tuple(each.shape) if nested else (math.prod(each.shape),)
    try:
        array = from_json(each.data, TensorInfo(each.name, info.dtype, shape))
    except Refused as refused:
        if nested:
            raise
        message = (
            f"{each.name} of shape {each.shape} takes {shape[0]} numbers of type {each.datatype}"
        )
        raise Refused(400, f"{message}: {refused.message}") from refused
    return array.reshape(each.shape)


def _decoded(text: Any, info: TensorInfo) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise Refused(400, f"{info.name}: in JSON, BYTES are texts in base64") from error


def _files(files: list[bytes], count: int, info: TensorInfo) -> np.ndarray:
    if len(files) != count:
        raise Refused(400, f"{info.name} has {len(files)} elements, and its shape says {count}")
    array = np.empty(count, object)
    array[:] = files
    return array


def _wanted(request: InferRequest, names: list[str]) -> dict[str, bool]:
    # Each output with whether it is to come in bytes.
    default = request.parameters.get("binary_data_output") is True
    wanted = {}
    for each in request.outputs:
        if each.name not in names:
            message = f"there is no output {each.name[:80]!r}; there are: {', '.join(names)}"
            raise Refused(400, message)
        if "classification" in each.parameters:
            raise Refused(400, "the classification extension is not spoken: ask for probabilities")
        wanted[each.name] = each.parameters.get("binary_data", default) is True
    return wanted or dict.fromkeys(names, default)


def _put(response: InferResponse, info: TensorInfo, array: np.ndarray, binary: bool) -> bytes:
    datatype = OPEN_INFERENCE_OF_NUMPY[info.dtype]
    message = InferResponseOutput(info.name, datatype, list(array.shape))
    response.outputs.append(message)
    if not binary:
        message.data = array.ravel().tolist()
        return b""
    raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    message.parameters = {"binary_data_size": len(raw)}
    return raw

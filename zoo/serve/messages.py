"""Messages: the JSON of both protocols as records, checked while they are decoded."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from zoo.serve.limits import Refused

Message = TypeVar("Message", bound=Struct)


class PredictRequest(Struct):
    """TensorFlow Serving's `:predict`: `instances` a row each, or `inputs` a column each."""

    signature_name: str = ""
    instances: list[Any] | UnsetType = UNSET
    inputs: Any = UNSET


class RawPredictRequest(Struct):
    """The same with its images as JSON text: checked to be JSON, and not yet made lists."""

    signature_name: str = ""
    instances: Raw = Raw()
    inputs: Raw = Raw()


class ClassifyRequest(Struct):
    """TensorFlow Serving's `:classify`: examples of named features, and those that all share."""

    examples: list[dict[str, Any]]
    signature_name: str = ""
    context: dict[str, Any] = field(default_factory=dict)


class InferInput(Struct):
    """A tensor of a V2 request; in `data`, or after the JSON where the parameters tell its size."""

    name: str
    shape: list[int]
    datatype: str
    data: Any = UNSET
    parameters: dict[str, Any] = field(default_factory=dict)


class InferOutput(Struct):
    """An output that a V2 request asks for."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)


class InferRequest(Struct):
    """The V2 request."""

    inputs: list[InferInput]
    id: str = ""
    outputs: list[InferOutput] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)


class InferResponseOutput(Struct, omit_defaults=True):
    """A tensor of a V2 response."""

    name: str
    datatype: str
    shape: list[int]
    data: Any = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET


class InferResponse(Struct, omit_defaults=True):
    """The V2 response."""

    model_name: str
    model_version: str
    outputs: list[InferResponseOutput]
    id: str = ""
    parameters: dict[str, Any] | UnsetType = UNSET


class ErrorMessage(Struct):
    """The error of both protocols: one sentence."""

    error: str


encode = msgspec.json.Encoder().encode
_DECODERS: dict[type, msgspec.json.Decoder] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (PredictRequest, RawPredictRequest, ClassifyRequest, InferRequest)
}


def decode(body: bytes, kind: type[Message]) -> Message:
    """The record that a JSON text is.

    Args:
        body: The text, in UTF-8.
        kind: One of the requests of this module.

    Raises:
        Refused: With status 400, for what is no JSON or another record.
    """
    try:
        return _DECODERS[kind].decode(body)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        text = str(error)
    except RecursionError:
        text = "it is nested too deep"
    except UnicodeDecodeError:
        text = "it is not UTF-8"
    what = "the body is empty" if not body else f"the body is not the JSON expected ({text})"
    raise Refused(400, what)

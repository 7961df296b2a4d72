"""What a LiteRT file says about itself: names, which images it takes, and its classes.

The format is TensorFlow Lite's `metadata_schema.fbs`, which Android's MetadataExtractor and Android
Studio read: a flatbuffer in the buffer TFLITE_METADATA, and `labels.txt` in a ZIP archive behind
the model. Programs that only run the model skip both.
"""

from __future__ import annotations

import importlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flatbuffers

LABELS = "labels.txt"

# The name of the buffer, and the four letters that a buffer of version 1 begins with.
_BUFFER, _IDENTIFIER = b"TFLITE_METADATA", b"M001"
_PARSER_VERSION = "1.0.0"

# Numbers that the schema gives to kinds of content, colours and files.
_IMAGE_PROPERTIES, _RGB, _GRAYSCALE = 2, 1, 2
_AXIS_LABELS, _VALUE_LABELS = 2, 3

# From a builder to the place of what it has written.
_Write = Callable[[flatbuffers.Builder], int]


def described(
    model: bytes,
    *,
    name: str,
    description: str,
    images: str,
    outputs: Mapping[str, str],
    class_names: Sequence[str],
) -> bytes:
    """A LiteRT file with its metadata.

    Args:
        model: The file as the converter wrote it; its signature names its outputs.
        name: Of the model.
        description: Of the model, in a sentence.
        images: Which images it takes, in a sentence.
        outputs: A sentence for each output, by its name.
        class_names: The names of the classes, in the order of their numbers.
    """
    tools = importlib.import_module("tensorflow.lite.tools.flatbuffer_utils")
    schema = importlib.import_module("tensorflow.lite.python.schema_py_generated")
    parsed = tools.convert_bytearray_to_object(bytearray(model))
    graph = parsed.subgraphs[0]
    names = {each.tensorIndex: _text(each.name) for each in parsed.signatureDefs[0].outputs}
    taken = [_images(images, graph.tensors[number].shape) for number in graph.inputs]
    given = [_output(names[number], outputs[names[number]]) for number in graph.outputs]
    buffer = schema.BufferT()
    buffer.data = list(_metadata(name, description, taken, given))
    parsed.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = _BUFFER, len(parsed.buffers) - 1
    parsed.metadata = [*(parsed.metadata or []), entry]
    return bytes(tools.convert_object_to_bytearray(parsed)) + _archive(class_names)


def _archive(class_names: Sequence[str]) -> bytes:
    """A ZIP archive of the labels, with a fixed date so that equal models are equal files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo(LABELS, date_time=(1980, 1, 1, 0, 0, 0))
        archive.writestr(info, "\n".join(class_names) + "\n")
    return file.getvalue()


def _metadata(name: str, description: str, taken: list[_Write], given: list[_Write]) -> bytes:
    graph = _table(7, {2: _vector(taken), 3: _vector(given)})
    model = _table(
        8,
        {
            0: _string(name),
            1: _string(description),
            3: _vector([graph]),
            5: _string("Apache-2.0"),
            7: _string(_PARSER_VERSION),
        },
    )
    builder = flatbuffers.Builder(1024)
    builder.Finish(model(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _images(description: str, shape: Sequence[int]) -> _Write:
    """The table of the input: `shape` is [n, height, width, channels]."""
    size = _table(2, {}, {0: ("Uint32", shape[2]), 1: ("Uint32", shape[1])})
    colour = _GRAYSCALE if shape[3] == 1 else _RGB
    properties = _table(2, {1: size}, {0: ("Int8", colour)})
    content = _table(3, {1: properties}, {0: ("Uint8", _IMAGE_PROPERTIES)})
    stats = _table(2, {0: _floats([255]), 1: _floats([0])})
    return _table(7, {0: _string("images"), 1: _string(description), 3: content, 5: stats})


def _output(name: str, description: str) -> _Write:
    # The numbers of `digit` are classes; the last axis of the others has one place a class.
    kind = _VALUE_LABELS if name == "digit" else _AXIS_LABELS
    file = _table(4, {0: _string(LABELS), 1: _string("the classes")}, {2: ("Int8", kind)})
    return _table(7, {0: _string(name), 1: _string(description), 6: _vector([file])})


def _table(
    fields: int, written: Mapping[int, _Write], numbers: Mapping[int, tuple[str, int]] = {}
) -> _Write:
    """A table of so many fields: some are written before it, others are numbers in it."""

    def write(builder: flatbuffers.Builder) -> int:
        places = {field: each(builder) for field, each in written.items()}
        builder.StartObject(fields)
        for field, place in places.items():
            builder.PrependUOffsetTRelativeSlot(field, place, 0)
        for field, (kind, number) in numbers.items():
            getattr(builder, f"Prepend{kind}Slot")(field, number, 0)
        return builder.EndObject()

    return write


def _vector(items: Sequence[_Write]) -> _Write:
    def write(builder: flatbuffers.Builder) -> int:
        places = [item(builder) for item in items]
        builder.StartVector(4, len(places), 4)
        for place in reversed(places):
            builder.PrependUOffsetTRelative(place)
        return builder.EndVector()

    return write


def _floats(numbers: Sequence[float]) -> _Write:
    def write(builder: flatbuffers.Builder) -> int:
        builder.StartVector(4, len(numbers), 4)
        for number in reversed(numbers):
            builder.PrependFloat32(number)
        return builder.EndVector()

    return write


def _string(text: str) -> _Write:
    return lambda builder: builder.CreateString(text)


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else name

"""What exporters share: quiet tools, functions that converters can read, files with metadata."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf

from zoo.errors import RunError
from zoo.utils.atomic import atomic_write, remove_stale_temporaries
from zoo.utils.extras import import_extra
from zoo.utils.tensorflow import is_verbose, suppress_output

# What every exported model calls its input.
INPUT = "images"

# From the path of a file that is about to appear to what there is to tell of it.
Measure = Callable[[Path], Mapping[str, Any]]

# Python's, and TensorFlow's own.
FAILED_WRITES = (OSError, tf.errors.OpError)

# Of TensorFlow's errors those that tell of the model, and not of the disk.
_OF_THE_MODEL = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)


@contextlib.contextmanager
def suppress_tool_output() -> Iterator[None]:
    """Hold back what converters tell of their work on stdout and stderr, and their warnings.

    Their compiled parts write to the file descriptor itself, so that it is closed meanwhile. With
    `--verbose` nothing is held back.
    """
    if is_verbose():
        yield
        return
    # A handler for the root logger, or the first warning gives it one that writes to stderr.
    silent = logging.NullHandler()
    logging.getLogger().addHandler(silent)
    try:
        with (
            suppress_output(),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger().removeHandler(silent)


def tool(module: str) -> ModuleType:
    """Import a module that only exports need; RunError names its extra where it is missing."""
    with suppress_tool_output():
        return import_extra(module)


@contextlib.contextmanager
def converting(model: keras.Model, format: str) -> Iterator[None]:
    """Run a converter quietly, and make one line of what it raises.

    Args:
        model: The model that is converted, named in the error.
        format: The format, as the error names it.

    Raises:
        RunError: The model has no counterpart in the format, or the converter fails otherwise.
            Errors of the disk, Python's and TensorFlow's, are raised as they are.
    """
    try:
        with suppress_tool_output():
            yield
    except Exception as error:  # converters raise errors of any kind, pages long
        if isinstance(error, (RunError, *FAILED_WRITES)) and not isinstance(error, _OF_THE_MODEL):
            raise
        text = str(error).strip() or type(error).__name__
        missing = re.search(r"^(TF Select|Custom) ops: .*$", text, re.MULTILINE)
        reason = missing[0] if missing else text.partition("\n")[0][:300]
        raise RunError(
            f"{model.name} does not become {format} ({reason}): use layers that {format} has, "
            "or another format"
        ) from error


@contextlib.contextmanager
def plain_argmax() -> Iterator[None]:
    """Let Keras' argmax be TensorFlow's own while a model is traced.

    Keras looks at the sign bits of zeros first, by operations that neither ONNX nor LiteRT has, so
    that -0 is less than 0. Without it they are equal, and no output of the zoo is -0.
    """
    functions: Any = importlib.import_module("keras.src.backend.tensorflow.numpy")
    theirs = functions.argmax

    def argmax(x, axis=None, keepdims=False):
        if axis is None or keepdims:
            return theirs(x, axis, keepdims)
        return tf.argmax(x, axis=axis, output_type="int32")

    functions.argmax = argmax
    try:
        yield
    finally:
        functions.argmax = theirs


def answering(model: keras.Model) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """A model in use as a function, whose one argument is named as the input."""

    def answer(images):
        # In the shape that the model was given its input in: bare, or a list of one.
        return model(keras.tree.map_structure(lambda _: images, model.input), training=False)

    return answer


def image_shape(model: keras.Model) -> tuple[int, int, int]:
    """Height, width and channels of the images that a model takes."""
    height, width, channels = model.inputs[0].shape[1:]
    return height, width, channels


def signature(
    shape: tuple[int, ...], dtype: str = "uint8", batch: int | None = None
) -> tf.TensorSpec:
    """The one input of an exported model, by its name.

    Args:
        shape: Of one image, height, width and channels; () for images as strings.
        dtype: TensorFlow's name of the type.
        batch: How many images it takes; None is any number.
    """
    return tf.TensorSpec((batch, *shape), dtype, name=INPUT)


def check_backend() -> None:
    """Raise RunError where Keras runs on something else than TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise RunError(
            f"exports need TensorFlow, and Keras runs on {keras.backend.backend()}: "
            "set KERAS_BACKEND=tensorflow"
        )


@contextlib.contextmanager
def described_file(
    path: str | Path,
    metadata: Mapping[str, Any],
    overwrite: bool,
    measure: Measure | None = None,
) -> Iterator[Path]:
    """Yield a temporary path for a file; put the file at `path` and its metadata in `path`.json.

    The metadata are complete when the file appears: a file that is there has them beside it,
    whenever the process was killed. They gain the file's size and SHA-256, so that two files that
    do not belong together are not mistaken for a pair.

    Args:
        path: Of the file.
        metadata: Plain data.
        overwrite: Whether a file that is there may be replaced.
        measure: Is given the path of the temporary file, and returns further metadata.

    Yields:
        The path to write to.

    Raises:
        RunError: `path` exists and is not to be overwritten, or cannot be written.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise RunError(f"{path} exists already: overwrite it, or choose another folder")
    try:
        remove_stale_temporaries(path.parent)
        with atomic_write(path) as temporary:
            yield temporary
            written = temporary.read_bytes()
            metadata = {
                **metadata,
                "size": len(written),
                "sha256": hashlib.sha256(written).hexdigest(),
                **(measure(temporary) if measure else {}),
            }
            with atomic_write(path.with_name(f"{path.name}.json")) as beside:
                beside.write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    except FAILED_WRITES as error:
        raise RunError(cannot_write(path, error)) from error


def cannot_write(path: Path, error: Exception) -> str:
    """The line for a disk that is full, or a folder that is none.

    Args:
        path: What should be written.
        error: Why it was not; the first line of its text is shown.
    """
    reason = str(error).strip().partition("\n")[0][:200]
    return f"cannot write {path} ({reason}): make room, or choose another folder"

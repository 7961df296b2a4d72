"""Weights on disk: safetensors files, which hold numbers and words and nothing that can run.

A file carries the tensors by the names of their variables, and metadata: strings by name. Shapes
and types are checked against the model before a number is read. The names are explained in
variable_names.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from zoo.errors import RunError
from zoo.training.variable_names import named, stored_names
from zoo.utils.atomic import atomic_write

if TYPE_CHECKING:
    import keras

# As safetensors calls them: a half has 11 significant bits, which is enough to answer alike.
PRECISIONS = {"F32": np.float32, "F16": np.float16}


def save(model: keras.Model, path: str | Path, metadata: Mapping[str, str] = {}) -> None:
    """Write a model's weights; the file appears whole or not at all.

    Args:
        model: Any Keras model.
        path: Of the safetensors file.
        metadata: Kept in the file.

    Raises:
        RunError: It cannot be written.
    """
    write(path, arrays(model.weights), metadata)


def load(model: keras.Model, path: str | Path) -> dict[str, str]:
    """Read weights, of single or half precision, into a model and return the file's metadata.

    Args:
        model: Its weights are replaced, all or none.
        path: Of the safetensors file.

    Raises:
        RunError: The file is no weights file, is damaged, belongs to other layers, or holds what is
            no number.
    """
    tensors, metadata = read(path, shapes(model.weights))
    check_finite(tensors, path)
    assign(model.weights, tensors)
    return metadata


def check_finite(tensors: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Check that there is no infinity and no NaN among weights.

    Args:
        tensors: Arrays of any shape by their names.
        path: Where they come from, as the error names it.

    Raises:
        RunError: One holds infinities or NaN; it is named.
    """
    for name, tensor in tensors.items():
        # NaN is the least and the largest of whatever it stands among.
        if tensor.size and not np.isfinite([tensor.min(), tensor.max()]).all():
            raise RunError(f"{path} holds infinities, or what is no number, in {name}: train again")


def arrays(variables: Iterable[keras.Variable], prefix: str = "") -> dict[str, np.ndarray]:
    """The values of variables as NumPy arrays, copied, in their order.

    Args:
        variables: Of a model or an optimizer.
        prefix: Comes before each name.

    Returns:
        The arrays by the names that `named` gives.
    """
    from keras import ops  # reading a file needs no Keras

    return {
        f"{prefix}{name}": np.array(ops.convert_to_numpy(variable))
        for name, variable in named(variables)
    }


def shapes(variables: Iterable[keras.Variable]) -> dict[str, tuple[int, ...]]:
    """The shapes of variables by their names: what `read` checks a file against."""
    return {name: tuple(variable.shape) for name, variable in named(variables)}


def fingerprint(tensors: Mapping[str, np.ndarray]) -> str:
    """The first 16 hex digits of a SHA-256 over names and values, in order."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()[:16]


def assign(
    variables: Iterable[keras.Variable], tensors: Mapping[str, np.ndarray], prefix: str = ""
) -> None:
    """Give variables the values that `arrays` took from them.

    Args:
        variables: Each must be among the tensors.
        tensors: Arrays by name; further ones are ignored.
        prefix: What `arrays` was given.

    Raises:
        KeyError: There is no tensor for a variable.
    """
    for name, variable in named(variables):
        variable.assign(tensors[f"{prefix}{name}"])


def write(path: str | Path, tensors: dict[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write named arrays and metadata; the file appears whole or not at all.

    Args:
        path: Of the safetensors file.
        tensors: The arrays.
        metadata: Kept in the file.

    Raises:
        RunError: It cannot be written; or OSError.
    """
    try:
        with atomic_write(path) as temporary:
            save_file(tensors, temporary, dict(metadata))
            temporary.chmod(0o644)  # safetensors lets nobody but the owner read
    except SafetensorError as error:
        raise RunError(
            f"cannot write {path} ({error}): make room, or choose another folder"
        ) from error


def read(
    path: str | Path, expected: Mapping[str, tuple[int, ...]] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read named arrays and metadata from a safetensors file.

    Args:
        path: Of the file.
        expected: The shapes that it must have, by name; None takes what is there.

    Returns:
        The arrays by name, by the expected one if there is one, and the metadata.

    Raises:
        RunError: The file is missing, damaged or no safetensors file; or with `expected`, its names
            or shapes are others, or a type is not F32 or F16.
    """
    path = Path(path)
    if not path.is_file():
        raise RunError(
            f"there are no weights at {path}: train the network, with --overwrite (overwrite=True) "
            "where the rest of a run is"
        )
    try:
        with safe_open(path, framework="numpy") as file:
            there = list(file.keys())
            stored = dict(zip(there, there, strict=True))
            if expected is not None:
                stored = stored_names(there, expected, path)
                _check(file, stored, expected, path)
            tensors = {name: file.get_tensor(stored[name]) for name in stored}
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise RunError(
            f"{path} is damaged or no safetensors file ({error}): put a whole one in its place, or "
            "train again with --overwrite (overwrite=True)"
        ) from error


def metadata(path: str | Path) -> dict[str, str]:
    """The metadata of a safetensors file; none where it is damaged, or no such file."""
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}


def matching(
    tensors: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]], path: str | Path
) -> dict[str, np.ndarray]:
    """Arrays by the names of the variables that they are for.

    Args:
        tensors: Arrays by the names that a file has for them.
        expected: The shapes of the variables by their names, as `shapes` gives them.
        path: Of the file, as the error names it.

    Raises:
        RunError: They are of other variables.
    """
    stored = stored_names(tensors, expected, path)
    for name, wanted in expected.items():
        _check_shape(name, tensors[stored[name]].shape, wanted, path)
    return {name: tensors[stored[name]] for name in expected}


def _check(
    file: Any, stored: Mapping[str, str], expected: Mapping[str, tuple[int, ...]], path: Path
) -> None:
    for name, wanted in expected.items():
        there = file.get_slice(stored[name])
        _check_shape(name, tuple(there.get_shape()), wanted, path)
        if there.get_dtype() not in PRECISIONS:
            raise RunError(f"{path} holds {there.get_dtype()} in {name}: weights are F32 or F16")


def _check_shape(
    name: str, shape: tuple[int, ...], wanted: tuple[int, ...], path: str | Path
) -> None:
    if shape != wanted:
        raise RunError(f"{path} belongs to other layers: {name} has shape {shape}, not {wanted}")

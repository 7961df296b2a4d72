"""NumPy's .npz files of images and labels: what an array claims is checked before it is read."""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from zoo.data.arrays import Pair
from zoo.errors import DataError
from zoo.utils.regular import is_readable_to_its_end

# The arrays of a file, unpacked: they are read into memory.
MOST_BYTES = 2**34

# The names of Keras' own files, of NumPy's savez without names, and of MedMNIST's.
_NAMES = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (
        ("x_val", "y_val"),
        ("x_validation", "y_validation"),
        ("val_images", "val_labels"),
        ("validation_images", "validation_labels"),
    ),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
    "all": (("x", "y"), ("images", "labels"), ("arr_0", "arr_1")),
}
# Of a damaged archive, beside what zipfile and NumPy say of one on purpose: of an encrypted or a
# later one, a RuntimeError.
_DAMAGED = (
    *(OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, RuntimeError),
    *(LookupError, OverflowError, struct.error, zlib.error, MemoryError, TypeError, SyntaxError),
)


def read_npz(path: Path) -> dict[str, Pair]:
    """The parts of an .npz file, found by the names of its arrays; pickled objects are refused.

    Known are x_train, y_train, x_val, y_val, x_test, y_test (Keras' own files), train_images,
    train_labels and so on, and one pair x, y (or images, labels).

    Raises:
        DataError: It is no such file, is damaged, has arrays of other names alone, has a part
            twice or by halves, or takes more than MOST_BYTES.
    """
    if not is_readable_to_its_end(path):
        raise DataError(f"{path} is a pipe or a device. Name a regular .npz file.")
    try:
        with path.open("rb") as opened, zipfile.ZipFile(opened) as archive:
            there = {name.removesuffix(".npy"): name for name in archive.namelist()}
            found = _chosen(set(there), path)
            members = [there[name] for pair in found.values() for name in pair]
            _check_size(archive, members, path)
            return {
                part: (_read(archive, there[x]), _read(archive, there[y]))
                for part, (x, y) in found.items()
            }
    except _DAMAGED as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        reason = reason or type(error).__name__
        raise DataError(f"Cannot read {path} as an .npz file: {reason}.") from error


def _chosen(there: set[str], path: Path) -> dict[str, tuple[str, str]]:
    """The names of the images and the labels of each part."""
    found = {
        part: next(((x, y) for x, y in names if {x, y} <= there), None)
        for part, names in _NAMES.items()
    }
    parts = {part: pair for part, pair in found.items() if pair is not None and part != "all"}
    if "train" not in parts and found["all"] is not None:
        parts["train"] = found["all"]
    if "train" not in parts:
        raise DataError(
            f"{path} holds {', '.join(sorted(there)) or 'nothing'}: name its arrays x_train,"
            " y_train, x_test and y_test (and x_val, y_val if there are), or x and y."
        )
    _check_left(there - {name for pair in parts.values() for name in pair}, path)
    return parts


def _check_left(left: set[str], path: Path) -> None:
    """Refuse images or labels that would be left out; arrays of other names are no part of a set.

    A second pair for a part, or images without labels, are a mistake in the names.
    """
    known = {name for pairs in _NAMES.values() for pair in pairs for name in pair}
    if left & known:
        raise DataError(
            f"{path} holds {', '.join(sorted(left & known))} too, which would be left out: each"
            " part needs images and labels of one naming, as x_test and y_test, and has one pair."
        )


def _check_size(archive: zipfile.ZipFile, members: list[str], path: Path) -> None:
    needed = sum(_bytes_of(archive, member) for member in members)
    if needed > MOST_BYTES:
        raise DataError(
            f"The arrays of {path} take {needed:,} bytes of memory, more than the {MOST_BYTES:,}"
            " that are allowed: put the pictures into a folder, which need not fit into memory."
        )


def _bytes_of(archive: zipfile.ZipFile, member: str) -> int:
    """The bytes of an array, by its header, which must claim what the member holds."""
    with archive.open(member) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
        size, held = math.prod(shape) * dtype.itemsize, archive.getinfo(member).file_size
        # Of pickled objects the header tells no size; they are refused when they are read.
        if not dtype.hasobject and (min(shape, default=0) < 0 or size != held - file.tell()):
            raise ValueError(
                f"{member} claims to be {dtype} of shape {list(shape)} and holds"
                f" {held - file.tell():,} bytes"
            )
    return size


def _read(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    with archive.open(member) as file:
        return npy.read_array(file, allow_pickle=False)

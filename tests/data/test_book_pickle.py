"""The book's pickle: read rightly without unpickling, and refused in one line when it is wrong."""

from __future__ import annotations

import contextlib
import gzip
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.data.data_files import random_set
from tests.data.test_idx import refused
from zoo.data.book_pickle import parse_pickle
from zoo.data.idx import unpacked
from zoo.errors import DataError


@pytest.mark.integration
@pytest.mark.parametrize(("read", "message"), [(unpacked, "larger"), (parse_pickle, "more")])
def test_a_gzip_bomb_is_refused_and_does_not_fill_the_memory(read, message):
    """2 GB of zeros in 2 MB; to the unpickler they are one long string."""
    head = gzip.compress(b"\x80\x04\x8d" + struct.pack("<Q", 2 * 2**30))
    bomb = head + gzip.compress(bytes(64 * 2**20)) * 32
    tracemalloc.start()
    try:
        assert f"{message} than 268,435,456 bytes" in refused(read, bomb, "bomb.gz")
        assert tracemalloc.get_traced_memory()[1] < 600 * 2**20
    finally:
        tracemalloc.stop()


def book_pickle(parts: object, protocol: int = 2) -> bytes:
    return gzip.compress(pickle.dumps(parts, protocol=protocol), compresslevel=1)


def part(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = random_set(count, seed)
    return (images.reshape(count, 784) / 256).astype(np.float32), labels.astype(np.int64)


def as_python_2_wrote_it(array: np.ndarray) -> bytes:
    """The opcodes of protocol 2 for one array: its bytes as a string, its home `numpy.core`."""
    shape = b"(" + b"".join(b"J" + struct.pack("<i", n) for n in array.shape) + b"t"
    kind, raw = array.dtype.str[1:].encode(), array.tobytes()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\x01btR(K\x01"
        + shape
        + b"cnumpy\ndtype\n(U\x02"
        + kind
        + b"K\0K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        + b"\x89T"
        + struct.pack("<i", len(raw))
        + raw
        + b"tb"
    )


@pytest.fixture
def parts():
    return [part(12, 0), part(5, 1), part(4, 2)]


def test_the_pickle_gives_back_the_bytes_in_order(parts):
    splits = parse_pickle(book_pickle(tuple(parts), protocol=3), "x")
    assert [len(split) for split in splits] == [12, 5, 4]
    for seed, split in enumerate(splits):
        images, labels = random_set(len(split), seed)
        assert np.array_equal(split.images[..., 0], images)
        assert np.array_equal(split.labels, labels)


def test_a_pickle_of_python_2_is_read_as_the_book_s_is(parts):
    pairs = b"".join(b"(" + b"".join(map(as_python_2_wrote_it, pair)) + b"t" for pair in parts)
    splits = parse_pickle(gzip.compress(b"\x80\x02(" + pairs + b"t."), "x")
    for seed, split in enumerate(splits):
        images, labels = random_set(len(split), seed)
        assert np.array_equal(split.images[..., 0], images)
        assert np.array_equal(split.labels, labels)


class Attack:
    """A pickle of this writes a file when it is read."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f"echo ran > {self.target}",)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_wants_to_run_code_is_refused_and_runs_nothing(tmp_path, protocol):
    target = tmp_path / "ran"
    raw = book_pickle((part(3, 0), Attack(target), part(3, 1)), protocol)
    # Plain pickle would have run it: the attack is real.
    assert "asks for posix.system" in refused(parse_pickle, book_pickle(Attack(target)), "x")
    said = refused(parse_pickle, raw, "x")
    assert ("it uses" if protocol == 0 else "it asks for") in said
    assert not target.exists()
    pickle.loads(pickle.dumps(Attack(target), protocol=protocol))
    assert target.exists()


@pytest.mark.parametrize(
    "asked",
    [
        b"cbuiltins\neval\n",
        b"cnumpy\nload\n",
        b"cnumpy\nndarray.tofile\n",
        b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93",
        b"cnumpy.core.multiarray\nscalar\n",
        b"cnumpy.lib.npyio\nload\n",
    ],
)
def test_no_other_name_is_admitted(asked):
    assert "not for an array" in refused(parse_pickle, gzip.compress(asked + b"."), "x")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda good: good[:2], "holds 2 parts"),
        (lambda good: [*good, good[0]], "holds 4 parts"),
        (lambda good: 7, "no list or tuple"),
        (lambda good: [good[0], good[1], (1, 2, 3)], "no pair of pixels"),
        (lambda good: [good[0], good[1], ("pixels", "labels")], "something else than arrays"),
        (lambda good: [(good[0][0].astype(np.float64), good[0][1]), *good[1:]], "float64"),
        (lambda good: [(good[0][0][:, :100], good[0][1]), *good[1:]], r"shape [12, 100]"),
        (lambda good: [(good[0][0] * 0.999, good[0][1]), *good[1:]], "no byte/256"),
        (lambda good: [(good[0][0] * np.float32("nan"), good[0][1]), *good[1:]], "no byte/256"),
        (lambda good: [(good[0][0] + 1, good[0][1]), *good[1:]], "no byte/256"),
        (lambda good: [(good[0][0] - 1, good[0][1]), *good[1:]], "no byte/256"),
        (lambda good: [(good[0][0], good[0][1] - 5), *good[1:]], "these go from -5 to 4"),
        (lambda good: [(good[0][0], good[0][1][:-1]), *good[1:]], "12 images need labels"),
        (lambda good: [(good[0][0][:0], good[0][1][:0]), *good[1:]], "no image"),
    ],
)
def test_a_pickle_with_other_contents_is_refused(parts, wrong, message):
    assert message in refused(parse_pickle, book_pickle(wrong(parts), protocol=3), "x")


def test_a_truncated_pickle_is_refused(parts):
    packed = book_pickle(parts, protocol=3)
    inside = gzip.decompress(packed)
    for raw in (b"", b"not a gzip file", packed[:100], packed[:-4], gzip.compress(inside[:5000])):
        assert "Cannot read the pickle x" in refused(parse_pickle, raw, "x")
    assert "more bytes follow" in refused(parse_pickle, gzip.compress(inside + b"."), "x")


@pytest.mark.parametrize("seed", range(100))
def test_random_damage_to_a_pickle_is_an_error_in_one_line(parts, seed):
    damaged = bytearray(book_pickle(parts, protocol=3))
    place = np.random.default_rng(seed).integers(len(damaged))
    damaged[place] ^= 1 << (seed % 8)
    # Bytes 4 to 9 of gzip are a date and a system, which nothing checks.
    if not 4 <= place <= 9:
        refused(parse_pickle, bytes(damaged), "x")


@pytest.mark.parametrize("seed", range(100))
def test_random_damage_inside_a_pickle_never_escapes_as_another_error(parts, seed):
    damaged = bytearray(pickle.dumps(parts, protocol=3))
    damaged[np.random.default_rng(seed).integers(300)] ^= 1 << (seed % 8)
    with contextlib.suppress(DataError):
        splits = parse_pickle(gzip.compress(bytes(damaged), compresslevel=1), "x")
        assert len(splits) == 3


@pytest.mark.parametrize(
    ("opcodes", "message"),
    [
        # An array of objects, which NumPy reads as addresses: the process would be gone.
        (b"cnumpy\nndarray\nK\x01\x85cnumpy\ndtype\nU\x01O\x85R\x86R", "something else"),
        # A memo of 2**28 places, and a list of as many.
        (b"]r\x00\x00\x00\x10", "no pair of pixels"),
        # Tuples within tuples, which would be 2**40 values if they were written out.
        (b")" + b"q\x000h\x00h\x00\x86" * 40, "uses POP"),
        (b"K\x01" * 1001, "more than 1,000 opcodes"),
        (b"}", "uses EMPTY_DICT"),
        (b"cnumpy\nndarray\n)\x81", "uses NEWOBJ"),
    ],
)
def test_what_crashes_or_fills_the_unpickler_is_refused(opcodes, message):
    tracemalloc.start()
    try:
        said = refused(parse_pickle, gzip.compress(b"\x80\x02" + opcodes + b"\x85."), "x")
        assert message in said
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()

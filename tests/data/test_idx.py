"""IDX files and the book's pickle: read rightly, and refused in one line when they are wrong."""

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

from tests.data.data_files import idx_images, idx_labels, random_set
from zoo.data.idx import (
    parse_images,
    parse_labels,
    parse_pickle,
    read_file,
    to_idx,
    unpacked,
)
from zoo.errors import DataError


def refused(call, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "images")
    assert "is a pipe or a device. Name" in refused(read_file, tmp_path / "images")


def test_idx_files_are_read_byte_for_byte():
    images, labels = random_set(11)
    assert np.array_equal(parse_images(idx_images(images), "i")[..., 0], images)
    assert np.array_equal(parse_labels(idx_labels(labels), "l"), labels)


def test_idx_files_are_written_as_the_format_says():
    images, labels = random_set(3)
    assert to_idx(images) == idx_images(images)
    assert to_idx(labels) == idx_labels(labels)


def test_a_wrong_magic_number_is_named_with_the_right_one():
    images, labels = random_set(2)
    message = refused(parse_images, idx_labels(labels), "x.gz")
    assert "x.gz" in message
    assert "00 00 08 01, not 00 00 08 03" in message
    assert "3c 68 74 6d" in refused(parse_labels, b"<html>Please log in</html>", "x")
    assert "begins with nothing" in refused(parse_labels, b"", "x")
    floats = b"\0\0\x0d\x03" + bytes(12)
    assert "begins with 00 00 0d 03" in refused(parse_images, floats, "x")
    assert "3 length(s)" in refused(parse_images, idx_images(images)[:9], "x")


@pytest.mark.parametrize("change", [-1, 1, -784, 5000])
def test_lengths_that_lie_are_refused_in_both_directions(change):
    images, labels = random_set(20)
    raw = idx_images(images)
    longer = raw + bytes(change) if change > 0 else raw[:change]
    assert f"announces 15,680 bytes of data and holds {15680 + change:,}" in refused(
        parse_images, longer, "x"
    )
    lying = struct.pack(">II", 2049, 20 + change & 0xFFFFFFFF) + labels.tobytes()
    assert "holds 20." in refused(parse_labels, lying, "x")


def test_a_header_that_announces_more_than_any_memory_is_only_compared():
    raw = struct.pack(">IIII", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(100)
    assert "holds 100" in refused(parse_images, raw, "x")
    nothing = struct.pack(">IIII", 2051, 0, 2**32 - 1, 2**32 - 1)
    assert "see 28x28" in refused(parse_images, nothing, "x")


def test_images_of_another_size_are_refused():
    raw = idx_images(np.zeros((2, 32, 32), np.uint8))
    assert "holds images of 32x32, the networks see 28x28" in refused(parse_images, raw, "x")


def test_gzip_is_seen_by_its_first_bytes_not_by_a_name():
    assert unpacked(gzip.compress(b"seven"), "x") == b"seven"
    assert unpacked(b"seven", "x") == b"seven"


@pytest.mark.parametrize("cut", [3, 12, 40, -9, -1])
def test_a_truncated_gzip_file_is_refused(cut):
    packed = gzip.compress(os.urandom(5000))
    assert "Cannot unpack x.gz" in refused(unpacked, packed[:cut], "x.gz")


def test_a_damaged_gzip_file_is_refused():
    packed = bytearray(gzip.compress(os.urandom(5000)))
    packed[2500] ^= 0xFF
    assert "Cannot unpack" in refused(unpacked, bytes(packed), "x.gz")


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    assert len(read_file(path, 100)) == 100
    assert len(unpacked(gzip.compress(bytes(100)), "x", 100)) == 100
    path.write_bytes(bytes(101))
    assert "larger than 100 bytes" in refused(read_file, path, 100)
    assert "larger than 100 bytes" in refused(unpacked, gzip.compress(bytes(101)), "x", 100)


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    assert "Is a directory" in refused(read_file, tmp_path)
    assert str(tmp_path / "none") in refused(read_file, tmp_path / "none")


def test_members_of_gzip_follow_each_other_and_zeros_them():
    first, second = os.urandom(40_000), bytes(100_000)
    packed = gzip.compress(first) + bytes(3) + gzip.compress(second, 0) + gzip.compress(b"")
    assert unpacked(packed, "x") == first + second
    # Gone through one by one, these take longer than all other tests of this file.
    assert unpacked(packed + bytes(64 * 2**20), "x") == first + second
    assert "Cannot unpack" in refused(unpacked, packed + bytes(64 * 2**20) + b"x", "x")
    assert "Cannot unpack" in refused(unpacked, packed + b"garbage", "x")
    assert "Cannot read the pickle x" in refused(parse_pickle, packed + bytes(64 * 2**20), "x")


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
    assert "it asks for" in refused(parse_pickle, raw, "x")
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
        (lambda good: 7, "not iterable"),
        (lambda good: [good[0], good[1], (1, 2, 3)], "too many values"),
        (lambda good: [good[0], good[1], ("pixels", "labels")], "pixels of type <U6"),
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

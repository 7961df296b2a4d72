"""IDX files: read rightly, and refused in one line when they are wrong."""

from __future__ import annotations

import gzip
import os
import struct

import numpy as np
import pytest

from tests.data.data_files import idx_images, idx_labels, random_set
from zoo.data.idx import parse_images, parse_labels, read_file, to_idx, unpacked
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

"""Greys of more than 8 bits: both readers of pictures bring them to the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zoo.data.decoding import decoded
from zoo.data.pictures import PictureFormat, read_picture

# 0, 51, 102, ... 255 of 255, as programs that count otherwise would write them.
BYTES = np.arange(24).reshape(4, 6) % 6 * 51
WRITTEN = {
    "floats to 1": (BYTES / 255).astype(np.float32),
    "floats to 255": BYTES.astype(np.float32),
    "floats to 65,535": (BYTES * 257).astype(np.float32),
    "floats further": (BYTES * 1000).astype(np.float32),
    "16 bits": (BYTES * 257).astype(np.uint16),
    "32 bits to 255": BYTES.astype(np.int32),
    "32 bits to 65,535": (BYTES * 257).astype(np.int32),
    "32 bits further": (BYTES * 1_000_000).astype(np.int32),
    "none and infinite": np.where(BYTES == 0, np.nan, BYTES / 255).astype(np.float32),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_deep_greys_come_to_the_same_bytes_in_both_readers(tmp_path, kind):
    path = tmp_path / "deep.tif"
    Image.fromarray(WRITTEN[kind]).save(path)
    seen = read_picture(path, PictureFormat())[..., 0]
    np.testing.assert_allclose(seen.astype(int), BYTES, atol=1)
    np.testing.assert_array_equal(np.rint(decoded(path).grey * 255), seen)


def test_a_dark_picture_of_16_bits_stays_dark_and_below_black_is_black(tmp_path):
    path = tmp_path / "deep.tif"
    Image.fromarray(np.full((4, 4), 512, np.uint16)).save(path)
    assert (read_picture(path, PictureFormat()) == 2).all()
    low = np.array([[-5, 0], [np.inf, 255]], np.float32)
    Image.fromarray(low).save(path)
    assert read_picture(path, PictureFormat())[..., 0].tolist() == [[0, 0], [0, 255]]


def test_a_deep_picture_is_turned_as_its_exif_data_say(tmp_path):
    path = tmp_path / "deep.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(WRITTEN["16 bits"]).save(path, exif=exif)
    assert read_picture(path, PictureFormat()).shape == (6, 4, 1)

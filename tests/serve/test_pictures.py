"""Pictures that clients send: read as TensorFlow's export reads them; bombs are refused."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
import types

import numpy as np
import pytest
from PIL import Image

from tests import children
from zoo.serve.limits import Limits, Refused
from zoo.serve.pictures import decode
from zoo.serve.service import Service


def _file(array: np.ndarray, format: str, **rest) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format, **rest)
    return file.getvalue()


SIZES = [(28, 28), (280, 280), (61, 43), (40, 300), (9, 5), (1, 1), (84, 28)]


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", SIZES)
def test_pictures_become_what_training_and_tensorflows_export_make_of_them(size, resize, tmp_path):
    from zoo.data.pictures import PictureFormat, read_picture
    from zoo.export.encoded import decoded

    pixels = np.random.default_rng(3).integers(0, 256, (*size, 3), np.uint8)
    path = tmp_path / "picture.png"
    path.write_bytes(_file(pixels, "PNG"))
    for shape in [(28, 28, 1), (20, 31, 3)]:
        trained_on = read_picture(path, PictureFormat(shape[:2], shape[2], resize)).astype(int)
        ours = decode([path.read_bytes()], shape, Limits(), resize)[0]
        theirs = decoded(path.read_bytes(), shape, resize).numpy()
        assert ours.shape == theirs.shape == shape
        np.testing.assert_array_equal(ours, trained_on)
        assert np.abs(theirs - trained_on).max() <= 2, "Pillow rounds each of two passes"


def test_jpeg_files_become_what_tensorflows_export_makes_of_them():
    from zoo.export.encoded import decoded

    smooth = np.add.outer(np.arange(61) * 2, np.arange(43) * 3).astype(np.uint8)
    file = _file(smooth, "JPEG")
    ours = decode([file], (28, 28, 1), Limits())[0].astype(int)
    assert np.abs(ours - decoded(file, (28, 28, 1), "pad").numpy()).max() <= 3


def test_a_picture_of_the_right_size_keeps_its_bytes(mnist):
    images = mnist.test.images[:5]
    files = [_file(image[..., 0], "PNG") for image in images]
    np.testing.assert_array_equal(decode(files, (28, 28, 1), Limits()), images)


def test_colour_and_palettes_become_grey():
    grey = np.arange(784, dtype=np.uint8).reshape(28, 28)
    colour = np.repeat(grey[..., None], 3, axis=2)
    for file in (_file(colour, "PNG"), _file(np.dstack([colour, grey]), "PNG")):
        np.testing.assert_array_equal(decode([file], (28, 28, 1), Limits())[0, ..., 0], grey)
    deep = _file(grey.astype(np.uint16) * 257, "PNG")
    np.testing.assert_array_equal(decode([deep], (28, 28, 1), Limits())[0, ..., 0], grey)


def test_bombs_are_refused_before_they_are_read(monkeypatch):
    def never(*arguments):
        raise AssertionError("it was decoded")

    bomb = _file(np.zeros((5000, 4000), np.uint8), "PNG")
    assert len(bomb) < 100_000
    with monkeypatch.context() as patch:
        patch.setattr("PIL.ImageFile.ImageFile.load", never)
        with pytest.raises(Refused, match="16,000,000 pixels, and a file has 20,000,000") as caught:
            decode([bomb], (28, 28, 1), Limits())
        assert caught.value.status == 413
        half = _file(np.zeros((4000, 3000), np.uint8), "PNG")
        with pytest.raises(Refused, match="together") as caught:
            decode([half] * 20, (28, 28, 1), Limits())
        assert caught.value.status == 413


@pytest.mark.parametrize("cut", [1, 8, 20, 33, 40, 60])
def test_a_truncated_picture_is_refused(cut):
    file = _file(np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8), "PNG")
    with pytest.raises(Refused) as caught:
        decode([file[:cut]], (28, 28, 1), Limits())
    assert caught.value.status == 400


def test_other_formats_are_refused():
    for format in ("GIF", "BMP", "TIFF", "WEBP"):
        with pytest.raises(Refused, match="PNG or JPEG"):
            decode([_file(np.zeros((28, 28), np.uint8), format)], (28, 28, 1), Limits())


def test_pictures_are_decoded_one_at_a_time_also_after_a_timeout():
    at_once, most, release = [], [], threading.Event()

    def prepare(given):
        at_once.append(given)
        most.append(len(at_once))
        release.wait(30)
        at_once.remove(given)
        return given

    async def ask():
        service = Service(None, Limits(answer_seconds=0.05), None)
        slow = types.SimpleNamespace(prepare=prepare)
        for number in range(3):
            with pytest.raises(Refused, match="no answer within"):
                await service._in_a_thread(slow, {"number": number})
        release.set()
        service.limits = Limits(answer_seconds=30)
        return await service._in_a_thread(slow, {"number": 3})

    assert asyncio.run(ask()) == {"number": 3}
    assert set(most) == {1}


@pytest.mark.skipif(sys.platform != "linux", reason="counts the memory as Linux does")
def test_many_pictures_take_the_memory_of_one():
    program = """
import io, resource, sys
from PIL import Image
from zoo.serve.limits import Limits
from zoo.serve.pictures import decode
file = io.BytesIO()
Image.new("RGB", (3000, 3000), "white").save(file, "PNG")
decode([file.getvalue()] * int(sys.argv[1]), (28, 28, 1), Limits())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    one, eight = (int(children.run(["-c", program, str(n)]).stdout) for n in (1, 8))
    assert eight < 1.3 * one, "27 MB a picture, as long as it is held"

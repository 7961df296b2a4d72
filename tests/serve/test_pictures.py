"""Pictures that clients send: read as TensorFlow's export reads them; bombs are refused."""

from __future__ import annotations

import asyncio
import io
import threading
import types

import numpy as np
import pytest
from PIL import Image

from zoo.serve.limits import Limits, Refused
from zoo.serve.pictures import decode
from zoo.serve.service import Service


def _file(array: np.ndarray, format: str, **rest) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format, **rest)
    return file.getvalue()


@pytest.mark.parametrize("shape", [(28, 28), (280, 280), (61, 43), (40, 300), (9, 5), (1, 1)])
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_pictures_become_what_tensorflow_makes_of_them(shape, format):
    import tensorflow as tf

    generator = np.random.default_rng(3)
    file = _file(generator.integers(0, 256, shape, np.uint8), format)
    image = tf.io.decode_image(file, channels=1, expand_animations=False)
    theirs = tf.round(tf.image.resize_with_pad(image, 28, 28, antialias=True)).numpy()
    ours = decode([file], (28, 28), Limits())[0]
    assert ours.shape == (28, 28, 1)
    # TensorFlow decodes JPEG by a faster, rougher transform.
    assert np.abs(ours - theirs).max() <= (1 if format == "PNG" else 3)


def test_a_picture_of_the_right_size_keeps_its_bytes(mnist):
    images = mnist.test.images[:5]
    files = [_file(image[..., 0], "PNG") for image in images]
    np.testing.assert_array_equal(decode(files, (28, 28), Limits()), images)


def test_colour_and_palettes_become_grey():
    grey = np.arange(784, dtype=np.uint8).reshape(28, 28)
    colour = np.repeat(grey[..., None], 3, axis=2)
    for file in (_file(colour, "PNG"), _file(np.dstack([colour, grey]), "PNG")):
        np.testing.assert_array_equal(decode([file], (28, 28), Limits())[0, ..., 0], grey)
    deep = _file(grey.astype(np.uint16) * 257, "PNG")
    np.testing.assert_array_equal(decode([deep], (28, 28), Limits())[0, ..., 0], grey)


def test_bombs_are_refused_before_they_are_read(monkeypatch):
    def never(*arguments):
        raise AssertionError("it was decoded")

    bomb = _file(np.zeros((5000, 4000), np.uint8), "PNG")
    assert len(bomb) < 100_000
    with monkeypatch.context() as patch:
        patch.setattr("PIL.ImageFile.ImageFile.load", never)
        with pytest.raises(Refused, match="16,000,000 pixels, and a file has 20,000,000") as caught:
            decode([bomb], (28, 28), Limits())
        assert caught.value.status == 413
        half = _file(np.zeros((4000, 3000), np.uint8), "PNG")
        with pytest.raises(Refused, match="together") as caught:
            decode([half] * 20, (28, 28), Limits())
        assert caught.value.status == 413


@pytest.mark.parametrize("cut", [1, 8, 20, 33, 40, 60])
def test_a_truncated_picture_is_refused(cut):
    file = _file(np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8), "PNG")
    with pytest.raises(Refused) as caught:
        decode([file[:cut]], (28, 28), Limits())
    assert caught.value.status == 400


def test_other_formats_are_refused():
    for format in ("GIF", "BMP", "TIFF", "WEBP"):
        with pytest.raises(Refused, match="PNG or JPEG"):
            decode([_file(np.zeros((28, 28), np.uint8), format)], (28, 28), Limits())


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

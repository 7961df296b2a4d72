"""Made-up photos of every kind, read by a pretrained network: how many come out right."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data import photo_sets
from zoo.data.photos import digit_image, digit_images
from zoo.errors import DataError
from zoo.pretrained.forward import load

# Right answers of 200: the lowest of the kinds is 194, and a few pixels may change some.
LEAST = 190


@pytest.fixture(scope="module")
def network():
    return load("conv2_relu")


@pytest.mark.integration
@pytest.mark.parametrize("kind", photo_sets.KINDS)
@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_digits_are_read_under_every_trouble(kind, count, mnist, network, tmp_path):
    random, right = np.random.default_rng(0), 0
    for image, label in zip(mnist.test.images[:count, ..., 0], mnist.test.labels, strict=False):
        picture, form, options = photo_sets.KINDS[kind](image, random)
        picture.save(tmp_path / "photo", form, **options)
        try:
            digit = network.predict(digit_image(tmp_path / "photo")[None]).digits[0]
        except DataError:
            continue
        right += int(digit == label)
    least = LEAST if count == 200 else count - 2
    assert right >= least, f"{right} of {count}"


@pytest.mark.integration
def test_two_digits_are_refused_or_read_one_by_one(mnist, network, tmp_path):
    random, right = np.random.default_rng(0), 0
    images, labels = mnist.test.images[..., 0], mnist.test.labels
    for at in range(0, 40, 2):
        picture, form, options = photo_sets.two_digits(images[at], images[at + 1], random)
        picture.save(tmp_path / "photo", form, **options)
        digits = digit_images(tmp_path / "photo")
        if len(digits) != 2:
            continue
        with pytest.raises(DataError, match="shows 2 digits: crop it to one, or ask for all"):
            digit_image(tmp_path / "photo")
        left, other = digits
        assert left.box[2] <= other.box[0]
        answers = network.predict(np.stack([left.image, other.image])).digits
        right += int((answers == labels[at : at + 2]).all())
    assert right >= 18


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
def test_every_format_is_read(form, mnist, network, tmp_path):
    picture, _, _ = photo_sets.plain(mnist.test.images[0, ..., 0], np.random.default_rng(0))
    picture.save(tmp_path / "photo", form)
    assert network.predict(digit_image(tmp_path / "photo")[None]).digits[0] == 7

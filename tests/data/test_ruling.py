"""Lines in masks of ink: a digit's own strokes stay as they are, lines around it go."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.data.photo_sets import large
from tests.serve.make_golden import drawing
from tests.serve.strokes import DIGITS
from zoo.data.ruling import without_lines

SIZE = (320, 320)
BOXES = [(20, 20, 280, 280), (90, 40, 130, 220), (20, 100, 280, 120), (150, 150, 160, 160)]


def mask_of(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture) < 128


@pytest.mark.integration
@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("slant", [-0.25, 0, 0.25])
def test_a_drawn_digit_has_no_lines_but_its_own(digit, box, slant):
    strokes = [[(x + slant * (0.5 - y), y) for x, y in stroke] for stroke in DIGITS[digit]]
    for pen in (6, 14, 26):
        mask = mask_of(drawing(strokes, size=SIZE, pen=pen, box=box))
        np.testing.assert_array_equal(without_lines(mask), mask, f"pen {pen}")


def test_a_digit_in_a_small_picture_is_left_alone():
    mask = mask_of(drawing(DIGITS[0], size=(90, 64), pen=5, box=(5, 5, 60, 55)))
    np.testing.assert_array_equal(without_lines(mask), mask)


def test_digits_of_the_test_set_are_left_alone(mnist):
    changed = []
    for number, image in enumerate(mnist.test.images[1000:1080, ..., 0], start=1000):
        mask = np.pad(large(image, 170) > 0.5, 40)
        if not np.array_equal(without_lines(mask), mask):
            changed.append(number)
    assert not changed


@pytest.mark.parametrize("margin", [0, 2, 5])
def test_strokes_from_edge_to_edge_of_a_close_crop_stay(margin, mnist):
    changed = []
    for number, image in enumerate(mnist.test.images[2100:2160, ..., 0], start=2100):
        mask = np.pad(large(image, 160) > 0.4, margin)
        if not np.array_equal(without_lines(mask), mask):
            changed.append(number)
    assert not changed


LINES = {
    "box": [(60, 20, 260, 20), (260, 20, 260, 300), (260, 300, 60, 300), (60, 300, 60, 20)],
    "box open below": [(60, 300, 60, 20), (60, 20, 260, 20), (260, 20, 260, 300)],
    "grid": [(0, 20, 320, 20), (0, 300, 320, 300), (60, 0, 60, 320), (260, 0, 260, 320)],
    "ruled paper": [(0, 35, 320, 35), (0, 300, 320, 300)],
    "underline": [(70, 295, 250, 292)],
}


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("digit", DIGITS)
def test_lines_around_a_digit_go_and_leave_it_as_it_is(kind, digit):
    picture = drawing(DIGITS[digit], size=SIZE, pen=20, box=(60, 40, 200, 240))
    digit_alone = mask_of(picture)
    for line in LINES[kind]:
        ImageDraw.Draw(picture).line(line, fill=0, width=5)
    left = without_lines(mask_of(picture))
    assert (left != digit_alone).sum() < 0.01 * digit_alone.sum()  # the end of a line may stay

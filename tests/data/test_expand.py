"""The expanded data: five of each image, moved by one pixel, checked by hand and by counting."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.data_files import random_set
from zoo.data import Split
from zoo.data.expand import expand, shifted


def dots(*places: tuple[int, int]) -> np.ndarray:
    image = np.zeros((28, 28, 1), np.uint8)
    for value, (row, column) in enumerate(places, start=1):
        image[row, column] = value
    return image


# Three pixels: the first corner, one inside, the last corner.
THREE = dots((0, 0), (10, 20), (27, 27))


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (0, 0, {(0, 0): 1, (10, 20): 2, (27, 27): 3}),
        (-1, 0, {(9, 20): 2, (26, 27): 3}),
        (1, 0, {(1, 0): 1, (11, 20): 2}),
        (0, -1, {(10, 19): 2, (27, 26): 3}),
        (0, 1, {(0, 1): 1, (10, 21): 2}),
        (-10, -20, {(0, 0): 2, (17, 7): 3}),
        (27, 27, {(27, 27): 1}),
    ],
)
def test_a_shift_moves_every_pixel_and_lays_bare_zeros(rows, columns, expected):
    moved = shifted(THREE[None], rows, columns)[0, :, :, 0]
    found = {(int(r), int(c)): int(moved[r, c]) for r, c in np.argwhere(moved)}
    assert found == expected


def by_hand(image: np.ndarray) -> list[bytes]:
    """The five variants of one image [28, 28], by NumPy's padding and cutting."""
    wide = np.pad(image, 1)
    corners = [(1, 1), (2, 1), (0, 1), (1, 2), (1, 0)]
    return [wide[row : row + 28, column : column + 28].tobytes() for row, column in corners]


def test_every_image_is_there_in_its_five_variants_once_each_under_its_label():
    images, labels = random_set(50)
    labels = (labels * 7 + 3) % 10
    expanded = expand(Split(images[..., None], labels))
    expected = sorted(
        (variant, int(label))
        for image, label in zip(images, labels, strict=True)
        for variant in by_hand(image)
    )
    found = sorted(
        (image.tobytes(), int(label))
        for image, label in zip(expanded.images, expanded.labels, strict=True)
    )
    assert len(expanded) == 250
    assert found == expected


def test_the_order_is_mixed_and_the_same_every_time():
    images, labels = random_set(200)
    split = Split(images[..., None], labels)
    first, again, other = expand(split), expand(split), expand(split, seed=1)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)
    # Unmixed, the first 200 would be the 200 originals; mixed, about 40 are.
    originals = {image.tobytes() for image in images}
    count = sum(image.tobytes() in originals for image in first.images[:200])
    assert 10 < count < 80


def test_images_of_any_shape_are_expanded():
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 5, 2), dtype=np.uint8)
    expanded = expand(Split(images, np.arange(20)))
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    corners = [(1, 1), (2, 1), (0, 1), (1, 2), (1, 0)]
    expected = [wide[:, row : row + 3, column : column + 5] for row, column in corners]
    assert sorted(image.tobytes() for image in expanded.images) == sorted(
        image.tobytes() for image in np.concatenate(expected)
    )
    assert not shifted(images, 4, 0).any()
    assert not shifted(images, 0, -9).any()

"""Images altered afresh: each kind against what geometry says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

import zoo
from zoo.data.augment import ALPHA, ANGLE, SIGMA, augment, resample, sources
from zoo.data.expand import shifted
from zoo.nn.batching import Blocks

KINDS = ("shift", "rotate", "skew", "elastic")


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.images[:300]


def _generator(seed=0):
    return np.random.default_rng(seed)


def test_reading_every_pixel_where_it_is_changes_nothing(images):
    rows, columns = np.mgrid[:28, :28][:, None] + np.zeros((2, len(images), 1, 1))
    np.testing.assert_array_equal(resample(images, rows, columns), images)


def test_reading_turned_about_the_centre_turns_the_image(images):
    row, column = np.mgrid[:28, :28]
    rows = np.broadcast_to(column, (len(images), 28, 28))
    columns = np.broadcast_to(27 - row, (len(images), 28, 28))
    turned = np.rot90(images, axes=(1, 2))
    np.testing.assert_array_equal(resample(images, rows, columns), turned)


def test_half_a_pixel_is_the_mean_of_two_and_outside_is_nothing():
    image = np.zeros((1, 28, 28, 1), np.uint8)
    image[0, 5, 5:7, 0] = 100, 200
    rows, columns = np.mgrid[:28, :28][:, None] + np.zeros((2, 1, 1, 1))
    read = resample(image, rows, columns + 0.5)
    assert read[0, 5, 4:7, 0].tolist() == [50, 150, 100]
    assert resample(image, rows + 23, columns)[0].max() == 0


def test_pixels_are_read_as_scipy_reads_them(images):
    rows, columns = sources(len(images), KINDS, _generator())
    numbers = np.broadcast_to(np.arange(len(images))[:, None, None], rows.shape)
    floats = images[..., 0].astype(np.float64)
    expected = map_coordinates(floats, [numbers, rows, columns], order=1, mode="grid-constant")
    read = resample(images, rows, columns)[..., 0]
    np.testing.assert_allclose(read, expected, atol=0.51)
    far = resample(images, 9 * (rows - 13.5), 9 * (columns - 13.5))
    assert far[:, :9, :9].max() == 0


def test_a_field_is_smoothed_as_scipy_smooths_it():
    drawn = _generator(3)
    rows, _ = sources(5, ["elastic"], drawn)
    noise = 2 * _generator(3).random((5, 28, 28), np.float32) - 1
    smooth = gaussian_filter(noise, SIGMA, axes=(1, 2), mode="constant")
    np.testing.assert_allclose(rows - np.mgrid[:28, :28][0], ALPHA * smooth, atol=1e-4)


def test_a_shift_is_by_a_pixel_at_most_and_every_shift_occurs(images):
    moved = augment(images, ["shift"], _generator())
    moves = [(rows - 1, columns - 1) for rows, columns in np.ndindex(3, 3)]
    possible = np.stack([shifted(images, *move) for move in moves])
    matches = (possible == moved).all(axis=(2, 3, 4))
    assert matches.any(axis=0).all()
    assert matches.any(axis=1).all()


def test_rotations_keep_distances_and_stay_within_15_degrees():
    rows, columns = sources(500, ["rotate"], _generator())
    row, column = np.mgrid[:28, :28] - 13.5
    radius = np.hypot(rows - 13.5, columns - 13.5)
    expected = np.broadcast_to(np.hypot(row, column), radius.shape)
    np.testing.assert_allclose(radius, expected, rtol=1e-5)
    turn = np.arctan2(rows[:, 0, 20] - 13.5, columns[:, 0, 20] - 13.5) - np.arctan2(-13.5, 6.5)
    assert np.abs(turn).max() <= ANGLE
    assert np.abs(turn).max() > 0.95 * ANGLE
    assert abs(turn.mean()) < 0.1 * ANGLE


def test_a_skew_slides_rows_and_keeps_them_level():
    rows, columns = sources(50, ["skew"], _generator())
    np.testing.assert_allclose(rows, np.broadcast_to(np.mgrid[:28, :28][0], rows.shape), atol=1e-5)
    slide = columns - np.mgrid[:28, :28][1]
    np.testing.assert_allclose(slide[:, 0], -slide[:, 27], atol=1e-5)
    steps = np.diff(slide, axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-5)
    assert np.ptp(slide[:, 5], axis=1).max() < 1e-5


def test_an_elastic_field_is_as_wide_and_as_smooth_as_simards():
    rows, _ = sources(400, ["elastic"], _generator())
    moved = (rows - np.mgrid[:28, :28][0])[:, 12:16, 12:16]
    # White noise of variance 1/3, smoothed by a Gaussian, keeps 1 / (4 pi sigma^2) of it.
    expected = ALPHA * np.sqrt(1 / 3 / (4 * np.pi * SIGMA**2))
    assert moved.std() == pytest.approx(expected, rel=0.1)
    # Neighbours move together: their correlation is exp(-1 / 4 sigma^2).
    neighbours = np.corrcoef(moved[:, 0, 0], moved[:, 0, 1])[0, 1]
    assert neighbours == pytest.approx(np.exp(-1 / (4 * SIGMA**2)), abs=0.01)


@pytest.mark.parametrize(
    "kinds", [("shift",), ("rotate",), ("skew",), ("elastic",), KINDS], ids=str
)
def test_the_same_generator_alters_alike_and_another_otherwise(images, kinds):
    first = augment(images, kinds, _generator(1))
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    np.testing.assert_array_equal(first, augment(images, kinds, _generator(1)))
    assert not np.array_equal(first, augment(images, kinds, _generator(2)))
    ink = first.sum(dtype=float) / images.sum(dtype=float)
    assert 0.9 < ink < 1.1, "digits stay digits"


# Grey values times the pixel's number, summed over 250 images each of the first 1,000 training
# images, as they were altered before images of other shapes were known. Processors round
# differently: a pixel may differ by one.
BEFORE = {
    ("shift",): [2570200849, 2525229593, 2560425279, 2704890583],
    ("rotate",): [2590386877, 2522857272, 2573568891, 2703845983],
    KINDS: [2541254243, 2502856943, 2547474896, 2642470262],
}


@pytest.mark.parametrize("kinds", BEFORE, ids=str)
def test_mnist_is_altered_as_it_ever_was(mnist, kinds):
    def moments(seed):
        altered = augment(mnist.train.images[:1000], kinds, _generator(seed))
        return altered.reshape(4, 250, -1).sum(axis=1, dtype=int) @ np.arange(784)

    np.testing.assert_allclose(moments(3), BEFORE[kinds], rtol=1e-5)
    assert not np.allclose(moments(4), BEFORE[kinds], rtol=1e-5)


@pytest.mark.parametrize("kinds", [("shift",), KINDS], ids=str)
def test_all_channels_of_images_of_any_shape_move_together(kinds):
    one = np.random.default_rng(0).integers(0, 256, (50, 9, 14, 1), dtype=np.uint8)
    grey = augment(one, kinds, _generator(1))
    assert grey.shape == (50, 9, 14, 1)
    three = augment(np.concatenate([one, 255 - one, one], axis=3), kinds, _generator(1))
    np.testing.assert_array_equal(three[..., :1], grey)
    np.testing.assert_array_equal(three[..., 2:], grey)
    assert (three[..., 1] != grey[..., 0]).any()


def test_oblong_images_are_read_as_scipy_reads_them():
    images = np.random.default_rng(0).integers(0, 256, (40, 9, 14, 2), dtype=np.uint8)
    rows, columns = sources(40, KINDS, _generator(), (9, 14))
    numbers = np.broadcast_to(np.arange(40)[:, None, None], rows.shape)
    read = resample(images, rows, columns)
    for channel in range(2):
        floats = images[..., channel].astype(np.float64)
        expected = map_coordinates(floats, [numbers, rows, columns], order=1, mode="grid-constant")
        np.testing.assert_allclose(read[..., channel], expected, atol=0.51)


def test_blocks_are_altered_afresh_each_epoch_and_alike_in_each_run(mnist):
    def first_block(seed, epochs):
        blocks = Blocks(mnist.train.take(60), 10, augment=["shift"], augment_seed=seed)
        for _ in range(epochs):
            blocks.next_epoch()
        return blocks[0]

    images, labels = first_block(seed=1, epochs=0)
    np.testing.assert_array_equal(labels.ravel(), mnist.train.labels[:60])
    np.testing.assert_array_equal(images, first_block(seed=1, epochs=0)[0])
    assert not np.array_equal(images, first_block(seed=1, epochs=1)[0])
    assert not np.array_equal(images, first_block(seed=2, epochs=0)[0])


def test_epochs_without_dropout_only_shift(mnist):
    few = mnist.train.take(60)
    kinds = ["shift", "rotate", "skew", "elastic"]
    without, shifts = (
        Blocks(few, 10, augment=kinds, dropout_off_from=2, epoch=1),
        Blocks(few, 10, augment=["shift"], epoch=1),
    )
    assert not np.array_equal(without[0][0], shifts[0][0])
    for blocks in (without, shifts):
        blocks.next_epoch()
    np.testing.assert_array_equal(without[0][0], shifts[0][0])

    still = Blocks(few, 10, augment=["rotate"], dropout_off_from=0)
    np.testing.assert_array_equal(still[0][0].reshape(few.images.shape), few.images)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (("shift", "rotat"), "Did you mean 'rotate'"),
        ("shift", "must be a sequence of different words"),
        (("shift", "shift"), "must be a sequence of different words"),
    ],
)
def test_unknown_kinds_are_refused(kinds, said):
    with pytest.raises(zoo.SpecError, match=said):
        zoo.get_spec("conv2_relu").with_settings(augment=kinds)

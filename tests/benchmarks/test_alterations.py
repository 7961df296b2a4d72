"""Mixed pairs of images and drawn labels, beside what probability says of them."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from benchmarks import alterations
from benchmarks.alterations import AlteredBlocks, altered
from zoo.data import Split
from zoo.nn.batching import Blocks
from zoo.nn.builder import build_model
from zoo.training.fit import fit
from zoo.training.train import training_job

COUNT = 20_000


@pytest.fixture(scope="module")
def halves():
    """Black images of class 0 and white ones of class 1, as many of each."""
    labels = np.arange(COUNT) % 2
    images = np.broadcast_to(255 * labels[:, None, None, None], (COUNT, 8, 6, 1)).astype(np.uint8)
    return images, labels.astype(np.int32)


@pytest.mark.parametrize("alter", [alterations.mixup, alterations.cutmix])
def test_a_label_is_as_likely_as_its_image_is_there(alter, halves):
    images, labels = alter(*halves, np.random.default_rng(0))
    assert (images.dtype, images.shape, labels.dtype) == (np.uint8, halves[0].shape, np.int32)
    white = images.mean(axis=(1, 2, 3)) / 255
    assert len(np.unique(images)) == (2 if alter is alterations.cutmix else 256)
    for low, high in ((0.05, 0.35), (0.35, 0.65), (0.65, 0.95)):
        chosen = (low < white) & (white < high)
        error = (0.25 / chosen.sum()) ** 0.5
        assert chosen.sum() > 500
        assert abs(labels[chosen].mean() - white[chosen].mean()) < 4 * error


def test_mixup_draws_its_share_from_the_papers_distribution(halves):
    white = alterations.mixup(*halves, np.random.default_rng(0))[0][:, 0, 0, 0] / 255
    # Half of the partners are of the same class; of Beta(a, a) the variance is 1 / (8 a + 4).
    assert np.var(white) == pytest.approx(0.5 * 0.25 + 0.5 / (8 * alterations.MIXUP + 4), abs=0.01)


def test_cutmix_pastes_one_rectangle_of_the_shape_of_the_image(halves):
    images = alterations.cutmix(*halves, np.random.default_rng(0))[0][..., 0] == 255
    own = halves[1].astype(bool)[:, None, None]
    pasted = images != own
    rows, columns = pasted.any(axis=2).sum(axis=1), pasted.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(pasted.sum(axis=(1, 2)), rows * columns)
    assert (rows.max(), columns.max()) == (8, 6)
    # Where no border cuts it off, it takes the same share of both sides, to the next pixel.
    whole = ~(pasted[:, [0, -1]].any(axis=(1, 2)) | pasted[:, :, [0, -1]].any(axis=(1, 2)))
    whole &= pasted.any(axis=(1, 2))
    assert whole.sum() > 500
    assert np.abs(rows / 8 - columns / 6)[whole].max() <= 1 / 8 + 1 / 6


def test_a_teachers_labels_are_drawn_by_its_probabilities():
    probabilities = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [2.0, 1.0, 1.0]])
    numbers = np.repeat([2, 0, 1], COUNT)
    drawn = alterations.taught(probabilities, numbers, np.random.default_rng(0))
    assert drawn.dtype == np.int32
    for place, expected in enumerate(([0.5, 0.25, 0.25], [0, 1, 0], [0.2, 0.3, 0.5])):
        shares = np.bincount(drawn[place * COUNT : (place + 1) * COUNT], minlength=3) / COUNT
        np.testing.assert_allclose(shares, expected, atol=4 * (0.25 / COUNT) ** 0.5)


def test_blocks_are_altered_until_dropout_ends_and_always_alike():
    images = np.arange(40, dtype=np.uint8).reshape(10, 2, 2, 1)
    split = Split(images, np.arange(10))

    def turned(images, labels, generator):
        return 255 - images, (labels + generator.integers(1, 9)) % 10

    def blocks(epoch, always=False):
        plain = Blocks(split, 5, shuffle_seed=1, dropout_off_from=2, epoch=epoch)
        return AlteredBlocks(plain, turned, always)

    plain = Blocks(split, 5, shuffle_seed=1, epoch=1)[0]
    first, again = blocks(1)[0], blocks(1)[0]
    np.testing.assert_array_equal(first[0], 255 - plain[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], plain[1])
    unaltered = Blocks(split, 5, shuffle_seed=1, epoch=2)[0]
    np.testing.assert_array_equal(blocks(2)[0][0], unaltered[0])
    np.testing.assert_array_equal(blocks(2, always=True)[0][0], 255 - unaltered[0])
    moving = blocks(1)
    moving.next_epoch()
    np.testing.assert_array_equal(moving[0][0], unaltered[0])


def test_a_taught_network_learns_what_its_teacher_says(bars, monkeypatch):
    # A teacher that takes every digit for the next one.
    wrong = np.eye(10)[(bars.train.labels + 1) % 10]
    monkeypatch.setattr(alterations, "_teacher_of", lambda split: wrong[: len(split)])
    spec = zoo.get_spec("linear").with_settings(epochs=2, learning_rate=0.1)
    job = altered(training_job(spec, bars, seed=1), "teacher")
    assert type(job.blocks(0)) is AlteredBlocks
    model = trained(job)
    predicted = model.predict(bars.test.images, verbose=0).argmax(axis=1)
    assert np.mean(predicted == (bars.test.labels + 1) % 10) > 0.9


def trained(job):
    model = build_model(job.spec, seed=job.seed)
    fit(model, job, 0, validate=False)
    return model

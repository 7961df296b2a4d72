"""The benchmark of fine-tuning: its sets and samples, and the table that the page shows."""

from __future__ import annotations

import numpy as np

from benchmarks import fine_tuning
from benchmarks.rows import read_rows
from tests.paths import ROOT
from zoo.reproduction.tables import written_table


def test_a_sample_has_as_many_of_each_class_and_another_seed_others():
    whole = fine_tuning.digits()
    assert (whole.shape, whole.classes) == ((8, 8, 1), 10)
    few, again, other = (fine_tuning.sample(whole, 10, seed) for seed in (1, 1, 2))
    assert np.bincount(few.train.labels).tolist() == [10] * 10
    np.testing.assert_array_equal(few.train.images, again.train.images)
    assert not np.array_equal(few.train.images, other.train.images)
    np.testing.assert_array_equal(few.test.images, other.test.images)
    assert fine_tuning.enlarged(few).shape == (28, 28, 1)


def test_digits_on_patches_are_in_colour(mnist):
    data = fine_tuning.coloured(mnist)
    assert data.shape == (28, 28, 3)
    np.testing.assert_array_equal(data.train.labels, mnist.train.labels[:12_000])
    pixels = data.train.images[0].astype(int)
    assert (pixels[..., 0] != pixels[..., 2]).any(), "in colour"


def test_the_table_counts_what_the_rows_say():
    row = {"set": "digits", "start": "scratch", "per_class": "10", "total": "200"}
    rows = [
        {**row, "seed": str(seed), "correct": right} for seed, right in ((0, "150"), (1, "170"))
    ]
    *_, line = fine_tuning.table(rows).splitlines()
    assert line == "| digits | scratch | 2 | 80.0 ± 7.1 | - | - |"


def test_the_page_shows_the_rows_that_are_there():
    expected = fine_tuning.table(read_rows(fine_tuning.CSV))
    assert written_table(ROOT / "docs/own_pictures.md", "fine_tuning") == expected, (
        "run: make table"
    )

"""Short forms of the campaigns: a few hundred bad files at every boundary."""

from __future__ import annotations

import random

import pytest

from tests.campaigns.fuzzing import ALL, fuzz


@pytest.mark.parametrize("name", ALL)
def test_bad_files_are_one_line_and_nothing_else(name, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", "")  # a boundary may set it, and it is put back
    tally = fuzz(name, seconds=20, most=30 if name in ("PNG", "JPEG") else 150)
    assert not tally.failed, tally.first
    assert tally.tried >= 10


@pytest.mark.parametrize("name", ALL)
def test_mutations_differ_from_the_file_and_from_one_another(name):
    boundary = ALL[name]
    sound = boundary.sound()
    files = {boundary.mutate(sound, random.Random(seed)) for seed in range(40)}
    assert len(files - {sound}) > 20

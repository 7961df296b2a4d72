"""Short forms of the campaigns: some bad files at every boundary, some wrong calls, some kills."""

from __future__ import annotations

import multiprocessing
import random
import sys

import pytest

from tests.campaigns.calls import call
from tests.campaigns.fuzzing import ALL, fuzz
from tests.campaigns.kills import kill
from tests.campaigns.targets import TARGETS


@pytest.mark.parametrize("name", ALL)
def test_bad_files_are_one_line_and_nothing_else(name, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", "")  # a boundary may set it, and it is put back
    slow = name in ("PNG", "JPEG", "TIFF", "WebP", "GIF", "BMP")
    tally = fuzz(name, seconds=20, most=20 if slow else 100)
    assert not tally.failed, tally.first
    assert tally.tried >= 10


@pytest.mark.parametrize("name", ALL)
def test_mutations_differ_from_the_file_and_from_one_another(name):
    boundary = ALL[name]
    sound = boundary.sound()
    files = {boundary.mutate(sound, random.Random(seed)) for seed in range(40)}
    assert len(files - {sound}) > 20


def _in_a_process(function, *arguments):
    """What a function returns in a process without TensorFlow, which can be forked."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def test_wrong_calls_are_one_line_before_tensorflow():
    tally = _in_a_process(call, "calls", 20, 80)
    assert not tally.failed, tally.first
    assert tally.tried > 20


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "name",
    [
        name if name == "data, pictures" else pytest.param(name, marks=pytest.mark.integration)
        for name, target in TARGETS.items()
        if not target.warm
    ],
)
def test_a_killed_command_goes_on(name):
    tally = _in_a_process(kill, name, 20, 2)
    assert not tally.failed, tally.first
    assert tally.tried

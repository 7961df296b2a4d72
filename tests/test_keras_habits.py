"""The page of Keras users' habits tells what happens."""

from __future__ import annotations

import runpy

from tests.paths import ROOT


def test_the_page_tells_what_happens_and_nothing_fails():
    told = (ROOT / "docs" / "keras_habits.md").read_text()
    assert runpy.run_path(str(ROOT / "docs" / "keras_habits.py"))["page"]() == told
    assert "**fails**" not in told
    assert "other answers" not in told

"""The page of Keras users' habits tells what happens."""

from __future__ import annotations

import runpy

import pytest

from tests.paths import ROOT


@pytest.mark.integration
def test_the_page_tells_what_happens_and_nothing_fails():
    text = (ROOT / "docs" / "keras_habits.md").read_text()
    assert runpy.run_path(str(ROOT / "docs" / "keras_habits.py"))["page"]() == text
    assert "**fails**" not in text
    assert "other answers" not in text

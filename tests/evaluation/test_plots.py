"""Pictures of errors: names of classes are drawn as they are."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.data import Split
from zoo.errors import SpecError
from zoo.evaluation.plots import wrong_digits
from zoo.evaluation.scores import Predictions


@pytest.mark.parametrize("name", ["$a^$", r"\\frac$", "a$b$"])
def test_a_name_or_title_with_signs_of_mathematics_is_drawn(tmp_path, name):
    split = Split(np.zeros((1, 4, 4, 1), np.uint8), np.array([0]))
    answers = Predictions(split.labels, np.array([1]), np.array([0.9]))
    wrong_digits(split, answers, tmp_path / "wrong.png", title=name, names=(name, "b"))
    assert (tmp_path / "wrong.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["curve", "curve.txt", ".png"])
def test_a_picture_has_the_ending_of_one(tmp_path, name):
    split = Split(np.zeros((1, 4, 4, 1), np.uint8), np.array([0]))
    answers = Predictions(split.labels, np.array([1]), np.array([0.9]))
    with pytest.raises(SpecError, match=r"let it end in \.png, \.svg or \.pdf"):
        wrong_digits(split, answers, tmp_path / name)
    assert not list(tmp_path.iterdir())

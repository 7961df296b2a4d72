"""Members that go on from each other, beside runs that are made one by one."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from benchmarks import snapshots


def test_the_members_see_the_images_that_the_question_names():
    cycles = (snapshots.FIRST, *[snapshots.CYCLE] * 4)
    images = [spec.recipe.epochs * spec.recipe.images for spec in cycles]
    assert images == [800_000] + [300_000] * 4
    assert [spec.recipe.dropout_off_epochs for spec in cycles] == [5, 2, 2, 2, 2]
    assert all(spec.layers == snapshots.RECIPE.layers for spec in cycles)


@pytest.mark.integration
def test_each_member_goes_on_from_the_one_before(mnist, tmp_path):
    data = mnist.take(500)
    spec = zoo.get_spec("linear").with_settings(epochs=1, learning_rate=0.01)
    row = snapshots.measure((spec, spec, spec), data, 3, tmp_path)
    answers, model = [], None
    for number in range(3):
        model = zoo.train(spec, data, seed=300 + number, start=model, progress=False).model
        answers.append(model.predict(data.validation.images, verbose=0).argmax(axis=1))
    right = [int((answer == data.validation.labels).sum()) for answer in answers]
    # A vote sums in another order than its members alone, by which an answer may fall otherwise.
    members = [int(count) for count in row["members"].split()]
    np.testing.assert_allclose(members, right, atol=2)
    assert right[0] < right[1] < right[2]
    pairs = [(0, 1), (0, 2), (1, 2)]
    apart = np.mean([np.mean(answers[a] != answers[b]) for a, b in pairs])
    assert row["disagreement"] == pytest.approx(apart, abs=3e-4)
    assert row["images"] == 3 * len(data.train)
    assert min(right) <= row["vote"] <= len(data.validation)


def test_the_mean_of_votes_has_its_error():
    rows = [
        {"seed": seed, "members": "1 2", "vote": vote, "disagreement": "0.0041"}
        for seed, vote in ((1, "9950"), (2, "9954"), (3, "9958"))
    ]
    lines = snapshots.table(rows).splitlines()
    assert lines[2] == "| 1 | 1 2 | 9950 | 0.41 % |"
    assert lines[-1] == "| mean | | 9954.0 ± 2.3 | |"
    assert len(snapshots.table(rows[:1]).splitlines()) == 3
    assert len(snapshots.table([]).splitlines()) == 2

"""Draws: every vote of a pool is counted as by hand, and the lucky ones are not picked out."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo.cli.main import main
from zoo.errors import RunError, SpecError
from zoo.reproduction.ensembles import count_correct, sample_ensembles, sample_subsets
from zoo.reproduction.reproduce import run_folder
from zoo.training.run_folder import load_run

NAME = "mlp30.drawn"


def voted(outputs: list[np.ndarray], rule: str) -> int:
    """What a few members answer to one image, counted ballot by ballot."""
    sums = np.sum([output / output.sum() for output in outputs], axis=0)
    ballots = Counter(int(output.argmax()) for output in outputs)
    most = max(ballots.values())
    first = range(10) if rule == "mean" else [d for d in range(10) if ballots[d] == most]
    return max(first, key=lambda digit: sums[digit])


@pytest.mark.parametrize("rule", ["plurality", "mean"])
@pytest.mark.parametrize("of", [1, 2, 3, 5])
def test_votes_are_counted_as_by_hand(rule, of, monkeypatch):
    monkeypatch.setattr("zoo.reproduction.ensembles.MOST_AT_ONCE", 1000)  # some draws at a time
    generator = np.random.default_rng(of)
    labels = generator.integers(10, size=60)
    outputs = generator.random((5, 60, 10)).astype(np.float32) ** 4
    outputs[:, :20] /= outputs[:, :20].sum(axis=-1, keepdims=True)
    outputs[:, 20:30] += 2 * np.eye(10, dtype=np.float32)[labels[20:30]]  # all agree, rightly
    outputs[:, 30:35] += 2 * np.eye(10, dtype=np.float32)[(labels[30:35] + 1) % 10]  # and wrongly
    draws = list(itertools.combinations(range(5), of))
    expected = [
        sum(voted(list(outputs[list(draw), image]), rule) == labels[image] for image in range(60))
        for draw in draws
    ]
    assert len(set(expected)) > 1 or of == 5, "the draws must differ for this test to tell"
    assert count_correct(outputs, labels, np.array(draws), rule).tolist() == expected


def test_members_that_always_agree_have_one_score():
    outputs = np.tile(np.eye(10, dtype=np.float32)[[3, 1, 4]], (4, 1, 1))
    found = count_correct(outputs, np.array([3, 1, 5]), sample_subsets(4, 2, most=10), "plurality")
    assert found.tolist() == [2] * 6


def test_all_draws_are_made_or_as_many_as_asked_for_and_none_twice():
    assert [tuple(draw) for draw in sample_subsets(6, 3, most=20)] == list(
        itertools.combinations(range(6), 3)
    )
    some = sample_subsets(20, 5, most=300)
    assert some.shape == (300, 5)
    assert len({tuple(draw) for draw in some}) == 300
    assert all(len(set(draw)) == 5 and sorted(draw) == list(draw) for draw in some.tolist())
    assert len(np.unique(some)) == 20
    np.testing.assert_array_equal(some, sample_subsets(20, 5, most=300))


@pytest.fixture(scope="module")
def runs(bars, tmp_path_factory):
    """Three short runs of one recipe, of the seeds 0, 1 and 11, each wrong about other images."""
    folder = tmp_path_factory.mktemp("runs")
    book = zoo.get_spec("mlp30")
    recipe = replace(book.recipe, epochs=1, images=600, learning_rate=0.01)
    spec = zoo.register(replace(book, name=NAME, recipe=recipe))
    for seed in (0, 1, 11):
        zoo.train(spec, bars, seed=seed, out=run_folder(NAME, seed, folder), progress=False)
    yield folder
    zoo.unregister(NAME)


@pytest.fixture(scope="module")
def found(runs, bars):
    return sample_ensembles(NAME, bars, of=2, runs=runs)


@pytest.mark.integration
def test_draws_of_runs_are_votes_of_their_models(found, runs, bars):
    assert (found.seeds, found.possible) == ((0, 1, 11), 3)
    models = [load_run(run_folder(NAME, seed, runs))[1] for seed in found.seeds]
    for counts, split in ((found.validation, bars.validation), (found.test, bars.test)):
        alone = [zoo.evaluate(model, split).correct for model in models]
        assert counts.members.tolist() == alone
        assert len(set(alone)) > 1, "the members must differ for this test to tell"
        for draw, right in zip(found.subsets, counts.votes, strict=True):
            vote = zoo.vote([models[place] for place in draw])
            assert right == zoo.evaluate(vote, split).correct
        assert counts.full_pool == zoo.evaluate(zoo.vote(models), split).correct


def test_the_best_on_the_validation_images_are_told_apart_from_the_luckiest(found):
    alone = found.validation.members
    assert min(alone[list(found.best)]) >= max(np.delete(alone, found.best))
    place = found.subsets.tolist().index(list(found.best))
    assert found.best_on_test.correct == found.test.votes[place]


def test_some_runs_and_some_draws(runs, bars):
    found = sample_ensembles(NAME, bars, [11, 0, 11, 1], of=2, most=2, runs=runs)
    assert (found.seeds, found.possible, len(found.subsets)) == ((0, 1, 11), 3, 2)
    assert "2 of 3, at random" in str(found)


@pytest.mark.usefixtures("runs")  # registers the network
def test_runs_on_images_of_ones_own_are_drawn_from_by_the_networks_name(bars, tmp_path):
    few = bars.take(300)  # fewer than the recipe's images: the runs are of a fitted declaration
    for seed in (0, 1):
        zoo.train(NAME, few, seed=seed, out=run_folder(NAME, seed, tmp_path), progress=False)
    found = sample_ensembles(NAME, few, of=2, runs=tmp_path)
    assert found.seeds == (0, 1)
    assert found.test.total == len(few.test)


def test_a_diverged_run_is_no_member(runs, bars, tmp_path):
    for seed in (0, 1, 11):
        shutil.copytree(run_folder(NAME, seed, runs), run_folder(NAME, seed, tmp_path))
    record = run_folder(NAME, 1, tmp_path) / "run.json"
    record.write_text(record.read_text().replace('"diverged": false', '"diverged": true'))
    assert sample_ensembles(NAME, bars, of=2, runs=tmp_path).seeds == (0, 11)
    with pytest.raises(RunError, match="seed1 holds a run that diverged: leave its seed out"):
        sample_ensembles(NAME, bars, [0, 1], of=2, runs=tmp_path)


@pytest.mark.integration
def test_the_command_tells_the_spread_and_every_draw(runs, idx_folder, capsys):
    asked = ["vote", NAME, "--of", "2", "--runs", str(runs), "--data", str(idx_folder)]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert main([*asked, "--seeds", "0-1,11", "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["draws"] == [list(pair) for pair in itertools.combinations([0, 1, 11], 2)]
    votes = output["test"]["votes"]
    for text in (
        f"3 runs of {NAME}; votes of 2 by plurality, all 3 of them",
        f"{np.mean(votes):10,.1f}{np.std(votes, ddof=1):7.1f}{min(votes):8,}{max(votes):8,}",
        f"{output['their_vote_on_test']} / 500",
    ):
        assert text in printed


def test_what_cannot_be_drawn(runs, bars, idx_folder, tmp_path, capsys):
    with pytest.raises(
        SpecError, match=r"votes of 5 need as many runs .*there are 3 in .*: train more"
    ):
        sample_ensembles(NAME, bars, runs=runs)
    with pytest.raises(SpecError, match="Did you mean 'plurality'"):
        sample_ensembles(NAME, bars, of=2, rule="plurallity", runs=runs)
    with pytest.raises(SpecError, match="is a vote: draw from the runs of its members' recipe"):
        sample_ensembles("conv2_relu_dropout_x5", bars, runs=runs)
    with pytest.raises(RunError, match="holds no finished run"):
        sample_ensembles(NAME, bars, [0, 7], of=2, runs=runs)
    letters = replace(bars, class_names=tuple("abcdefghij"))
    with pytest.raises(RunError, match="of other classes than the data's"):
        sample_ensembles(NAME, letters, of=2, runs=runs)
    run_folder(NAME, 0, runs).rename(tmp_path / "mlp30-seed0")
    try:
        with pytest.raises(RunError, match="a run of another recipe than mlp30"):
            sample_ensembles("mlp30", bars, of=1, runs=tmp_path)
    finally:
        (tmp_path / "mlp30-seed0").rename(run_folder(NAME, 0, runs))
    with pytest.raises(SystemExit):
        main(["vote", NAME, "--seeds", "0..3"])
    assert "must be as in 0-9,12" in capsys.readouterr().err

"""The broad strategy: it finds its way where the way is known, says why, and can be cut off."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest

import zoo
from tuning import Choice, Integer, LogUniform, SearchSpace, Uniform
from tuning.fidelity import Fidelity, shrunk, without_hidden
from tuning.search import Search
from tuning.space import apply
from tuning.strategies import comparison
from tuning.strategies.base import WAIT
from tuning.strategies.broad import HOPELESS, Broad
from tuning.strategies.broad_signal import A_FIFTH, FIRST_EPOCHS
from tuning.trial import Trial, TrialResult
from zoo.errors import SpecError
from zoo.spec import Recipe

MLP30 = zoo.get_spec("mlp30")
SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.001, 10.0), l2=LogUniform(0.01, 100.0), batch_size=Choice(5, 10, 20)
)


def landscape(plan) -> TrialResult:
    """A made-up problem, best at eta 0.2 and lambda 4; costs fall below eta 1.5; 20 is quickest."""
    rate, decay = plan.values["learning_rate"], plan.values.get("l2", 4.0)
    lost = 0.05 * math.log10(rate / 0.2) ** 2
    lost += 0.02 * math.log10(max(decay, 0.01) / 4) ** 2
    score = max(0.1, 0.97 - lost) if rate * decay < 1000 else 0.1
    falling = [1.0, 0.9, 0.8] if rate < 1.5 else [1.0, 1.1, 0.9]
    record = {
        "seed": 0, "accuracy": score, "best_epoch": 3, "epochs": 3, "diverged": False,
        "seconds": 3.0, "curve": [score / 3, score / 2, score], "costs": falling,
        "seconds_an_epoch": 10 / plan.values["batch_size"],
    }  # fmt: skip
    return TrialResult.from_plain({"score": score, "executions": [record], "seconds": 3.0})


def played(strategy: Broad, most: int = 200, result=landscape) -> list[Trial]:
    trials: list[Trial] = []
    while (plan := strategy.suggest(trials)) is not None:
        trials.append(Trial(len(trials), plan.values, result(plan), plan.fidelity))
        assert len(trials) < most
    return trials


def test_it_finds_its_way_from_the_hopeless_start():
    trials = played(Broad(MLP30, SPACE))
    assert {name: trials[0].values[name] for name in HOPELESS} == HOPELESS
    assert trials[0].score == 0.1
    best = max(trials, key=lambda trial: (trial.fidelity.rank, trial.score))
    assert best.fidelity.images is None
    assert best.values["learning_rate"] == pytest.approx(0.2, rel=0.5)
    assert best.values["l2"] == pytest.approx(4, rel=0.75)
    assert best.values["batch_size"] == 20, "the quickest: all are as accurate in the end"
    assert len(trials) < 60


def test_a_rate_at_which_the_cost_falls_to_that_of_a_guess_is_too_large():
    def dying(plan) -> TrialResult:
        """Rectified units: above 0.5 all of them die at once, and the cost still falls."""
        result = landscape(plan).to_plain()
        (execution,) = result["executions"]
        if plan.values["learning_rate"] > 0.5:
            result["score"] = execution["accuracy"] = 0.1
            execution["curve"] = [0.1] * 3
        execution["costs"] = [2.4, 2.31, 2.305]
        return TrialResult.from_plain(result)

    trials = played(Broad(MLP30, SPACE), result=dying)
    best = max(trials, key=lambda trial: (trial.fidelity.rank, trial.score))
    assert best.values["learning_rate"] == pytest.approx(0.2, rel=0.5)
    assert best.score > 0.9


@pytest.mark.parametrize("classes", [2, 3, 10, 26])
def test_a_guess_among_few_classes_is_no_signal(classes):
    def guessing(plan) -> TrialResult:
        """A rate of 1 and more guesses, but where there are two digits alone."""
        result = landscape(plan).to_plain()
        if plan.values["learning_rate"] >= 1 and not plan.fidelity.digits:
            result["score"] = 1 / classes
        return TrialResult.from_plain(result)

    strategy = Broad(MLP30.with_classes(classes), SPACE)
    trials = played(strategy, result=guessing)
    signals = [each for each in strategy.explanation(trials) if each.stage.startswith("signal")]
    found = [each for each in signals if each.text.endswith("That is a signal.")]
    assert len(found) == 2
    rates = [trials[number].values["learning_rate"] for each in found for number in each.trials]
    assert rates == pytest.approx([10, 0.1])


@pytest.mark.parametrize("enough", [1_000, 5_000, 20_000, 50_000])
def test_a_problem_too_small_for_any_signal_is_made_larger(enough):
    def of_many(plan) -> TrialResult:
        """Nothing is learned from fewer images, but for two digits."""
        result = landscape(plan).to_plain()
        if (plan.fidelity.images or 50_000) < enough and not plan.fidelity.digits:
            result["score"] = 0.1
        return TrialResult.from_plain(result)

    trials = played(Broad(MLP30, SPACE), result=of_many)
    best = max(trials, key=lambda trial: (trial.fidelity.rank, trial.score))
    assert best.values["l2"] == pytest.approx(4, rel=0.75)
    after = [trial for trial in trials if trial.fidelity.hidden]
    assert min(trial.fidelity.images or 50_000 for trial in after) >= enough
    on_a_part = [trial for trial in after if trial.fidelity.validation == A_FIFTH.validation]
    assert bool(on_a_part) is (enough < 50_000), "the full problem, where all images are needed"


def test_the_learning_rate_is_decided_where_some_learn():
    def hidden_needs_more(plan) -> TrialResult:
        """With the hidden layer, the cost falls to that of a guess on fewer than 10,000 images."""
        result = landscape(plan).to_plain()
        if plan.fidelity.hidden and (plan.fidelity.images or 50_000) < 10_000:
            result["score"] = 0.1
            result["executions"][0]["costs"] = [2.4, 2.31, 2.305]
        return TrialResult.from_plain(result)

    trials = played(Broad(MLP30, SPACE), result=hidden_needs_more)
    best = max(trials, key=lambda trial: (trial.fidelity.rank, trial.score))
    assert best.values["learning_rate"] == pytest.approx(0.2, rel=0.5)
    decided = [trial for trial in trials if trial.fidelity.validation == A_FIFTH.validation]
    assert {trial.fidelity.images for trial in decided} == {25_000}


def test_a_problem_that_is_small_already_keeps_its_short_trials():
    strategy = Broad(MLP30.with_settings(images=1_000, epochs=30), SPACE)
    decided = [trial for trial in played(strategy) if "l2" in trial.values]
    assert any(trial.fidelity.epochs == A_FIFTH.epochs for trial in decided)


def test_where_nothing_learns_it_ends():
    def guess(plan) -> TrialResult:
        return TrialResult.from_plain({**landscape(plan).to_plain(), "score": 0.1})

    strategy = Broad(MLP30, SPACE)
    signals = [each.text for each in strategy.explanation(played(strategy, result=guess))]
    assert signals.count("No setting learns.") == 5, "two digits, then 1,000 to 50,000 images"


def test_it_says_why():
    strategy = Broad(MLP30, SPACE)
    trials = played(strategy)
    story = strategy.explanation(trials)
    lines = [f"{remark.stage}: {remark.text}" for remark in story]
    assert (
        "learning_rate = 10, l2 = 1000, batch_size = 10: 10 of 100 right, which is gue" in lines[0]
    )
    by_cost = [text for text in lines if text.startswith("learning rate by the training cost")]
    assert "too large: the cost fell in 1 of 2 epochs (1 1.1 0.9)" in by_cost[0]
    assert any("kept: the cost fell in 2 of 2 epochs" in text for text in by_cost)
    assert {number for remark in story for number in remark.trials} <= set(range(len(trials)))


def test_the_next_plan_depends_on_the_trials_alone():
    trials = played(Broad(MLP30, SPACE))
    for number, trial in enumerate(trials):
        plan = Broad(MLP30, SPACE).suggest(trials[:number])
        assert (plan.values, plan.fidelity) == (trial.values, trial.fidelity)


def test_no_point_is_trained_twice_but_for_the_clock():
    trials = played(Broad(MLP30, SPACE))
    points = [(trial.fidelity, repr(sorted(trial.values.items()))) for trial in trials]
    assert len(points) - len(set(points)) == 1, "the mini-batch size that it had before"


def test_it_waits_for_what_it_must_know():
    strategy = Broad(MLP30, SPACE)
    trials = played(strategy)
    assert strategy.suggest([replace(trials[0], result=None)]) is WAIT
    waits = sum(
        strategy.suggest([*trials[:number], replace(trials[number], result=None)]) is WAIT
        for number in range(len(trials))
    )
    assert waits < len(trials), "some plans may run at once"


def test_no_trial_leaves_the_ranges_once_there_is_a_signal():
    space = SearchSpace.of(learning_rate=LogUniform(0.05, 0.1), batch_size=Integer(10, 12))
    for trial in played(Broad(MLP30.with_settings(l2=0.0), space, {"learning_rate": 0.1})):
        assert 0.05 <= trial.values["learning_rate"] <= 0.1
        assert 10 <= trial.values["batch_size"] <= 12


def test_a_start_outside_the_space_is_refused():
    with pytest.raises(SpecError, match="momentum"):
        Broad(MLP30, SPACE, {"momentum": 0.9})


def played_on(counts, result=landscape) -> list[str]:
    """What broad says where so many validation images of two classes, and of all, are there."""

    def counted(plan) -> TrialResult:
        few, many = counts
        there = min(plan.fidelity.validation or many, few if plan.fidelity.digits else many)
        record = result(plan)
        executions = tuple(replace(each, validated=there) for each in record.executions)
        return replace(record, executions=executions)

    strategy = Broad(MLP30, SPACE, {"learning_rate": 0.1, "l2": 0.0})
    said = strategy.explanation(played(strategy, result=counted))
    return [each.text for each in said if each.stage.startswith("signal")]


def test_a_signal_is_among_the_validation_images_that_are_there():
    def of_four(plan) -> TrialResult:
        return replace(landscape(plan), score=0.25)

    two, every = played_on((6, 18), lambda plan: replace(landscape(plan), score=0.95))
    assert two.endswith("6 of 6 right, too few validation images to tell learning from guessing.")
    assert every.endswith("17 of 18 right. That is a signal.")
    texts = played_on((6, 20), of_four)
    assert "5 of 20 right, which is guessing" in texts[1], "a guess does so 43 times in 1,000"
    assert "too few" in played_on((2, 2))[1]


def test_a_trial_that_fails_is_no_signal_and_says_why():
    strategy = Broad(MLP30, SPACE)
    trials = played(strategy, result=lambda plan: TrialResult(0.0, error="no such classes"))
    assert strategy.explanation(trials)[0].text.endswith("batch_size = 10: no such classes.")


# --- the clock ------------------------------------------------------------------------------------


def clocked(space=SPACE, **diverging: tuple[int, ...]) -> tuple[dict, list[str]]:
    """The best values, and the words of the clock, where some batches diverge in their epoch 2."""

    def result(plan) -> TrialResult:
        record = landscape(plan)
        (execution,) = record.executions
        size = plan.values["batch_size"]
        execution = replace(execution, curve=(0.6, 0.8, 0.9 + size / 1000), validated=2_000)
        if size in diverging["at"] and plan.fidelity.validation == A_FIFTH.validation:
            execution = replace(
                execution, accuracy=0.0, best_epoch=0, epochs=2, diverged=True,
                curve=(0.99, 0.098), costs=(0.5, None),
            )  # fmt: skip
        score = 0.0 if execution.diverged else execution.curve[-1]
        return replace(record, score=score, executions=(execution,))

    strategy = Broad(MLP30, space, {"batch_size": 10})
    trials = played(strategy, result=result)
    said = [each.text for each in strategy.explanation(trials) if "clock" in each.stage]
    return trials[-1].values, said


def test_a_batch_that_diverged_neither_sets_the_clock_nor_wins():
    best, (text,) = clocked(at=(20,))
    assert best["batch_size"] == 10
    assert "in 3.0 seconds, batches of 10: 91.00 %" in text
    assert "20: 0.00 %" in text


def test_where_every_batch_diverged_the_present_one_is_kept():
    best, (text,) = clocked(at=(5, 10, 20))
    assert best["batch_size"] == 10
    assert text == "batch_size = 10 kept: no size trained without diverging."


# --- any setting of a recipe ----------------------------------------------------------------------

# A range of each setting, such as somebody may search; of some, with what they go with.
RANGES = {
    "cost": {"cost": Choice("cross_entropy", "quadratic")},
    "epochs": {"epochs": Integer(5, 40)},
    "learning_rate": {"learning_rate": Uniform(0.1, 3)},
    "batch_size": {"batch_size": Choice(5, 10), "l2": LogUniform(0.01, 10.0)},
    "l2": {"l2": Uniform(0, 10)},
    "l1": {"l1": LogUniform(0.01, 10.0)},
    "lambda_per": {"lambda_per": Choice("image", "batch")},
    "momentum": {"momentum": Uniform(0, 0.9)},
    "nesterov": {"nesterov": Choice(False, True)},
    "schedule": {"schedule": Choice("constant", "halve"), "patience": Choice(None, 5)},
    "patience": {"patience": Integer(2, 10)},
    "decay": {"decay": Uniform(0.1, 0.9), "schedule": Choice("decay")},
    "decay_epochs": {"decay_epochs": Integer(1, 3), "schedule": Choice("decay")},
    "signed": {"signed": Choice(False, True), "cost": Choice("cross_entropy", "quadratic")},
    "label_smoothing": {"label_smoothing": Uniform(0, 0.2), "cost": Choice("log_likelihood")},
    "initializer": {"initializer": Choice("unit_normal", "lecun_normal")},
    "shuffle": {"shuffle": Choice(True, False)},
    "partial_batch": {"partial_batch": Choice(True, False)},
    "expanded": {"expanded": Choice(False, True)},
    "augment": {"augment": Choice([], ["shift"])},
    "dropout_off_epochs": {"dropout_off_epochs": Integer(0, 3)},
    "images": {"images": Integer(20_000, 50_000)},
    "precision": {"precision": Choice("float32", "mixed_bfloat16")},
    "units": {"units": Integer(10, 100)},
}


def test_there_is_a_range_of_every_setting():
    assert set(RANGES) == {"units", *(field.name for field in fields(Recipe))}


@pytest.mark.parametrize("name", RANGES)
def test_every_setting_of_a_recipe_is_searched(name):
    def result(plan) -> TrialResult:
        rate = plan.values.get("learning_rate", 0.2)
        return landscape(replace(plan, values={"batch_size": 10, **plan.values,
                                               "learning_rate": rate}))  # fmt: skip

    space = SearchSpace.of(**RANGES[name])
    spec = MLP30
    if "decay" in str(RANGES[name].get("schedule")):
        spec = spec.with_settings(schedule="decay", decay=0.5)
    if "log_likelihood" in str(RANGES[name].get("cost")):
        spec = zoo.get_spec("conv1").with_settings(epochs=30)
    strategy = Broad(spec, space)
    trials = played(strategy, result=result)
    tried = {repr(trial.values[name]) for trial in trials}
    assert len(tried) > 1
    assert strategy.explanation(trials)[-1].stage == "the full problem"


@pytest.mark.parametrize(
    ("name", "kind", "first"),
    [
        ("momentum", Uniform(0, 0.8), {0.0, 0.2}),  # a quarter of the range from 0
        ("l1", Uniform(0, 10), {0.0, 2.5}),
        ("dropout_off_epochs", Integer(0, 2), {0, 1}),
        ("patience", Integer(2, 10), {6, 10, 3}),  # from the middle, by a factor of 2
        ("l1", LogUniform(0.01, 100.0), {1.0, 2.0, 0.5}),
    ],
)
def test_neighbours_are_steps_on_the_range(name, kind, first):
    def level(plan) -> TrialResult:
        return landscape(replace(plan, values={"learning_rate": 0.2, "batch_size": 10}))

    trials = played(Broad(MLP30, SearchSpace.of(**{name: kind})), result=level)
    assert {trial.values[name] for trial in trials} == first


def test_patience_that_is_searched_counts_on_the_full_problem():
    search = Broad(MLP30, SearchSpace.of(patience=Integer(2, 10)))

    def level(plan) -> TrialResult:
        return landscape(replace(plan, values={"learning_rate": 0.2, "batch_size": 10}))

    last = played(search, result=level)[-1]
    assert (
        last.fidelity.of_spec(apply(MLP30, last.values)).recipe.patience
        == (last.values["patience"])
    )


# --- less of a problem ----------------------------------------------------------------------------


def test_lambda_shrinks_with_the_images():
    """The book's own step: 1,000 for 50,000 images is 20 for 1,000 (section 3.5)."""
    few = Fidelity(images=1_000, epochs=4).of_spec(MLP30.with_settings(l2=1000.0))
    assert (few.recipe.images, few.recipe.epochs, few.recipe.l2) == (1_000, 4, 20.0)
    assert Fidelity(images=90_000).of_spec(MLP30) == MLP30


@pytest.mark.parametrize(
    ("images", "epochs", "first", "fifth"),
    [
        (50_000, 30, (5_000, 5), (10_000, 10)),
        (250_000, 60, (5_000, 5), (10_000, 10)),  # never more than the book's
        (20_000, 8, (2_000, 5), (4_000, 8)),
        (3_000, 4, (1_000, 4), (1_000, 4)),
    ],
)
def test_a_reduced_problem_is_a_share_of_the_full_one(images, epochs, first, fifth):
    spec = MLP30.with_settings(epochs=epochs, images=images, expanded=images > 50_000)
    reduced = [shrunk(problem, spec) for problem in (FIRST_EPOCHS, A_FIFTH)]
    assert [(problem.images, problem.epochs) for problem in reduced] == [first, fifth]
    assert reduced[1].validation == A_FIFTH.validation


def test_less_of_the_data(bars):
    seen = Fidelity(images=50, validation=7, digits=(0, 1)).of_data(bars)
    assert (len(seen.train), len(seen.validation)) == (50, 7)
    assert set(seen.train.labels) == {0, 1}
    assert Fidelity().of_data(bars) is bars


def test_hidden_layers_go_and_convolutions_stay():
    assert without_hidden(MLP30).layers == zoo.get_spec("linear").layers
    conv2 = zoo.get_spec("conv2_relu")
    assert without_hidden(conv2).layers == (*conv2.layers[:2], conv2.layers[-1])


def test_more_of_the_problem_ranks_higher():
    ranks = [
        Fidelity(images=1_000, digits=(0, 1), hidden=False),
        Fidelity(images=1_000, hidden=False),
        Fidelity(images=1_000),
        Fidelity(images=10_000),
        Fidelity(),
    ]
    assert ranks == sorted(ranks, key=lambda fidelity: fidelity.rank)
    assert Fidelity(patience=10).rank == Fidelity().rank


# --- judging --------------------------------------------------------------------------------------


def trial(number=0, score=0.9, **expected) -> Trial:
    default = {"seed": 0, "accuracy": score, "best_epoch": 1, "diverged": False, "seconds": 6.0,
               "costs": [3, 2, 1], "curve": [0.5, 0.8, 0.9], "seconds_an_epoch": 2.0}  # fmt: skip
    execution = {**default, **expected}
    execution["epochs"] = len(execution["costs"])
    execution["curve"] = execution["curve"][: execution["epochs"]]
    return Trial(number, {}, TrialResult.from_plain({"score": score, "executions": [execution]}))


def test_the_cost_falls_or_it_does_not():
    assert comparison.cost_falls(trial())
    assert not comparison.cost_falls(trial(costs=[3, 1, 2]))
    assert not comparison.cost_falls(trial(diverged=True, costs=[3, None]))
    assert not comparison.cost_falls(Trial(0, {}, TrialResult(0.0, error="no")))


def test_accuracy_by_the_clock():
    assert comparison.seconds(trial()) == 6.0
    assert [comparison.accuracy_after(trial(), clock) for clock in (1, 2, 5.9, 60)] == [
        0.0, 0.5, 0.8, 0.9
    ]  # fmt: skip


def test_what_diverged_has_no_time_and_no_accuracy():
    diverged = trial(diverged=True, costs=[3, None])
    failed = replace(trial(), result=replace(trial().result, error="no"))
    for each in (diverged, failed, Trial(0, {})):
        assert comparison.seconds(each) == math.inf
        assert comparison.accuracy_after(each, 60) == 0


def test_an_epoch_that_took_no_time_that_the_record_shows():
    quick = trial(seconds_an_epoch=0.0)
    assert 0 < comparison.seconds(quick) < 1e-3
    assert comparison.accuracy_after(quick, comparison.seconds(quick)) == 0.9
    assert comparison.accuracy_after(quick, 0.0) == 0


def test_a_margin_is_that_of_two_binomials():
    """1.96 sqrt(2 p q / n), by hand for p = 0.9 and n = 10,000: 0.83 per cent."""
    assert comparison.margin(trial()) == pytest.approx(0.008316, abs=1e-6), "of an older version"
    assert comparison.margin(trial(validated=10_000)) == comparison.margin(trial())
    assert comparison.margin(trial(score=0.95, validated=200)) == pytest.approx(0.0427, abs=1e-4)
    assert comparison.margin(Trial(0, {}, TrialResult(0.9))) == 0, "nobody knows of how many"
    assert "not distinguishable" in comparison.compared(trial(0, 0.9), [trial(1, 0.895)])
    assert "not distinguishable" not in comparison.compared(trial(0, 0.9), [trial(1, 0.88)])


@pytest.mark.parametrize(("count", "chance"), [(10, 0.5), (20, 0.1), (100, 0.1), (37, 0.5)])
def test_more_than_guessing_is_what_one_guess_in_a_thousand_has(count, chance):
    def reached(least):
        """By hand: the chance that so many or more of the guesses are right."""
        return sum(
            math.comb(count, right) * chance**right * (1 - chance) ** (count - right)
            for right in range(least, count + 1)
        )

    needed = comparison.more_than_guessing(count, chance)
    assert reached(needed) <= 0.001 < reached(needed - 1)


def test_nine_answers_of_two_never_show_more_than_guessing():
    """All nine are right by a guess in 512."""
    assert comparison.more_than_guessing(9, 0.5) is None


# --- for real -------------------------------------------------------------------------------------


@pytest.mark.integration
def test_a_real_search_starts_hopeless_and_learns(bars, tmp_path):
    spec = zoo.get_spec("linear").with_settings(epochs=1, images=500)
    space = SearchSpace.of(learning_rate=LogUniform(0.9, 10.0))
    found = Search(tmp_path / "search", spec, space, Broad(spec, space, {"learning_rate": 10.0}))
    found.work(bars.take(500))
    best = found.best()
    assert best.fidelity.rank == Fidelity().rank
    assert best.score > 0.9
    story = found.strategy.explanation(found.trials())
    assert story[-1].stage == "the full problem"
    for trial in found.trials():
        (execution,) = trial.executions
        least = 2 if trial.fidelity.digits else 10
        images = int((bars.train.labels[:500] < least).sum())
        there = int((bars.validation.labels < least).sum())
        assert execution.images == min(trial.fidelity.images or images, images)
        assert execution.validated == min(trial.fidelity.validation or there, there)
    again = Search(tmp_path / "search", spec, space, Broad(spec, space, {"learning_rate": 10.0}))
    again.work(bars.take(500), tell=pytest.fail)


def test_a_choice_without_the_recipes_value_is_kept_to():
    space = SearchSpace.of(
        learning_rate=LogUniform(0.001, 10.0), batch_size=Choice(16, 32), momentum=Choice(0.5, 0.9)
    )
    for trial in played(Broad(MLP30, space)):
        assert trial.values["batch_size"] in (16, 32)
        assert trial.values["momentum"] in (0.5, 0.9)

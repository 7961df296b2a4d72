"""Many trials in one program: the same results as one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import zoo
from benchmarks import vectorized as benchmark
from benchmarks.rows import read_rows, write_rows
from tests import reference
from tuning import Choice, LogUniform, SearchSpace
from tuning.search import Search
from tuning.space import apply
from tuning.store.trials import Budget, TrialStore
from tuning.strategies.base import WAIT
from tuning.strategies.grid import Grid
from tuning.strategies.random import Random
from tuning.trial import Trial, TrialResult
from tuning.vectorized import programs, train
from tuning.vectorized.program import settings_of
from tuning.vectorized.programs import PROGRAMS
from tuning.vectorized.runs import Run, _blocks, key_of
from tuning.vectorized.sizes import fill
from tuning.vectorized.train import as_they_end, train_vectorized
from zoo.errors import RunError, SpecError
from zoo.nn.builder import build_model
from zoo.spec import FullyConnected, ModelSpec, Recipe, Softmax
from zoo.training.job import TrainingJob
from zoo.training.run_files import held

SIGMOIDS = ModelSpec(
    "sigmoids",
    (FullyConnected(12), FullyConnected(10)),
    Recipe(cost="cross_entropy", epochs=2, learning_rate=0.1, images=300),
)
RECTIFIED = ModelSpec(
    "rectified",
    (FullyConnected(16, "relu"), FullyConnected(12, "tanh"), Softmax()),
    Recipe(
        cost="log_likelihood",
        epochs=4,
        learning_rate=0.05,
        images=300,
        initializer="fan_out_normal",
    ),
)
SIGNED = ModelSpec(
    "signed",
    (FullyConnected(10, "tanh"),),
    Recipe(cost="quadratic", signed=True, epochs=2, learning_rate=0.01, images=300),
)


@pytest.fixture
def few(bars):
    return bars.take(400)


def variants(spec: ModelSpec, *settings: dict) -> list[ModelSpec]:
    return [spec.with_settings(**each) for each in settings]


def check_same(mine, theirs) -> None:
    """Two results of one trial, by programs that take their sums in another order."""
    assert (mine.spec, mine.seed) == (theirs.spec, theirs.seed)
    assert mine.diverged == theirs.diverged
    assert mine.best_epoch == theirs.best_epoch
    assert len(mine.history) == len(theirs.history)
    for row, other in zip(mine.history, theirs.history, strict=True):
        assert list(row) == list(other)
        # Which of ten answers that are no numbers is the largest depends on the compiler.
        undefined = set() if np.isfinite(other["val_loss"]) else {"accuracy", "val_accuracy"}
        for name in set(row) - {"seconds"} - undefined:
            assert row[name] == pytest.approx(other[name], rel=1e-4, abs=1e-6, nan_ok=True)
    for weight, other in zip(mine.model.weights, theirs.model.weights, strict=True):
        assert weight.path == other.path
        np.testing.assert_allclose(weight, other, rtol=1e-3, atol=2e-5)


GROUPS = {
    "descent": (
        3,
        variants(
            SIGMOIDS.with_settings(images=303),  # a last batch of three
            {"learning_rate": 0.3, "l2": 0.3, "lambda_per": "batch", "initializer": "unit_normal"},
            {"learning_rate": 1e30, "l2": 100.0},
            {"learning_rate": 0.02, "l1": 0.1, "momentum": 0.9, "nesterov": True},
        ),
    ),
    "orders of their own, schedules": (
        [1, 2],
        variants(
            RECTIFIED,
            {"patience": 1, "learning_rate": 1e-6},
            {"patience": 1, "schedule": "halve", "learning_rate": 0.3, "epochs": 3},
        ),
    ),
    "one cycle, altered images": (
        4,
        variants(
            SIGNED.with_settings(schedule="one_cycle", augment=("shift",)),
            {},
        ),
    ),
}


@pytest.mark.integration
@pytest.mark.usefixtures("xla")
@pytest.mark.parametrize("group", GROUPS)
def test_results_are_those_of_training_one_by_one(few, group, monkeypatch):
    monkeypatch.setattr(programs, "WORTH_COMPILING", 0)
    seeds, specs = GROUPS[group]
    together = train_vectorized(specs, few, seeds=seeds)
    each = seeds if isinstance(seeds, list) else [seeds] * len(specs)
    for spec, seed, mine in zip(specs, each, together, strict=True):
        check_same(mine, zoo.train(spec, few, seed=seed, progress=False))
    if group == "descent":
        assert [result.diverged for result in together] == [False, True, False]
        assert len(together[1].history) == 1
    if group == "orders of their own, schedules":
        assert [len(result.history) for result in together] == [2, 3], "one lost its patience"


def test_steps_are_those_of_the_books_equations(few):
    specs = [
        SIGMOIDS.with_settings(learning_rate=rate, l2=l2, images=50, shuffle=False, epochs=1)
        for rate, l2 in ((0.5, 2.0), (1.5, 0.0))
    ]
    batches = few.train.images[:50].reshape(5, 10, 28, 28, 1), few.train.labels[:50].reshape(5, 10)
    for spec, result in zip(specs, train_vectorized(specs, few), strict=True):
        start = build_model(spec, seed=0).get_weights()
        network = reference.Network(
            [reference.Dense(start[0].T, start[1]), reference.Dense(start[2].T, start[3])],
            "cross_entropy",
        )
        for images, labels in zip(*batches, strict=True):
            pairs = zip(images / 256, map(reference.one_hot, labels), strict=True)
            network.step(list(pairs), spec.recipe.learning_rate, spec.recipe.l2, n=50)
        book = [array for layer in network.layers for array in (layer.w.T, layer.b)]
        for mine, theirs in zip(result.model.get_weights(), book, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.integration
def test_what_differs_in_no_shape_shares_a_program_and_the_rest_trains_all_the_same(few):
    dropping = ModelSpec("dropping", (Softmax(dropout=0.5),), RECTIFIED.recipe)
    specs = [
        SIGMOIDS,
        dropping.with_settings(epochs=1),
        SIGMOIDS.with_settings(batch_size=20),
        SIGMOIDS.with_settings(learning_rate=0.7, epochs=3),
    ]
    PROGRAMS.clear()
    together = train_vectorized(specs, few)
    assert PROGRAMS.compiled == 2
    assert [result.spec.name for result in together] == [spec.name for spec in specs]
    check_same(together[1], zoo.train(specs[1], few, progress=False))


SIZES = {
    "sigmoid": [
        {"units": 12, "learning_rate": 0.3, "l2": 0.3},
        {"units": 5, "momentum": 0.9, "nesterov": True},
        {"units": 17, "l1": 0.1},
    ],
    "tanh": [{"units": 7, "momentum": 0.5}, {"units": 20}],
    "relu": [{"units": 9, "learning_rate": 1e30}, {"units": 3, "learning_rate": 0.03}],
}


@pytest.mark.usefixtures("xla")
@pytest.mark.parametrize(
    "activation",
    ["relu", *(pytest.param(name, marks=pytest.mark.integration) for name in ("sigmoid", "tanh"))],
)
def test_networks_of_other_sizes_share_a_program(few, activation):
    layers = (FullyConnected(10, activation), FullyConnected(10, activation), Softmax())
    base = ModelSpec("sizes", layers, RECTIFIED.recipe).with_settings(epochs=2)
    specs = [apply(base, values) for values in SIZES[activation]]
    PROGRAMS.clear()
    together = train_vectorized(specs, few, seeds=3)
    assert PROGRAMS.compiled == 1
    for spec, mine in zip(specs, together, strict=True):
        check_same(mine, zoo.train(spec, few, seed=3, progress=False))


def test_idle_neurons_do_not_learn(few):
    """Of the filled network itself: what is added is 0, or silent, after training as before."""
    small, large = (apply(SIGMOIDS, {"units": units}) for units in (3, 20))
    runs = [Run(number, job_of(spec, few)) for number, spec in enumerate((small, large))]
    feeds = {0: runs[0].job.blocks(0)}
    key = key_of(runs, feeds)
    assert [layer.units for layer in key.template.layers] == [32, 10]
    program = PROGRAMS.get(key)
    own = [fill(run.model.get_weights(), key.template, silent=True) for run in runs]
    (images, labels), *_ = _blocks(runs, feeds)
    settings = settings_of([run.job.spec.recipe for run in runs], [1.0, 1.0])
    weights, _, _ = program.train(program.stack(own), [], settings, 0, images, labels)
    kernel, bias, after, _ = program.unstack(weights)[0]
    assert not kernel[:, 3:].any()
    assert not after[3:].any()
    assert (bias[3:] == -1e30).all()
    assert not np.array_equal(kernel[:, :3], own[0][0][:, :3]), "the others learn"


def test_networks_share_a_program_where_filling_up_costs_less(few):
    def sizes_of(*units):
        runs = [Run(0, job_of(apply(SIGMOIDS, {"units": size}), few)) for size in units]
        groups = train._by_size(runs)
        return [[run.job.spec.layers[0].units for run in group] for group in groups]

    assert sizes_of(50, 10, 30) == [[10, 30, 50]]
    assert sizes_of(10, 400, 300) == [[10], [300, 400]], "300 to 400 costs a third more"
    assert sizes_of(200, 500) == [[200], [500]]
    assert sizes_of(*[30] * 17) == [[30] * 16, [30]]


@pytest.mark.integration
def test_what_was_killed_goes_on_together_or_alone(few, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHECKPOINT", 0)
    specs = variants(
        RECTIFIED.with_settings(epochs=3),
        {"momentum": 0.5},
        {"learning_rate": 0.1, "momentum": 0.9},
        {"learning_rate": 1e-6, "patience": 1},
    )
    unbroken = train_vectorized(specs, few)
    folders = [tmp_path / str(number) for number in range(3)]
    running = as_they_end(specs, few, [0, 0, 0], folders)
    first, _ = next(running)  # the impatient one, in its second epoch
    running.close()
    assert first == 2
    assert [(folder / "run.json").exists() for folder in folders] == [False, False, True]
    assert (folders[0] / "checkpoint.safetensors").exists()

    alone = zoo.train(specs[0], few, out=folders[0], progress=False)
    check_same(alone, unbroken[0])
    again = train_vectorized(specs, few, out=folders)
    for mine, theirs in zip(again, unbroken, strict=True):
        check_same(mine, theirs)
    assert again[0].history == alone.history, "what has ended is only read"


def test_a_paused_run_goes_on_in_the_program_that_is_compiled(few, tmp_path):
    specs = variants(SIGMOIDS, {"learning_rate": 0.3}, {"learning_rate": 1e30, "l2": 100.0})
    folders = [tmp_path / "0", tmp_path / "1"]
    PROGRAMS.clear()
    paused = dict(as_they_end(specs, few, [0, 0], folders, until=1))
    assert [len(paused[number].history) for number in (0, 1)] == [1, 1]
    assert [paused[number].diverged for number in (0, 1)] == [False, True]
    assert [(folder / "run.json").exists() for folder in folders] == [False, True]
    results = train_vectorized(specs, few, out=folders)
    assert results[0].history[:1] == paused[0].history
    assert len(results[0].history) == 2
    assert PROGRAMS.compiled == 1, "one for both, though one goes on alone"


def test_fewer_run_in_a_narrower_program_once_that_pays(few):
    runs = [Run(number, job_of(SIGMOIDS, few)) for number in range(8)]
    feeds = {0: runs[0].job.blocks(0)}
    PROGRAMS.clear()
    eight = train._program_for(runs, feeds, None)
    assert eight.networks == 8
    PROGRAMS.get(eight)
    assert train._program_for(runs[:1], feeds, eight) == eight, "300 images in 2 epochs do not"
    many = SIGMOIDS.with_settings(images=50_000, epochs=3)
    for run in runs:
        run.job = job_of(many, few)
    PROGRAMS.clear()
    eight, five = train._program_for(runs, feeds, None), train._program_for(runs[:5], feeds, None)
    for width, expected in ((eight, [1, 2, 4, 4, 8]), (five, [1, 3, 5, 5, 5])):
        PROGRAMS.clear()
        PROGRAMS.get(width)
        narrowed = [train._program_for(runs[:count], feeds, width) for count in range(1, 6)]
        assert [key.networks for key in narrowed] == expected


def test_a_program_that_is_there_serves_where_it_wastes_less_than_compiling_takes(few):
    def key_for(count, units, images, **settings):
        spec = apply(SIGMOIDS, {"units": units}).with_settings(epochs=1, **settings)
        runs = [Run(0, job_of(spec, few)) for _ in range(count)]
        needed = key_of(runs, {0: runs[0].job.blocks(0)})
        return PROGRAMS.cheapest(needed, images)

    PROGRAMS.clear()
    wide = key_for(4, 48, 50_000)
    assert wide.networks == 4
    PROGRAMS.get(wide)
    assert key_for(3, 40, 100_000) == wide, "1.8 networks' images less than 200,000"
    assert key_for(3, 40, 200_000) != wide
    assert key_for(1, 10, 10_000) == wide
    larger = key_for(4, 49, 10_000)
    assert larger.template.layers[0].units == 64, "it does not fit, and the next may find this one"
    assert key_for(4, 49, 10**6).template.layers[0].units == 49
    assert key_for(5, 48, 10_000) != wide
    assert key_for(1, 10, 10_000, batch_size=20) != wide
    assert key_for(1, 10, 10_000, momentum=0.9) != wide, "it has no velocities"
    moving = key_for(2, 48, 10_000, momentum=0.9)
    PROGRAMS.get(moving)
    assert key_for(2, 40, 10_000) == moving, "the smaller of two that fit: velocities stay zero"
    assert PROGRAMS.compiled == 2


def test_programs_that_were_not_used_for_long_are_dropped(few, monkeypatch):
    monkeypatch.setattr(programs, "MOST", 2)
    kept = programs.Programs()
    key = key_of([run := Run(0, job_of(SIGMOIDS, few))], {0: run.job.blocks(0)})
    one, two, three = (replace(key, networks=count) for count in (1, 2, 3))
    first = kept.get(one)
    second = kept.get(two)
    assert kept.get(one) is first
    kept.get(three)
    assert kept.get(one) is first, "used after the second"
    assert kept.get(two) is not second
    assert kept.compiled == 4


def job_of(spec, data):
    return TrainingJob(spec, 0, data.train, data.validation, "", None, {}, [], {}, progress=False)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seeds": [1]}, "2 networks take 2 seeds and folders"),
        ({"seeds": -1}, "whole number from 0 up, not -1"),
        ({"seeds": [0, True]}, "whole number from 0 up, not True"),
        ({"out": ["here"]}, "2 networks take 2 seeds and folders"),
    ],
)
def test_what_is_asked_for_is_checked(few, asked, said):
    with pytest.raises(SpecError, match=said):
        train_vectorized([SIGMOIDS, SIGMOIDS], few, **asked)


# --- in a search ----------------------------------------------------------------------------------

SPACE = SearchSpace.of(learning_rate=Choice(0.1, 1e30), batch_size=Choice(10, 401))


def searching(folder, **changes) -> Search:
    spec = SIGMOIDS.with_settings(cost="quadratic", partial_batch=False, images=1000)
    record = {"project": folder, "spec": spec, "space": SPACE, "strategy": Grid(SPACE)}
    return Search(**{**record, **changes})


@pytest.mark.integration
def test_a_search_finds_together_what_it_finds_one_by_one(few, tmp_path):
    alone = searching(tmp_path / "alone", executions=2)
    alone.work(few)
    found, ended = searching(tmp_path / "together", executions=2, batch_trials=3), []
    found.work(few, tell=ended.append)
    assert sorted(trial.number for trial in ended) == [0, 1, 2, 3]
    events = [(event["event"], event["trial"]) for event in found.journal.read()]
    assert events[:3] == [("started", number) for number in range(3)], "three at once"
    errors = [trial.result.error for trial in found.trials()]
    assert ["do not fill one batch" in error for error in errors] == [False, True, False, True]
    for mine, theirs in zip(found.trials(), alone.trials(), strict=True):
        assert mine.values == theirs.values
        assert mine.result.error == theirs.result.error
        for one, other in zip(mine.executions, theirs.executions, strict=True):
            assert (one.seed, one.epochs) == (other.seed, other.epochs)
            assert one.diverged == other.diverged
            assert one.curve == pytest.approx(other.curve, abs=2 / 500)
    found.work(few, tell=pytest.fail)


class InPairs(Grid):
    """A grid that must see the end of a pair before it goes on to the next."""

    def suggest(self, trials):
        if len(trials) % 2 == 0 and not all(trial.result for trial in trials):
            return WAIT
        return super().suggest(trials)


def test_a_strategy_that_waits_gets_what_it_waits_for(few, tmp_path):
    space = SearchSpace.of(learning_rate=Choice(0.1, 0.2, 0.3))
    found = searching(tmp_path, space=space, strategy=InPairs(space), batch_trials=3)
    found.work(few)
    events = [event["event"] for event in found.journal.read()]
    assert events == ["started", "started", "ended", "ended", "started", "ended"]


def test_a_budget_of_time_is_not_outrun_by_a_batch():
    def ended(seconds):
        return Trial(0, {}, TrialResult(0.5, seconds=seconds))

    budget = Budget(seconds=60)
    assert Budget(trials=3).holds([]) == float("inf")
    assert budget.holds([]) == 1, "how long a trial takes is not known yet"
    assert budget.holds([ended(5), ended(15), Trial(2, {})]) == pytest.approx(4)


def test_batches_of_several_workers_share_a_budget_of_time(tmp_path):
    space = SearchSpace.of(learning_rate=LogUniform(0.1, 1.0))
    store, strategy, budget = TrialStore(tmp_path, space), Random(space), Budget(seconds=600)
    with store.claim(strategy, budget) as trial:
        store.end(trial.number, TrialResult(0.5, seconds=60))  # so nine more fit
    with (
        store.claim(strategy, budget) as first,
        store.claim_batch(first, strategy, budget, 8) as ours,
        store.claim(strategy, budget) as second,
        store.claim_batch(second, strategy, budget, 8) as theirs,
    ):
        assert [trial.number for trial in ours] == list(range(1, 9))
        assert [trial.number for trial in theirs] == [9]
    with (
        store.claim(strategy, budget) as left,
        store.claim_batch(left, strategy, budget, 12) as batch,
    ):
        assert [trial.number for trial in batch] == list(range(1, 10)), "all that were left"


def test_a_folder_in_which_another_training_is_at_work_is_left_alone(few, tmp_path):
    spec = SIGMOIDS.with_settings(epochs=1, images=100)
    with held(tmp_path / "b"), pytest.raises(RunError, match="another training"):
        train_vectorized([spec, spec], few, out=[tmp_path / "a", tmp_path / "b"])
    assert not (tmp_path / "b" / "run.json").exists()


def test_a_search_that_was_killed_at_any_event_goes_on(few, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CHECKPOINT", 0)
    space = SearchSpace.of(learning_rate=Choice(0.03, 0.1, 0.3))

    def dying(trial):
        raise KeyboardInterrupt

    found = searching(tmp_path, space=space, strategy=Grid(space), batch_trials=2)
    with pytest.raises(KeyboardInterrupt):
        found.work(few, tell=dying)
    assert [bool(trial.result) for trial in found.trials()] == [True, False]
    found.work(few)
    assert [bool(trial.result) for trial in found.trials()] == [True, True, True]
    ended = [event["trial"] for event in found.journal.read() if event["event"] == "ended"]
    assert sorted(ended) == [0, 1, 2]


# --- the benchmark --------------------------------------------------------------------------------


def test_the_benchmarks_table_compares_with_one_by_one_in_as_many_processes(tmp_path):
    speeds = {
        ("one by one", 2, 1): 100,
        ("together", 4, 1): 250,
        ("one by one", 2, 2): 200,
        ("together", 4, 2): 300,
    }
    rows = [
        {"net": "n", "way": way, "trials": trials, "processes": processes, "round": number,
         "images_per_core_second": speed * factor, "seconds_a_trial": 1000 / speed,
         "core_seconds_a_trial": 1}
        for number, factor in ((1, 1), (2, 9), (3, 1))
        for (way, trials, processes), speed in speeds.items()
    ]  # fmt: skip
    write_rows(rows, tmp_path / "rows.csv", benchmark.COLUMNS)
    _, alone, together, alone_by_two, by_two = benchmark.table(
        read_rows(tmp_path / "rows.csv")
    ).splitlines()
    assert alone.split() == ["n,", "2", "one", "by", "one", "100", "10.00", "1.00"]
    assert "250   2.5 x" in together
    assert "4.00   2.5 x" in together
    assert alone_by_two.split()[-3:] == ["200", "5.00", "1.00"]
    assert "300   1.5 x" in by_two


@pytest.mark.slow
def test_the_benchmark_measures_end_to_end(tmp_path, capsys):
    asked = ["--trials", "2", "--rounds", "1", "--epochs", "2", "--images", "500"]
    assert benchmark.main([*asked, "--out", str(tmp_path / "rows.csv")]) == 0
    rows = read_rows(tmp_path / "rows.csv")
    lines = [(row["way"], int(row["trials"]), int(row["processes"])) for row in rows]
    assert lines == benchmark.ways([2])
    assert all(float(row["images_per_core_second"]) > 0 for row in rows)
    assert "mlp30, 2 together, 2 processes" in capsys.readouterr().out

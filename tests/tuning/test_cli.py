"""The command line of a search: what it asks for, and what it says to what makes no sense."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.paths import ROOT
from tuning import Choice, SearchSpace
from tuning.cli import _parser, main
from tuning.kerastuner.chief import VARIABLES
from tuning.search import Search
from tuning.store.results import train_command
from tuning.store.trials import ENDLESS, Budget
from tuning.strategies.bayesian import Bayesian
from tuning.strategies.grid import Grid
from tuning.strategies.hyperband import Hyperband
from tuning.strategies.random import TRIALS, Random
from tuning.trial import Trial, TrialResult
from zoo.cli.main import main as zoo_main
from zoo.errors import RunError

MLP30 = zoo.get_spec("mlp30")
SPACE = SearchSpace.of(l2=Choice(0, 5))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("90s", Budget(seconds=90)),
        ("20m", Budget(seconds=1200)),
        ("1.5h", Budget(seconds=5400)),
        ("30", Budget(trials=30)),
    ],
)
def test_a_budget_is_a_time_or_a_number_of_trials(text, budget):
    assert _parser().parse_args(["random", "mlp30", "--budget", text]).budget == budget


@pytest.mark.parametrize("text", ["0", "0m", "-5", "1.5", "20 minutes", ""])
def test_a_budget_that_is_none(text, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["random", "mlp30", f"--budget={text}"])
    assert ended.value.code == 2
    assert "argument --budget: must be a" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "strategy"),
    [
        ("random mlp30", Random(SPACE, TRIALS)),
        ("random mlp30 --budget 50", Random(SPACE)),
        ("random mlp30 --budget 50 --trials 30 --seed 2", Random(SPACE, 30, 2)),
        ("bayesian mlp30 --trials 30", Bayesian(SPACE, 30)),
        ("hyperband mlp30 --factor 4", Hyperband(SPACE, MLP30.recipe.epochs, 4)),
        ("grid mlp30 --steps 3", Grid(SPACE, 3)),
    ],
)
def test_commands_are_strategies(command, strategy):
    options = _parser().parse_args(command.split())
    assert options.strategy.kind.from_options(options, MLP30, SPACE) == strategy


def test_what_a_budget_allows():
    trials = [
        Trial(0, {}, TrialResult(0.5, seconds=60.0)),
        Trial(1, {}, TrialResult(0.5, seconds=30.0)),
        Trial(2, {}),
    ]
    assert not ENDLESS.spent_by(trials)
    assert Budget(seconds=90).spent_by(trials)
    assert not Budget(seconds=91).spent_by(trials)
    assert Budget(trials=3).spent_by(trials)
    assert not Budget(trials=4).spent_by(trials)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"learning_rat": {"choice": [1]}}, "no 'learning_rat'. Did you mean 'learning_rate'?"),
        ({"l2": {"uniform": [5, 1]}}, "not from 5 to 1"),
        ({"l2": {"choice": []}}, "one or more different values"),
        ({"learning_rate": {"log_uniform": [0, 1]}}, "starts above 0"),
        ({}, "needs a setting to search"),
    ],
)
def test_a_space_that_is_none_is_one_line(tmp_path, capsys, space, said):
    path = tmp_path / "space.json"
    path.write_text(json.dumps(space))
    assert main(["random", "mlp30", "--space", str(path)]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.startswith("tuning: ")
    assert printed.count("\n") == 1


def test_a_folder_that_cannot_be_one(bars, tmp_path):
    (tmp_path / "file").write_text("")
    found = Search(tmp_path / "file" / "search", MLP30, SPACE, Grid(SPACE))
    with pytest.raises(RunError, match=r"cannot be a search's folder \(.+\): choose another"):
        found.open(bars)
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "search.json").write_text("{")
    with pytest.raises(RunError, match=r"search.json is damaged"):
        Search(tmp_path / "search", MLP30, SPACE, Grid(SPACE)).open(bars)


def test_a_search_goes_on_with_its_settings_in_their_order_alone(bars, tmp_path):
    """The points of a grid, and of a seed, depend on it."""
    space = SearchSpace.of(learning_rate=Choice(0.1, 0.5), batch_size=Choice(5, 10))
    turned = SearchSpace(space.ranges[::-1])
    Search(tmp_path, MLP30, space, Grid(space)).open(bars)
    with pytest.raises(RunError, match="lists learning_rate, batch_size, not batch_size, learning"):
        Search(tmp_path, MLP30, turned, Grid(turned)).open(bars)


def test_the_next_command_can_be_pasted(tmp_path):
    command = train_command(tmp_path / "my search" / "best.json", ["my_layers"])
    words = ["--import", "my_layers", "train", "--from", str(tmp_path / "my search" / "best.json")]
    assert shlex.split(command) == ["python", "-m", "zoo", *words]


def test_on_data_of_ones_own_a_search_is_over_what_is_trained(idx_folder, tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr("tuning.cli._run", lambda _, *given: found.extend(given[:2]))
    monkeypatch.setattr("tuning.cli.show", lambda search, as_json, images, modules: None)
    assert main(["broad", "mlp30", "--data", str(idx_folder), "--project", str(tmp_path)]) == 0
    search, data = found
    images = len(data.train)
    assert search.spec.recipe.images == search.strategy.spec.recipe.images == images < 50_000
    assert search.spec.recipe.l2 == MLP30.recipe.l2


def test_a_worker_needs_no_search_to_start_from(tmp_path, monkeypatch, capsys):
    def ask(place, timeout):
        raise RunError(f"{place.name} asks its chief")

    for variable, value in zip(VARIABLES, ("tuner0", "127.0.0.1", "4000"), strict=True):
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("tuning.cli.await_chief", ask)
    command = ["random", "mlp30", "--start-from", str(tmp_path / "a"), "--project", str(tmp_path)]
    assert main(command) == 1
    assert "tuner0 asks its chief" in capsys.readouterr().err
    monkeypatch.setenv(VARIABLES[0], "chief")
    assert main(command) == 1
    assert "holds no search to start from" in capsys.readouterr().err


def test_pictures_are_searched_at_a_size_and_the_next_command_names_them(
    tmp_path, monkeypatch, capsys
):
    generator = np.random.default_rng(0)
    for name, count in (("a", 12), ("b", 12)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(count):
            array = generator.integers(0, 256, (9 + number % 3, 8), dtype=np.uint8)
            Image.fromarray(array).save(tmp_path / "pictures" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    images = ["--data", "pictures", "--size", "8x8", "--resize", "pad"]
    command = ["random", "linear", *images, "--trials", "1", "--epochs", "1", "-q"]
    assert main([*command, "--project", "search"]) == 0
    best = "python -m zoo train --from search/best.json"
    assert f"{best} --data pictures --size 8x8 --resize pad\n" in capsys.readouterr().out
    train = ["train", "--from", "search/best.json", "-q"]
    assert zoo_main([*train, *images, "--out", "same"]) == 0
    assert "other images" not in capsys.readouterr().err
    assert zoo_main([*train, "--epochs", "1", "--limit", "100", "--out", "other"]) == 0
    assert "search/best.json was found on other images than mnist" in capsys.readouterr().err


# --- what is refused before anything is trained ---------------------------------------------------

REFUSED = """
import sys
from tuning.cli import main

for line in sys.stdin.read().splitlines():
    print("", main(line.split()), file=sys.stderr)
    assert "tensorflow" not in sys.modules, line
"""


def test_a_backend_that_is_none_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "nosuch")
    assert main(["random", "mlp30"]) == 2
    assert "KERAS_BACKEND is 'nosuch'" in capsys.readouterr().err


PRODUCT = {"l2": {"choice": [0]}, "epochs": {"whole": [1, 10**15]}}


def test_what_makes_no_sense_is_one_line_and_needs_no_tensorflow(tmp_path):
    for name, text in {
        "latin.json": '{"l2": {"choice": ["caf\xe9"]}}'.encode("latin-1"),
        "deep.json": b"[" * 100_000,
        "number.json": b'{"l2": {"uniform": [0, 1' + b"0" * 400 + b"]}}",
        "digits.json": b'{"l2": {"uniform": [0, 1' + b"0" * 5000 + b"]}}",
        "infinite.json": b'{"l2": {"choice": [Infinity, 1]}}',
        "list.json": b"[]",
        "large.json": b'{"units": {"whole": [1, 1000000000]}}',
        "product.json": json.dumps(PRODUCT).encode(),
    }.items():
        (tmp_path / name).write_bytes(text)
    calls = {
        f"grid mlp30 --space {tmp_path}/latin.json": "is not UTF-8",
        f"grid mlp30 --space {tmp_path}/deep.json": "no search space",
        f"grid mlp30 --space {tmp_path}/number.json": "lie within 1e+15",
        f"grid mlp30 --space {tmp_path}/digits.json": "no search space",
        f"grid mlp30 --space {tmp_path}/infinite.json": "finite numbers",
        f"grid mlp30 --space {tmp_path}/list.json": "no search space",
        f"grid mlp30 --space {tmp_path}/large.json": "parameters, and 100,000,000 at most",
        f"grid mlp30 --space {tmp_path}/absent.json": "No such file",
        f"grid mlp30 --space {tmp_path}/product.json --steps 1000000": "has 1,000,000 points",
        "grid mlp30 --steps 100000": "has 30,000,000,000 points",
        "broad mlp30 --start learning_rate=abc": "learning_rate must be a finite number",
        "broad mlp30 --start learning_rate=NaN": "learning_rate must be a finite number",
        "broad mlp30 --start units=5": "has no 'units'",
        "hyperband mlp30 --factor 1": "factor are 2 or more",
        "random mlp3 --trials 2": "Did you mean 'mlp30'",
        "random conv2_relu_dropout_x5": "search one of its members",
        "random mlp30 --data nowhere": "nowhere",
        "--import no_such_module random mlp30": "--import no_such_module: No module named",
        f"report {tmp_path}": "holds no search",
    }
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], input="\n".join(calls), env=environment,
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    # A file, a folder or a data set that is not there is no wrong command.
    absent = ("absent.json", "report", "--data")
    codes = [" 1" if any(word in call for word in absent) else " 2" for call in calls]
    assert lines[1::2] == codes
    for line, said in zip(lines[::2], calls.values(), strict=True):
        assert line.startswith("tuning: ")
        assert said in line

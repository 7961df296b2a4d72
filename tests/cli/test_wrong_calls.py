"""Wrong commands: each is one line and a code, and none of them imports TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.paths import ROOT

# All calls run in one process, in which an import of TensorFlow or Keras fails.
PROGRAM = """
import contextlib, io, json, os, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if "LIST_OF_TFDS" in os.environ:
            return  # it is imported for its names, and looks whether TensorFlow is there
        if name.partition(".")[0] in ("tensorflow", "keras", "tensorflow_datasets"):
            raise AssertionError(f"{name} is imported")

sys.meta_path.insert(0, Refuse())
from zoo.cli.main import main

answers = []
for variables, call in json.load(sys.stdin):
    os.environ.update(variables)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(call)
        except SystemExit as error:
            code = error.code
        except BaseException as error:
            code = repr(error)
    code = "tensorflow is imported" if "tensorflow" in sys.modules else code
    answers.append([code, err.getvalue()])
    for name in variables:
        del os.environ[name]
json.dump(answers, sys.stdout)
"""

# What is called, the exit code, and words of the line that is said.
CALLS = [
    (["evaluate", "mpl30"], 2, "Did you mean 'mlp30'"),
    (["evaluate", "MLP30"], 2, "Did you mean 'mlp30'"),
    (["evaluate", "mlp30", "--run", "no where"], 1, "zoo train mlp30 --out 'no where'`"),
    (["evaluate", "mlp30", "--seed", "987654"], 1, "`python -m zoo train mlp30 --seed 987654`"),
    (["train", "mlp30", "--seed", "-1"], 2, "--seed: must be a whole number from 0 up, not '-1'"),
    (["train", "mlp30", "--sed", "3"], 2, "usage: zoo train"),
    (["train", "mlp30", "--sed=3"], 2, "unrecognized arguments: --sed=3. Did you mean '--seed'?"),
    (["trian", "mlp30"], 2, "invalid choice: 'trian' (choose from 'list', 'show', 'train', "),
    (["trian", "mlp30"], 2, "). Did you mean 'train'?"),
    (["lab", "rnu", "x"], 2, "zoo lab: error: argument COMMAND: invalid choice: 'rnu'"),
    (["lab", "run", "x", "--fats"], 2, "zoo lab run: error: unrecognized arguments: --fats. Did"),
    (["reproduce", "mlp30", "--first-seed", "-1"], 2, "must be a whole number from 0 up"),
    (["lab", "monitor", "mlp30", "--seed", "1.5"], 2, "must be a whole number from 0 up"),
    (["train", "mlp30", "--jobs", "2"], 2, "--jobs is for the members of a vote, and mlp30 is one"),
    (["evaluate", "mlp30", "--run", "damaged"], 1, "run.json is damaged"),
    (["evaluate", "conv2_relu_dropout.nosuch"], 2, "there is no network"),
    (["evaluate", "mlp30", "--data", "~nosuch/x"], 1, "a user who is not known"),
    (["evaluate", "mlp30", "--data", "./nosuch"], 1, "There is no folder nosuch"),
    (["evaluate", "mlp30", "--data", "/nosuch/x.npz"], 1, "x.npz"),
    (
        ["evaluate", "mlp30", "--run", "damaged", "--seed", "3"],
        2,
        "--seed and --run both name a run",
    ),
    (["export", "mlp3"], 2, "there is no network 'mlp3'"),
    (["export", "mlp30", "--run", "nowhere"], 1, "holds no finished run"),
    (["export", "mlp30", "--format", "onxx"], 2, "Did you mean 'onnx'?"),
    (["export", "mlp30", "--format", "9"], 2, "'litert_batch1')"),
    (["export", "mlp30", "--version", "0"], 2, "from 1 up"),
    (["export", "mlp30", "--version", "1", "--out", "exports"], 1, "exists already"),
    (["export", "mlp30", "--format", "onnx", "--out", "exports"], 1, "exists already"),
    (["export", "mlp30", "--format", "litert_int8", "--data", "~nosuch/x"], 1, "not known here"),
    (["export", "mlp30", "--format", "onnx", "--version", "7"], 2, "--version is of a saved_model"),
    (
        ["export", "mlp30", "--format", "litert", "--data", "pictures"],
        2,
        "litert reads no images, only the formats in bytes do: leave out --data pictures",
    ),
    (
        ["export", "mlp30", "--size", "32x32", "--resize", "crop"],
        2,
        "reads no images, only the formats in bytes do: leave out --size 32x32 --resize crop",
    ),
    (["serve", ""], 2, "names no model; the current folder is ."),
    (["serve", "mlp30", "--threads", "99999999999"], 2, "--threads must be at most 1024"),
    (["verify", "mlp30", "--out", "exports"], 2, "give its --version"),
    (["verify", "nosuch"], 2, "there is no network"),
    (["verify", "mlp30", "--version", "7", "--out", "exports"], 1, "holds no SavedModel"),
    (["publish", "mlp30", "--runs", "nowhere"], 1, "nowhere has no finished run of mlp30"),
    (["publish", "mlp30", "--runs", "others"], 1, "run.json is damaged"),
    (["publish", "nosuch"], 2, "there is no network"),
    (["vote", "conv2_relu_dropout_x5"], 2, "is no single stack"),
    (["vote", "mlp30", "--runs", "nowhere"], 2, "there are 0"),
    (["vote", "mlp30", "--seeds", "0-9999999999"], 2, "at most 100,000 seeds"),
    (["vote", "mlp30", "--seeds", "0-" + "9" * 5000], 2, "18 digits"),
    (["vote", "mlp30", "--seeds", "0-4", "--runs", "nowhere"], 1, "holds no finished run"),
    (["vote", "mlp30", "--of", "9" * 5000], 2, "from 1 up"),
    (["reproduce", "nosuch"], 2, "there is no network"),
    (["reproduce", "conv2_relu_dropout_x5_member_1"], 2, "there is no network"),
    (["reproduce", "mlp30", "--jobs", "0"], 2, "from 1 up"),
    (["baseline", "svn"], 2, "invalid choice"),
    (["baseline", "svm", "--data", "~nosuch/x"], 1, "a user who is not known"),
    (["train"], 2, "train takes a network's name"),
    (["train", "mlp30", "--from", "best.json"], 2, "train takes a network's name"),
    (["train", "--from", "nowhere.json"], 1, "No such file"),
    (["train", "--from", "no.json"], 2, "no best.json"),
    (["train", "--from", "deep.json"], 2, "nested too deeply"),
    (["train", "--from", "latin.json"], 2, "no best.json"),
    (["train", "--from", "executes.json"], 2, "os:abort"),
    (["train", "--from", "large.json"], 2, "more than the 250,000,000"),
    (["train", "mlp30", "--set", "augment=5"], 2, "augment must be a sequence"),
    (["train", "mlp30", "--set", "augment=[[1]]"], 2, "augment must be a sequence"),
    (["train", "mlp30", "--set", "layers=3"], 2, "must be a sequence of layers"),
    (["train", "mlp30", "--set", "input_shape=3"], 2, "shape"),
    (["train", "mlp30", "--set", "classes=x"], 2, "must be a whole number"),
    (["train", "mlp30", "--set", "classes=1000000000"], 2, "weights and biases, more than"),
    (["train", "mlp30", "--set", "learning_rate=" + "9" * 5000], 2, "must be a finite number"),
    (["train", "mlp30", "--set", "epochs=" + "[" * 5000], 2, "epochs must be a whole number"),
    (["train", "mlp30", "--set", "learning_rate"], 2, "SETTING=VALUE"),
    (["train", "mlp30", "--epochs", "0"], 2, "epochs must be"),
    (["train", "mlp30", "--devices", "3"], 2, "do not divide among 3 devices"),
    (["train", "mlp30", "--data", "~nosuch/x"], 1, "a user who is not known"),
    (["train", "mlp30", "--source", "~nosuch/x"], 1, "a user who is not known"),
    (["train", "mlp30", "--cache", "~nosuch/x"], 1, "a user who is not known"),
    (["--max-parameters", "1000", "train", "mlp30"], 2, "23,860 weights and biases, more than"),
    (["--max-parameters", "0", "train", "mlp30"], 2, "from 1 up"),
    (["--import", "", "list"], 2, "--import : "),
    (["--import", "no_such_module", "list"], 2, "--import no_such_module: No module"),
    (["--import", "broken", "list"], 2, "--import broken: division by zero"),
    (["--import", "unreadable", "list"], 2, "--import unreadable: "),
    (["list", "zzz*"], 2, "no network matches"),
    (["show", "nosuch"], 2, "there is no network"),
    (["lab", "run", "nosuch"], 2, "nosuch"),
    (["lab", "monitor", "nosuch"], 2, "there is no network"),
    (["lab", "report", "--lang", "xx"], 2, "xx"),
    (["predict", "nosuch", "digit.png"], 2, "there is no network"),
    (["predict", "mlp30", "digit.png", "--resize", "pad"], 2, "--resize is for other pictures"),
    (["table", "--json", "--write", "table.md"], 2, "--json prints all results"),
    (["table", "--json", "--headlines"], 2, "--json prints all results"),
    (["table", "--results", "bytes.csv"], 1, "bytes.csv, line 2 is no text"),
    (["table", "--results", "long.csv"], 1, "field larger than field limit"),
    (["table", "--results", "zero.csv"], 1, "zero.csv, line 2: its counts cannot be"),
    (["nosuch"], 2, "invalid choice"),
]

SETTINGS = [
    ({"KERAS_BACKEND": "nosuch"}, ["evaluate", "mlp30"], 2, "KERAS_BACKEND is 'nosuch'"),
    (
        {"KERAS_BACKEND": "torch"},
        ["train", "mlp30", "--devices", "2"],
        2,
        "on several devices with" if find_spec("torch") else "KERAS_BACKEND is 'torch'",
    ),
    ({"ZOO_MAX_PARAMETERS": "many"}, ["train", "mlp30"], 2, "ZOO_MAX_PARAMETERS must be"),
    ({"ZOO_SAVED_MODELS": "empty"}, ["evaluate", "mlp30"], 2, "has no pretrained weights"),
    ({"ZOO_SAVED_MODELS": "empty"}, ["export", "mlp30"], 2, "has no pretrained weights"),
    ({"ZOO_SAVED_MODELS": "empty"}, ["verify", "mlp30"], 2, "has no pretrained weights"),
    ({"ZOO_SAVED_MODELS": "bad"}, ["export", "mlp30"], 1, "manifest.json is damaged"),
    ({"ZOO_SAVED_MODELS": "wrong"}, ["export", "mlp30"], 1, "must be a whole number from 0 up"),
    ({"LIST_OF_TFDS": "1"}, ["train", "mlp30", "--data", "nosuch"], 1, "No data set 'nosuch'"),
    ({"LIST_OF_TFDS": "1"}, ["data", "--data", "fashion_mnisd"], 1, "Did you mean 'fashion_mnist'"),
    ({"TFDS_DATA_DIR": "~nosuch/x"}, ["train", "mlp30"], 1, "a user who is not known"),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """The exit code and stderr of every call, from one process in a folder of bad files."""
    folder = tmp_path_factory.mktemp("refusals")
    _write_files(folder)
    calls = [[{}, call] for call, *_ in CALLS] + [
        [variables, call] for variables, call, *_ in SETTINGS
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _write_files(folder):
    spec = json.loads((ROOT / "saved_models/manifest.json").read_text())["mlp30"]["spec"]
    entry = json.loads((ROOT / "saved_models/manifest.json").read_text())["mlp30"]
    for name in ("exports/mlp30/1", "damaged", "empty", "bad", "wrong", "others/mlp30-seed0"):
        (folder / name).mkdir(parents=True)
    executes = {"kind": "KerasFunction", "function": "os:abort"}
    large = [{"kind": "FullyConnected", "units": 10**9}, {"kind": "Softmax"}]
    lines = (ROOT / "benchmarks/results.csv").read_bytes().splitlines(keepends=True)
    cells = lines[1].split(b",")
    zero = b",".join(b"0" if cell.isdigit() and len(cell) >= 4 else cell for cell in cells)
    files = {
        "exports/mlp30/mlp30.onnx": b"something else",
        "damaged/run.json": b'{"spec_hash": 3}',
        "others/mlp30-seed0/run.json": b'{"spec_hash": 3}',
        "bad/manifest.json": b"\xff",
        "wrong/manifest.json": json.dumps({"mlp30": {**entry, "size": "many"}}).encode(),
        "no.json": b"[1]",
        "deep.json": b"[" * 100_000,
        "latin.json": b'{"spec": "\xe9"}',
        "executes.json": json.dumps({"spec": {**spec, "layers": [executes]}}).encode(),
        "large.json": json.dumps({"spec": {**spec, "layers": large}}).encode(),
        "broken.py": b"1 / 0",
        "unreadable.py": b"def",
        "bytes.csv": lines[0] + b"\xff\n",
        "long.csv": lines[0] + b"x" * 140_000 + b"\n",
        "zero.csv": lines[0] + zero,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    "number", range(len(CALLS) + len(SETTINGS)), ids=lambda number: f"call {number}"
)
def test_a_wrong_call_is_one_line_before_tensorflow(answers, number):
    call, code, said = (CALLS + [row[1:] for row in SETTINGS])[number]
    found, error = answers[number]
    assert (found, said in error) == (code, True), (call, found, error[-600:])
    assert "Traceback" not in error
    last = error.strip().splitlines()[-1]
    assert len(last) < 7000
    if code == 1:
        assert error.count("\n") == 1, error

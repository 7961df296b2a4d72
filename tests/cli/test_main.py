"""The command line, run as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import zoo
from tests import children
from tests.data.data_files import write_classes
from tests.paths import ROOT
from zoo.cli.main import main


def _python(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, **options
    )


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["show", "conv2_relu_dropout"], ["--help"], ["predict", "mlp30", "missing.png"]],
)
def test_looking_things_up_imports_neither_tensorflow_nor_keras(arguments):
    program = f"""
import sys
from zoo.cli.main import main
try:
    main({arguments!r})
finally:
    heavy = {{"tensorflow", "keras", "numpy"}} & set(sys.modules)
    assert not heavy, heavy
"""
    done = _python("-c", program, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_list_shows_every_network_with_the_books_figure(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == zoo.list_models()
    line = next(line for line in lines if line.startswith("conv2_relu_dropout "))
    assert "1,672,570" in line
    assert "99.60 %" in line


def test_list_narrows(capsys):
    assert main(["list", "mlp30*", "--chapter", "5", "--json"]) == 0
    specs = json.loads(capsys.readouterr().out)
    assert [spec["name"] for spec in specs] == ["mlp30", "mlp30x2", "mlp30x3", "mlp30x4"]


def test_show_tells_the_members_of_a_vote(capsys):
    assert main(["show", "conv2_relu_dropout_x5"]) == 0
    printed = capsys.readouterr().out
    for expected in ("8,362,850", "member 1, 2, 3, 4, 5", "1,001,000"):
        assert printed.count(expected) == 1 + (expected == "8,362,850")


def test_show_tells_layers_recipe_claim_and_spec(capsys):
    assert main(["show", "conv2"]) == 0
    printed = capsys.readouterr().out
    for expected in ("85,670", "20 filters 5x5", "learning_rate      0.1", "99.06 %"):
        assert expected in printed
    assert zoo.ModelSpec.from_json(printed.splitlines()[-1]) == zoo.get_spec("conv2")
    assert main(["show", "conv2", "--json"]) == 0
    assert zoo.ModelSpec.from_json(capsys.readouterr().out) == zoo.get_spec("conv2")


def test_data_counts_the_pictures_of_a_folder_and_tells_what_it_left_out(tmp_path, capsys):
    folder = write_classes(tmp_path / "pets", ("cat", "dog"), 6)
    (folder / "dog" / "notes.txt").write_text("notes")
    arguments = ["data", "--data", str(folder), "--size", "8x10", "--channels", "1"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "2 classes, images of 8x10x1" in printed.out
    rows = [line.split() for line in printed.out.splitlines()]
    assert ["all", "classes", "8", "2", "2"] in rows
    assert ["dog", "4", "1", "1"] in rows
    assert "1 file(s) left out\n  'dog/notes.txt': its name has none" in printed.out
    assert "zoo: pets: left out 'dog/notes.txt'" in printed.err
    with pytest.raises(SystemExit, match="2"):
        main(["data", "--data", str(folder), "--size", "8"])
    assert "must be HEIGHTxWIDTH, as in 32x32, not '8'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "conv2_relu_dropuot"], 2, "Did you mean 'conv2_relu_dropout'"),
        (["list", "mpl30"], 2, "Did you mean 'mlp30'"),
        (["train", "mlp30", "--set", "epoch=3"], 2, "Did you mean 'epochs'"),
        (["train", "mlp30", "--set", "epochs"], 2, "--set takes SETTING=VALUE"),
        (["train", "mlp30", "--epochs", "0"], 2, "epochs must be a whole number from 1 up"),
        (["train", "mlp30", "--set", "learning_rate=NaN"], 2, "learning_rate must be a finite"),
        (["train", "mlp30", "--limit", "0"], 2, "images must be a whole number from 1 up"),
        (["evaluate", "mlp30", "--run", "nowhere"], 1, "holds no finished run"),
        (["data", "--data", "no_such_set_of_images"], 1, "No data set 'no_such_set_of_images'"),
        (["data", "--source", "nowhere"], 1, "There is no folder nowhere"),
        (["data", "--data", "no_such_file.npz"], 1, "Cannot read no_such_file.npz"),
        (["--import", "no_such_module", "list"], 2, "No module named 'no_such_module'"),
    ],
)
def test_errors_are_one_readable_line_and_a_code(arguments, code, said, capsys, tmp_path, mnist):
    if arguments[0] == "train":
        arguments = [*arguments, "--out", str(tmp_path / "run")]
    assert main(arguments) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.startswith("zoo: ")
    assert printed.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_reader_who_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m zoo list --json | head -1"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=environment
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[\n", "", 0)


@pytest.mark.parametrize("option", ["--seeds=0", "--seeds=some", "--jobs=-1"])
def test_a_number_of_runs_is_a_number(option, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["reproduce", "mlp30", option])
    assert stopped.value.code == 2
    assert "must be a whole number from 1 up" in capsys.readouterr().err


def test_debug_shows_the_traceback():
    with pytest.raises(zoo.UnknownNameError):
        main(["--debug", "show", "nothing"])


def test_train_then_evaluate(idx_folder, tmp_path, capsys):
    out = tmp_path / "run"
    common = ["--data", str(idx_folder)]
    assert main(["train", "mlp30", "--epochs", "3", "--out", str(out), "--quiet", *common]) == 0
    printed = capsys.readouterr().out
    assert "/ 500 (" in printed
    assert "the book  has no figure for" in printed, "these are not MNIST's images"
    pictures = {"learning_curves.png", "wrong_digits.png"}
    assert pictures < {path.name for path in out.iterdir()}
    for name in pictures:
        assert (out / name).read_bytes().startswith(b"\x89PNG")

    assert main(["evaluate", "mlp30", "--run", str(out), *common]) == 0
    again = capsys.readouterr().out
    score = next(line for line in printed.splitlines() if line.startswith("  here"))
    assert score in again

    (out / "wrong_digits.png").unlink()
    (out / "wrong_digits.png").mkdir()
    assert main(["evaluate", "mlp30", "--run", str(out), *common]) == 1
    undrawn = capsys.readouterr()
    assert score in undrawn.out, "what was measured is printed before what cannot be drawn"
    assert "wrong_digits.png: Is a directory" in undrawn.err

    assert main(["evaluate", "mlp100", "--run", str(out), *common]) == 2
    assert "holds a run of mlp30" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["learning_curves.png", "wrong_digits.png"])
def test_pictures_of_ones_own_are_not_replaced(idx_folder, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"mine")
    command = ["train", "mlp30", "--epochs", "1", "--out", str(tmp_path), "--data", str(idx_folder)]
    assert main([*command, "--overwrite"]) == 1
    assert f"{name} is not of a run, and would be replaced" in capsys.readouterr().err
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.integration
def test_a_finished_run_is_kept_unless_it_may_be_dropped(idx_folder, tmp_path, capsys):
    out = tmp_path / "run"
    command = ["train", "mlp30", "--epochs", "1", "--quiet", "--out", str(out)]
    command += ["--data", str(idx_folder)]
    assert main(command) == 0
    before = (out / "weights.safetensors").read_bytes()
    assert main([*command, "--seed", "1"]) == 1
    assert "another seed" in capsys.readouterr().err
    assert (out / "weights.safetensors").read_bytes() == before
    assert main([*command, "--seed", "1", "--overwrite"]) == 0
    assert (out / "weights.safetensors").read_bytes() != before


def test_a_network_of_ones_own_joins_the_commands(tmp_path, idx_folder):
    (tmp_path / "own.py").write_text(
        "import zoo\nfrom dataclasses import replace\n"
        "zoo.register(replace(zoo.get_spec('mlp30'), name='own'))\n"
    )
    listed = _python("-m", "zoo", "--import", "own", "list", "own", cwd=tmp_path, check=False)
    assert listed.returncode == 0, listed.stderr
    assert "23,860" in listed.stdout
    command = ["--import", "own", "train", "own", "--epochs", "1", "--data", str(idx_folder)]
    trained = children.run(["-m", "zoo", *command], cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert (tmp_path / "runs" / "own-seed0" / "weights.safetensors").exists()


def test_ctrl_c_in_mid_epoch_keeps_the_run_and_the_same_command_goes_on(tmp_path, idx_folder):
    command = ["-m", "zoo", "train", "mlp30", "--out", tmp_path / "run"]
    command += ["--data", idx_folder, "--epochs", "4000"]
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    with children.Child(command, stderr=children.PIPE) as process:
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert printed.splitlines()[-1] == "zoo: stopped; the same command goes on where it was"
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names <= {"spec.json", "checkpoint.safetensors", "history.csv", ".run.lock"}

    from zoo.training.weights import read

    finished = len(json.loads(read(checkpoint)[1]["run"])["rows"])
    with children.Child(command, stderr=children.PIPE) as process:
        first = next(line for line in process.stderr if "epoch" in line)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert f"epoch {finished + 1}/4000" in first


@pytest.mark.parametrize("place", ["file/run", "/proc/zoo-run"])
def test_a_folder_that_cannot_be_written(idx_folder, tmp_path, capsys, place):
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / place
    command = ["train", "mlp30", "--epochs", "1", "--out", str(out), "--data", str(idx_folder)]
    assert main(command) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("zoo: ")
    assert printed.count("\n") == 1
    assert str(out) in printed


def test_a_full_disk_is_one_line_and_leaves_no_half_written_file(tmp_path, idx_folder):
    # The system refuses to let any file grow beyond the limit, as a full disk would.
    program = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
from zoo.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    out = tmp_path / "run"
    arguments = ["train", "mlp30", "--epochs", "1", "--quiet", "--out", str(out)]
    done = children.run(["-c", program, *arguments, "--data", idx_folder])
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(f"zoo: cannot write {out}")
    assert done.stderr.count("\n") == 1
    assert {path.name for path in out.iterdir()} == {"spec.json", ".run.lock"}


def test_a_warning_is_one_line():
    program = """
import warnings
from zoo.cli.exit_codes import run_command
run_command("zoo", lambda: warnings.warn("the disk is nearly full"))
"""
    assert _python("-c", program).stderr == "zoo: the disk is nearly full\n"

"""Closed streams, pipes, empty paths, and errors of the system: one line and a code each."""

from __future__ import annotations

import argparse
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.paths import ROOT
from tuning.cli import _parser as tuning_parser
from tuning.store import identity
from tuning.store.journal import Journal
from zoo.book import network2
from zoo.cli.main import _parser as zoo_parser
from zoo.cli.main import main
from zoo.cli.options import path
from zoo.cli.refusals import system_error_text
from zoo.errors import ZooError
from zoo.reproduction import results, tables
from zoo.serve import runtime
from zoo.training import run_record, weights


def _shell(command: str, **options) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ZOO": f"{sys.executable} -m zoo"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        **options,
    )


# Streams.


def test_a_closed_stderr_changes_neither_answer_nor_code():
    done = _shell("$ZOO list mlp30 --names 2>&-")
    assert (done.stdout, done.returncode) == ("mlp30\n", 0)
    done = _shell("$ZOO show nothing 2>&-")
    assert (done.stdout, done.returncode) == ("", 2)


def test_what_is_written_to_a_closed_stderr_gets_into_no_file(tmp_path):
    program = (
        "import os, sys\n"
        "from zoo.cli.refusals import open_closed_streams\n"
        "open_closed_streams()\n"
        "with open('kept', 'w') as file:\n"
        "    os.write(2, b'a warning')\n"
        "    print('an error', file=sys.stderr, flush=True)\n"
        "    print(file.fileno() > 2)\n"
    )
    done = _shell(f'{sys.executable} -c "{program}" 2>&-', cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("True\n", 0)
    assert (tmp_path / "kept").read_text() == ""


def test_tensorflow_is_imported_with_a_closed_stderr():
    program = (
        "from zoo.cli.refusals import open_closed_streams\n"
        "open_closed_streams()\n"
        "from zoo.utils.tensorflow import suppress_output\n"
        "with suppress_output():\n"
        "    print('inside')\n"
    )
    done = _shell(f'{sys.executable} -c "{program}" 2>&-')
    assert (done.stdout, done.returncode) == ("inside\n", 0)


def test_a_closed_stderr_is_no_error_of_the_library_either():
    program = (
        "from zoo.utils.tensorflow import suppress_output\n"
        "with suppress_output():\n"
        "    print('inside')\n"
    )
    done = _shell(f'{sys.executable} -c "{program}" 2>&-')
    assert (done.stdout, done.returncode) == ("inside\n", 0)


@pytest.mark.parametrize("output", ["list", "list mlp30 --names", "list --json"])
def test_a_pipe_that_nobody_reads_is_no_error(output):
    # The reader has closed its end before anything is written.
    done = _shell(f"(sleep 0.2; $ZOO {output}) | true")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_output_that_cannot_be_written_is_told():
    done = _shell("$ZOO list mlp30 --names > /dev/full")
    assert done.stderr == (
        "zoo: cannot write: No space left on device; make room, or choose another folder\n"
    )
    assert done.returncode == 1


# Written in the terminal's encoding, and read back: two classes of letters that ASCII lacks, and a
# file's name that is no UTF-8.
PRINTED = """
import sys
from zoo.cli.exit_codes import run_command
from zoo.cli.figures import print_json
names = ["\\u732b", "\\U0001f408", "\\xe9", "bad\\udcff"]
sys.exit(run_command("zoo", lambda: print_json(names) if sys.argv[1:] else print(*names)))
"""


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", rb"\u732b \U0001f408 \xe9 bad\udcff"),
        ("ascii:surrogateescape", rb"\u732b \U0001f408 \xe9 bad\udcff"),
        ("latin-1", b"\\u732b \\U0001f408 \xe9 bad\\udcff"),
        ("utf-8", "\u732b \U0001f408 \xe9 bad\\udcff".encode()),
        ("utf-8:surrogateescape", "\u732b \U0001f408 \xe9 bad".encode() + b"\xff"),
    ],
)
def test_a_name_that_the_terminal_cannot_show_is_printed_with_escapes(encoding, printed):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    for arguments in ([], ["json"]):
        command = [sys.executable, "-c", PRINTED, *arguments]
        done = subprocess.run(command, capture_output=True, env=environment, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        if arguments:
            names = json.loads(done.stdout.decode(encoding.partition(":")[0]))
            assert names == ["\u732b", "\U0001f408", "\xe9", "bad\udcff"]
        else:
            assert done.stdout.rstrip() == printed


def test_classes_of_any_script_are_counted_in_an_ascii_terminal(tmp_path):
    for name in ("\u732b", "\u72d7"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            image = Image.effect_noise((8, 8), 50 + number)
            image.save(tmp_path / "pets" / name / f"{number}.png")
    done = _shell("PYTHONIOENCODING=ascii $ZOO data --data pets -q", cwd=tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)
    assert "\n\\u732b" in done.stdout


# Names and paths.


@pytest.mark.parametrize("form", [[], ["--names"], ["--json"]])
def test_a_pattern_without_networks_is_refused(form, capsys):
    assert main(["list", "zzz*", *form]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == ("zoo: no network matches 'zzz*'. `python -m zoo list` shows them all.\n")
    assert main(["list", "--chapter", "9", *form]) == 2
    assert "no network of chapter 9 matches '*'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "mlp30", "--out="],
        ["train", "--from="],
        ["export", "mlp30", "--out="],
        ["lab", "run", "ch1_sigmoid", "--out="],
        ["lab", "pages", "--out="],
        ["evaluate", "mlp30", "--run="],
        ["data", "--source="],
        ["table", "--results="],
        ["draw", "--static="],
        ["predict", "mlp30", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "must be a path, not ''; the current folder is ." in capsys.readouterr().err


def test_empty_names_are_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["data", "--data="])
    assert "argument --data: must not be empty" in capsys.readouterr().err
    for module in ("", ".own"):
        assert main(["--import", module, "list"]) == 2
        assert capsys.readouterr().err.startswith(f"zoo: --import {module}: ")


# Pipes in place of files: opened, they would be waited for.


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path, capsys):
    os.mkfifo(tmp_path / "set.npz")
    idx = tmp_path / "idx"
    idx.mkdir()
    os.mkfifo(idx / "train-images-idx3-ubyte")
    for arguments, code, said in (
        (["data", "--data", str(tmp_path / "set.npz")], 1, "is a pipe or a device. Name a regular"),
        (["data", "--data", str(idx)], 1, "lacks train-images-idx3-ubyte"),
        (["data", "--source", str(idx)], 1, "lacks train-images-idx3-ubyte"),
        (["evaluate", "mlp30", "--data", str(tmp_path / "set.npz")], 1, "is a pipe"),
    ):
        assert main(arguments) == code
        printed = capsys.readouterr().err
        assert said in printed
        assert printed.count("\n") == 1


def _options(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _options(command)
        else:
            yield action


def test_no_option_takes_the_path_of_a_pipe(tmp_path, capsys):
    """Every option that names a path is of one type, which refuses pipes, devices and ''."""
    actions = [*_options(zoo_parser()), *_options(tuning_parser())]
    assert not [action.option_strings for action in actions if action.type is Path]
    assert len([action for action in actions if action.type is path]) > 20
    os.mkfifo(tmp_path / "pipe")
    for arguments in (
        ["train", "--from"],
        ["train", "mlp30", "--out"],
        ["evaluate", "mlp30", "--run"],
        ["data", "--source"],
        ["table", "--results"],
        ["table", "--write"],
    ):
        with pytest.raises(SystemExit, match="2"):
            main([*arguments, str(tmp_path / "pipe")])
        assert "is a pipe or a device: name a file or a folder" in capsys.readouterr().err


READERS = {
    "run.json": run_record.read_run,
    "results.csv": results.read,
    "table.md": lambda path: tables.write_table("text", path),
    "search.json": identity.read_identity,
    "journal.jsonl": lambda path: Journal(path).read(),
    "net.json": network2.load,
    "weights.safetensors": weights.read,
    "model.onnx": runtime.OnnxModel,
}


@pytest.mark.parametrize("name", READERS)
def test_no_reader_waits_for_a_pipe(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises((ZooError, OSError)):
        READERS[name](tmp_path / name)


# Errors of the system.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--from", "missing.json"], "cannot read missing.json: No such file or"),
        (["train", "--from", "."], "cannot read or write .: Is a directory; it is a folder: name"),
        (["table", "--results", "."], "cannot read or write .: Is a directory"),
    ],
)
def test_an_error_of_the_system_names_file_reason_and_next_step(arguments, said, capsys):
    assert main(arguments) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("zoo: " + said)
    assert printed.count("\n") == 1
    assert "Errno" not in printed


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_no_error_of_the_system_is_told_as_a_number(number):
    message = system_error_text(OSError(number, os.strerror(number), "some/file"))
    assert os.strerror(number) in message
    assert " some/file: " in message
    assert "; " in message
    assert "Errno" not in message


def test_an_error_without_a_number_is_told_in_its_words():
    assert system_error_text(OSError("the disk is asleep")) == "the disk is asleep"
    renamed = OSError(errno.EXDEV, "Invalid cross-device link", "old", None, "new")
    assert "new: Invalid cross-device link" in system_error_text(renamed)

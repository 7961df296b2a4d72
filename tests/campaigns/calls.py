"""Wrong calls of the two command lines, made up at random: each must be one line and a code.

A sound call gets one fault: a name, a value, a path or an option that is none. TensorFlow cannot be
imported where they run, so that what is refused late is found, too.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.campaigns.fuzzing import MOST_SECONDS, Tally
from tests.paths import ROOT

# Sound calls; a word in capitals is replaced by a sound value of that kind, or by a wrong one.
ZOO = (
    "list --chapter NUMBER --names",
    "show NETWORK --json",
    "train NETWORK --seed NUMBER --limit COUNT --set SETTING --out FOLDER --jobs COUNT",
    "train NETWORK --epochs COUNT --out FOLDER",
    "train NETWORK --data DATA --size SIZE --channels CHANNELS --resize RESIZE --cache FOLDER",
    "train NETWORK --source SOURCE --quiet",
    "train --from BEST --epochs COUNT",
    "evaluate NETWORK --run RUN",
    "evaluate NETWORK --seed NUMBER --data DATA --size SIZE",
    "export NETWORK --format FORMAT --version COUNT --out FOLDER --run RUN",
    "verify NETWORK --version COUNT --out FOLDER",
    "predict NETWORK PICTURE --show FOLDER",
    "publish NETWORK --runs RUNS --data DATA",
    "vote MEMBER --of COUNT --seeds SEEDS --runs RUNS --draws COUNT --rule RULE",
    "reproduce NETWORK --seeds COUNT --first-seed NUMBER --jobs COUNT --results RESULTS",
    "table --results RESULTS --write DOCUMENT --headlines",
    "baseline METHOD --data DATA",
    "data --data DATA --size SIZE --channels CHANNELS",
    "lab run EXPERIMENT --out FOLDER --fast",
    "lab report EXPERIMENT --lang LANGUAGE --out FOLDER",
    "lab monitor NETWORK --set SETTING --on SPLIT --data DATA",
    "draw NETWORK --static FOLDER --port PORT",
    "serve NETWORK --port PORT --threads COUNT",
    "--import MODULE list",
    "--max-parameters COUNT train NETWORK",
)
TUNING = (
    "random NETWORK --trials COUNT --seed NUMBER --space SPACE --budget BUDGET --workers COUNT",
    "grid MEMBER --steps COUNT --project FOLDER --executions COUNT --epochs COUNT --data DATA",
    "broad MEMBER --seed NUMBER --budget BUDGET --limit COUNT --patience COUNT",
    "hyperband MEMBER --batch-trials COUNT --heartbeat-timeout SECONDS --space SPACE",
    "report PROJECT --out FILE",
    "--import MODULE random NETWORK",
)

SOUND = {
    "NETWORK": ["mlp30", "linear"], "MEMBER": ["mlp30"], "NUMBER": ["0", "3"], "COUNT": ["1", "2"],
    "SETTING": ["learning_rate=0.5"], "DATA": ["mnist"], "SIZE": ["28x28"], "CHANNELS": ["1"],
    "RESIZE": ["pad"], "FORMAT": ["saved_model"], "SEEDS": ["0-4"], "RULE": ["plurality"],
    "METHOD": ["darkness"], "EXPERIMENT": ["ch4_bump"], "LANGUAGE": ["en"], "SPLIT": ["test"],
    "PORT": ["8765"], "MODULE": ["json"], "BUDGET": ["2", "90s"], "SECONDS": ["20s"],
}  # fmt: skip

NAMES = ["mlp3O", "", "*", "os:abort", "../mlp30", "x" * 3000, "\0", "\ud800", "-", "mlp30 ", "数"]
NUMBERS = ["", "0x", "one", "1e3", "-1x", "9" * 5000, "\0", "٣x", "NaN", "1,5", "--1", " "]
COUNTS = [*NUMBERS, "0", "-1", "-0", "1.5", "٣.", "1_0_"]
PATHS = ["", "damaged", "pipe", "/dev/zero", "~nosuch/x", "x" * 300, "\0", "a/\0/b", "deep.json"]
WRONG = {
    "NETWORK": NAMES, "MEMBER": [*NAMES, "conv2_relu_dropout_x5"], "NUMBER": NUMBERS,
    "COUNT": COUNTS, "SETTING": [
        "x", "=", "learning_rate", "learning_rate=x", "learning_rate=-1e400", "epochs=1.5",
        "layers=3", "augment=5", "no_such=1", "epochs=" + "[" * 3000, "cost=[]", "batch_size=0",
        "regularization={}", "images=-1", "classes=1000000000", "input_shape=[1]",
    ],
    "DATA": ["", "~nosuch/x", "./nosuch", "/nosuch/x.npz", "damaged", "bad.npz", "pipe.npz", "\0"],
    "SIZE": ["28", "28x", "0x28", "28x99999", "-1x3", "28X28", "axb", ""],
    "CHANNELS": ["2", "", "one", "1.0"], "RESIZE": ["bend", ""], "FORMAT": ["onxx", "", "h5"],
    "SEEDS": ["", "a", "0-", "-1", "0-9999999999", "9" * 5000, "0,,1", "0-4"], "RULE": ["loud", ""],
    "METHOD": ["svn", ""], "EXPERIMENT": ["ch9_none", "", "\0"], "LANGUAGE": ["xx", "", "../zh"],
    "SPLIT": ["train", ""], "PORT": ["x", "-1", "65536", "9" * 5000, ""],
    "MODULE": ["", ".x", "no_such", "broken", "unreadable", "a..b", "\0"],
    "BUDGET": ["", "0", "0s", "-1s", "1d", "9" * 5000], "SECONDS": ["", "0s", "x", "-1s", "1"],
    "FOLDER": ["", "pipe", "/dev/null"], "SOURCE": ["", "pipe", "damaged", "nowhere", "~nosuch/x"],
    "BEST": [*PATHS, "no.json", "executes.json", "large.json", "latin.json", "nowhere.json"],
    "RUN": [*PATHS, "nowhere"], "RUNS": ["", "nowhere", "pipe", "/dev/null"],
    "PICTURE": ["nowhere.png", "no.json", "damaged", "pipe", "/dev/zero", "", "\0"],
    "RESULTS": ["bytes.csv", "long.csv", "zero.csv", "damaged", "pipe", ""],
    "DOCUMENT": ["no.json", "damaged", "pipe", "nowhere.md", "latin.json", ""],
    "SPACE": [*PATHS, "no.json", "latin.json", "executes.json", "nowhere.json"],
    "PROJECT": [*PATHS, "nowhere"], "FILE": ["", "pipe", "/dev/null"],
}  # fmt: skip


def call(name: str, seconds: float, most: int = 10**9, seed: int = 0) -> Tally:
    """Make wrong calls until the time or the number is used up.

    Args:
        name: Of the campaign.
        seconds: How long.
        most: Calls.
        seed: Of the first.

    Returns:
        The count. A failure is an exit code other than 1 or 2, an error that escapes, no message or
        a traceback, a call of more than MOST_SECONDS, or one that imports TensorFlow.
    """
    from tests.cli.test_wrong_calls import _write_files

    tally, end, before = Tally(name), time.monotonic() + seconds, Path.cwd()
    sys.meta_path.insert(0, _NoTensorFlow())
    with tempfile.TemporaryDirectory() as folder:
        _write_files(Path(folder))
        os.mkfifo(Path(folder, "pipe"))
        os.mkfifo(Path(folder, "pipe.npz"))
        Path(folder, "bad.npz").write_bytes(b"PK\x03\x04")
        os.chdir(folder)
        try:
            while tally.tried < most and time.monotonic() < end:
                generator = random.Random(seed + tally.tried)
                program, arguments = wrong_call(generator)
                if problem := _fault(program, arguments):
                    shown = " ".join(repr(each)[:60] for each in arguments)
                    tally.fail(f"seed {seed + tally.tried}: {program} {shown}: {problem}")
                tally.tried += 1
        finally:
            os.chdir(before)
            del sys.meta_path[0]
    return tally


class _NoTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "tensorflow_datasets"):
            raise AssertionError(f"{name} is imported")


def wrong_call(generator: random.Random) -> tuple[str, list[str]]:
    """A program, and arguments of which one is wrong."""
    program = generator.choice(["zoo", "zoo", "zoo", "tuning"])
    words = generator.choice(ZOO if program == "zoo" else TUNING).split()
    kinds = [place for place, word in enumerate(words) if word in WRONG]
    fault = generator.choice(kinds)
    if generator.random() < 0.1:  # an option that there is none of, or one without its value
        words = [generator.choice(SOUND.get(word, ["x"])) for word in words]
        return program, [*words, generator.choice(["--no-such", "--out", "--data", "-x", "--set"])]
    chosen, skipped = [], set()
    for place, word in enumerate(words):
        if place == fault:
            chosen.append(generator.choice(WRONG[word]))
        elif word not in SOUND and word in WRONG:
            skipped.add(len(chosen) - 1)  # its option is left out with it
        else:
            chosen.append(generator.choice(SOUND[word]) if word in SOUND else word)
    return program, [word for place, word in enumerate(chosen) if place not in skipped]


def _fault(program: str, arguments: list[str]) -> str:
    main = _mains()[program]
    out, err = io.StringIO(), io.StringIO()
    began = time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
    except SystemExit as error:
        code = error.code
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    took, message = time.process_time() - began, err.getvalue() or out.getvalue()
    if took > MOST_SECONDS:
        return f"took {took:.1f} s"
    if code not in (1, 2):
        return f"exit code {code}: {message[:200]}"
    if "Traceback" in message or "[Errno" in message or not message.strip():
        return f"said {message[-300:]!r}"
    if code == 1 and message.count("\n") > 1:
        return f"more than one line: {message[:300]!r}"
    return ""


def _mains() -> dict[str, Callable[[list[str]], int | None]]:
    from tuning.cli import main as tuning
    from zoo.cli.main import main as zoo

    sys.path[:] = [str(ROOT), *(each for each in sys.path if each != str(ROOT))]
    return {"zoo": zoo, "tuning": tuning}

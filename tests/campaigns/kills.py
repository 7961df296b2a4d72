"""Kills: a command dies without warning at a random moment, and the same command goes on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from tests.campaigns.fuzzing import Tally
from tests.paths import ROOT

COMMANDS = {
    "export SavedModel": ["export", "mlp30", "--version", "1", "--out", "{folder}"],
    "export ONNX": ["export", "mlp30", "--format", "onnx", "--out", "{folder}"],
    "export LiteRT": ["export", "mlp30", "--format", "litert", "--out", "{folder}"],
    "train": [
        "train",
        "linear",
        "--limit",
        "2000",
        "--epochs",
        "6",
        "--quiet",
        "--out",
        "{folder}/run",
    ],
}

# What is whole when it is there, and the metadata that it must have beside or in it.
WHOLE = {
    "export SavedModel": ("mlp30/1", "mlp30/1/metadata.json"),
    "export ONNX": ("mlp30/mlp30.onnx", "mlp30/mlp30.onnx.json"),
    "export LiteRT": ("mlp30/mlp30.tflite", "mlp30/mlp30.tflite.json"),
    "train": ("run/run.json", "run/run.json"),
}


def kill(name: str, folder: Path, seconds: float, seed: int = 0) -> Tally:
    """Kill a command again and again at random moments, until the time is used up.

    Args:
        name: Of the command.
        folder: Where its files go, a new folder each time.
        seconds: How long.
        seed: Of the moments.

    Returns:
        The count of kills. A failure is a half-written file at its place, an error of the command
        that goes on, or a temporary that stays.
    """
    tally, moments = Tally(f"kill {name}"), random.Random(seed)
    end, longest = time.monotonic() + seconds, 12.0
    while time.monotonic() < end:
        place = folder / f"{name}-{tally.tried}"
        start = time.monotonic()
        first = _start(name, place)
        try:
            first.wait(timeout=moments.uniform(0.5, longest))
            longest = max(1.0, 1.05 * (time.monotonic() - start))
            continue  # it was over before
        except subprocess.TimeoutExpired:
            first.kill()
            first.wait()
        tally.tried += 1
        if failure := _check(name, place):
            tally.fail(f"{name}: {failure}")
    return tally


def _start(name: str, folder: Path) -> subprocess.Popen:
    folder.mkdir(exist_ok=True, parents=True)
    call = [part.format(folder=folder) for part in COMMANDS[name]]
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", *call],
        cwd=ROOT,
        env={**os.environ, "MPLBACKEND": "Agg"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _check(name: str, folder: Path) -> str:
    whole, metadata = (folder / part for part in WHOLE[name])
    there = whole.exists()
    if there:
        try:
            json.loads(metadata.read_text())
        except (OSError, ValueError) as error:
            return f"half-written after the kill: {error}"
    again = _start(name, folder)
    _, error = again.communicate(timeout=300)
    finished_before = there and "exists already" in error
    if again.returncode and not finished_before:
        return f"the same command ends with {again.returncode}: {error[-200:]}"
    if not whole.exists():
        return "nothing is there after the second run"
    left = [path.name for path in whole.parent.glob(".*")]
    return f"left behind: {left}" if left and not finished_before else ""

"""Commands of README and the manual, given as they stand there, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.paths import ROOT
from tests.test_documentation import PAGES, blocks

PROGRAMS = tuple(f"python -m {program}" for program in ("zoo", "tuning", "benchmarks.letters"))

# They serve, wait for input, fetch from the net, or want another machine; other tests run those.
ELSEWHERE = (
    "zoo serve", "zoo book", "zoo lab", "zoo vote", "fashion_mnist", "runs/across", "owner/name",
    "--storage", "--ray", "units.json",
)  # fmt: skip

# What would take long, in a shorter form.
SHORTER = {
    "--size 32x32": "--size 32x32 --epochs 1",
    "zoo train --from": "zoo train --epochs 2 --from",
    "--budget 10m": "--budget 20s",
    "--trials 40": "--trials 3 --limit 500",
    "--trials 27": "--trials 4 --limit 500",
    "--budget 30": "--trials 3 --limit 500",
    "--steps 4 --epochs 5 --limit 10000": "--steps 2 --epochs 1 --limit 500",
    "hyperband mlp30": "hyperband mlp30 --limit 500 --budget 5s",
}


def prepare(folder: Path, test) -> None:
    """A photo of dark ink, and a folder of pictures, a sub-folder a class."""
    for number, (image, digit) in enumerate(zip(test.images[:300], test.labels, strict=False)):
        place = folder / "pictures" / str(digit) / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(place)
    ink = np.kron(test.images[0, ..., 0], np.ones((8, 8), np.uint8))
    for name in ("photo.jpg", "photo.png"):
        Image.fromarray(255 - ink).save(folder / name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["README.md", "quickstart.md", "export.md", "own_pictures.md", "tuning.md"]
)
def test_the_commands_of_a_page_work_one_after_the_other(name, mnist, tmp_path):
    prepare(tmp_path, mnist.test)
    (page,) = (page for page in PAGES if page.name == name)
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    ours = [line for line in lines if line.startswith(PROGRAMS)]
    for command in ours:
        if any(part in command for part in ELSEWHERE):
            continue
        for long, short in SHORTER.items():
            command = command.replace(long, short)
        done = subprocess.run(
            command.replace("python", sys.executable, 1),
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "ZOO_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"

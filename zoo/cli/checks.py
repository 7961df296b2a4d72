"""What can be refused before TensorFlow is imported, which takes seconds."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import DataError, RunError, SpecError, nearest
from zoo.export import FORMATS, path_of
from zoo.spec import ModelSpec, NetworkSpec

if TYPE_CHECKING:
    from zoo.data import Data

_BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")


def check_backend() -> None:
    """Raise SpecError where $KERAS_BACKEND names none that Keras has, or one that is missing."""
    name = os.environ.get("KERAS_BACKEND", "")
    if name and name not in _BACKENDS:
        raise SpecError(
            f"KERAS_BACKEND is {name!r}.{nearest(name, _BACKENDS)} Keras runs on: "
            f"{', '.join(_BACKENDS)}."
        )
    if name and importlib.util.find_spec(name) is None:
        raise SpecError(f"KERAS_BACKEND is {name!r}, which is not installed: pip install {name}")


def check_weights(spec: NetworkSpec) -> None:
    """Raise UnknownNameError where a network has no pretrained weights."""
    from zoo.pretrained.manifest import entry_of

    entry_of(spec.name)


def check_run(folder: Path, spec: NetworkSpec) -> None:
    """Raise where a folder holds no finished run of a network: RunError, or SpecError of another.

    Its run.json is read; its weights are not.
    """
    from zoo.training.run_record import read_run

    if not (folder / "run.json").is_file():
        raise RunError(f"{folder} holds no finished run: `{_training(folder, spec.name)}`")
    trained = read_run(folder / "run.json").network
    if trained.name != spec.name:
        raise SpecError(f"{folder} holds a run of {trained.name}, not of {spec.name}")


def _training(folder: Path, name: str) -> str:
    """The command whose run a folder would hold, with the seed that the folder's name ends with."""
    seed = re.search(r"-seed(\d+)\Z", folder.name)
    words = ["python", "-m", "zoo", "train", name, *(("--seed", seed[1]) if seed else ())]
    usual = seed and folder == Path("runs") / f"{name}-seed{seed[1]}"
    return shlex.join(words if usual else [*words, "--out", str(folder)])


def _more_runs(name: str, runs: Path) -> str:
    """The command for one more run: on whatever images the others were trained on."""
    out = f"{shlex.quote(str(runs))}/{name}-seedN"
    return f"python -m zoo train {name} --seed N --out {out}, on the same images"


def check_source(spec: NetworkSpec, run: Path | None) -> None:
    """Raise where neither the run that is named, nor else pretrained weights, are there."""
    if run is None:
        check_weights(spec)
    else:
        check_run(run, spec)


def check_images(spec: NetworkSpec, run: Path | None, data: Data) -> None:
    """Raise DataError where a network was trained on images of another size, or other classes.

    Args:
        spec: The network, as its name has it.
        run: The folder of the run that trained it; None for the pretrained network, of digits.
        data: What it is to be scored on, or adapted to.
    """
    from zoo.data.dataset import DIGIT_NAMES
    from zoo.training.run_record import read_run

    record = read_run(run / "run.json") if run else None
    spec = record.network if record else spec
    names = (record and record.class_names) or DIGIT_NAMES
    if data.shape != spec.input.shape:
        wanted, found = ("x".join(map(str, shape)) for shape in (spec.input.shape, data.shape))
        raise DataError(
            f"{spec.name} takes images of {wanted}, and those of {data.name} are {found}: give "
            "those that it was trained on by --data, and their size by --size"
        )
    if data.classes != spec.output_classes or (record and names != data.class_names):
        raise DataError(
            f"{spec.name} was trained on other classes than those of {data.name}: on "
            f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}. Give its data by --data"
        )


def check_place(
    format: str, folder: Path, name: str, *, version: int | None, overwrite: bool
) -> None:
    """Raise RunError where an export would meet something that it may not replace.

    SpecError is for a version of a format that has none.
    """
    if version is not None and format != FORMATS[0]:
        raise SpecError(f"--version is of a {FORMATS[0]}: leave it out for {format}")
    path = path_of(format, folder, name=name, version=version)
    if path.exists() and (format == FORMATS[0] or not overwrite):
        message = "and a version stays as it is" if format == FORMATS[0] else "overwrite it"
        raise RunError(f"{path} exists already: {message}, or choose another folder")


def check_runs(spec: NetworkSpec, runs: Path) -> None:
    """Raise RunError where a folder of runs has no finished one of a network."""
    if not any(runs.glob(f"{spec.name}-seed*/run.json")):
        raise RunError(f"{runs} has no finished run of {spec.name}: {_more_runs(spec.name, runs)}")


def check_voters(spec: NetworkSpec, of: int, seeds: list[int] | None, runs: Path) -> None:
    """Raise where runs of a network cannot be drawn from: SpecError, or RunError for missing ones.

    Args:
        spec: Of the members; an ensemble has none of its own.
        of: How many vote together.
        seeds: Of the runs, if they are named.
        runs: The folder that has them.
    """
    if not isinstance(spec, ModelSpec):
        raise SpecError(f"{spec.name} is no single stack of layers: draw from runs of one")
    if seeds is None:
        there = len(list(runs.glob(f"{spec.name}-seed*/run.json")))
    else:
        there = len(set(seeds))
    if there < of:
        raise SpecError(
            f"votes of {of} need as many runs of {spec.name}, and there are {there}: "
            f"{_more_runs(spec.name, runs)}"
        )
    for seed in seeds or ():
        check_run(runs / f"{spec.name}-seed{seed}", spec)

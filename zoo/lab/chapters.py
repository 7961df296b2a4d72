"""The list of all experiments, chapter by chapter, in the order of the book."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from importlib import import_module

from zoo.errors import UnknownNameError, nearest
from zoo.lab.core.experiment import Experiment

# A chapter is a package; its MODULES names the modules that hold experiments, in the book's order.
CHAPTERS = (1, 2, 3, 4, 5, 6)


def experiments(pattern: str = "*") -> list[Experiment]:
    """The experiments whose names match a pattern, in the book's order.

    Args:
        pattern: With wildcards, as in 'ch3_*'.

    Raises:
        UnknownNameError: None does; the message names the nearest one.
    """
    known = _all()
    found = [each for each in known if fnmatch.fnmatchcase(each.name, pattern)]
    if not found:
        raise _unknown(pattern, known)
    return found


def get_experiment(name: str) -> Experiment:
    """The experiment of a name.

    Args:
        name: As `python -m zoo lab list` shows it.

    Raises:
        UnknownNameError: There is none; the message names the nearest one.
    """
    known = _all()
    for each in known:
        if each.name == name:
            return each
    raise _unknown(name, known)


def _all() -> Sequence[Experiment]:
    packages = [f"zoo.lab.chapter{number}" for number in CHAPTERS]
    names = [f"{package}.{name}" for package in packages for name in import_module(package).MODULES]
    values = [value for name in names for value in vars(import_module(name)).values()]
    return [value for value in values if isinstance(value, Experiment)]


def _unknown(name: str, known: Sequence[Experiment]) -> UnknownNameError:
    return UnknownNameError(
        f"there is no experiment {name!r}.{nearest(name, [each.name for each in known])} "
        "`python -m zoo lab list` lists them all."
    )

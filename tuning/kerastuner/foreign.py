"""Searches by keras-tuner's own oracles: what search.json holds in the place of a strategy."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras_tuner

from tuning.search import Search
from tuning.store.identity import settle_identity
from zoo.data import Data

# What may change while a search goes on, or is drawn anew in each process where nobody gives it.
_FREE = ("seed", "max_trials", "hyperband_iterations", "max_retries_per_trial",
         "max_consecutive_failed_trials")  # fmt: skip


def oracle_settings(oracle: keras_tuner.Oracle) -> dict[str, Any]:
    """The class and the settings of an oracle, as plain data.

    Args:
        oracle: Before a tuner has it, which would give it the settings that an earlier search kept.
    """
    kinds = [kind for kind in type(oracle).__mro__ if issubclass(kind, keras_tuner.Oracle)]
    names = {name for kind in kinds for name in inspect.signature(kind).parameters}
    known = {name: getattr(oracle, name, None) for name in sorted(names.difference(_FREE))}
    plain = {
        name: value for name, value in known.items() if isinstance(value, bool | int | float | str)
    }
    objective = {"name": oracle.objective.name, "direction": oracle.objective.direction}
    return {"kind": type(oracle).__name__, "oracle": {**plain, "objective": objective}}


def settle(found: Search, settings: Mapping[str, Any], data: Data) -> None:
    """Note in the folder what is searched and by which oracle, or check that it is the same.

    Args:
        found: The network, the space and the folder.
        settings: As `oracle_settings` returns them.
        data: What is trained on.

    Raises:
        RunError: The folder is that of another search.
    """
    mine = replace(found.identity(), strategy=dict(settings), data=data.fingerprint)
    settle_identity(found.project / "search.json", mine)

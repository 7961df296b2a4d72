"""Models of paused runs, so that whoever takes a run up in this process compiles no step anew.

What a run is, its folder says; a model that is not here is built and compiled again.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import keras

# What a rung of Hyperband leaves behind at most, as a rule; each holds some tens of megabytes.
MOST = 32

_models: OrderedDict[Path, keras.Model] = OrderedDict()


def keep(folder: Path, model: keras.Model) -> None:
    """Keep the model of a run that has paused; the one that was kept first makes room.

    Args:
        folder: Of the run.
        model: With its weights and its optimizer's state.
    """
    _models.pop(folder.absolute(), None)
    _models[folder.absolute()] = model
    while len(_models) > MOST:
        _models.popitem(last=False)


def take(folder: Path) -> keras.Model | None:
    """The model of the run that has paused in a folder, once; None where it is not kept."""
    return _models.pop(folder.absolute(), None)

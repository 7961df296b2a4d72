"""Trials as keras-tuner's users see them: settings and scores, and nothing that only we read."""

from __future__ import annotations

import copy
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial as KerasTrial
from keras_tuner.src.engine.oracle import Display

# Before the names of values that processes tell each other beside the settings.
PRIVATE = "zoo/"


class ShownTrial(KerasTrial):
    """A trial that shows its settings alone."""

    def display_hyperparameters(self) -> None:
        """Print the settings of the trial, one a line."""
        stand_in = copy.copy(self)
        stand_in.hyperparameters = public(self.hyperparameters)
        KerasTrial.display_hyperparameters(stand_in)


class ShownProgress(Display):
    """keras-tuner's table of a trial that begins."""

    def show_hyperparameter_table(self, trial: KerasTrial) -> None:
        """Print the settings of a trial beside those of the best so far."""
        stand_in = copy.copy(trial)
        stand_in.hyperparameters = public(trial.hyperparameters)
        super().show_hyperparameter_table(stand_in)


def public(hp: keras_tuner.HyperParameters) -> keras_tuner.HyperParameters:
    """The settings without the values that processes tell each other beside them."""
    shown = hp.copy()
    shown.values = {name: value for name, value in hp.values.items() if not _private(name)}
    return shown


def _private(name: Any) -> bool:
    return str(name).startswith(PRIVATE)

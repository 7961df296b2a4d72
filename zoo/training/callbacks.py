"""The Keras callbacks of a run: they keep its history and weights, end it, and show it."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping

import keras
from tqdm import tqdm

from zoo.data import Split
from zoo.nn import dropout
from zoo.nn.nested import all_layers
from zoo.nn.schedules import decay_factor, first_epoch_without_dropout
from zoo.spec import NetworkSpec, Recipe
from zoo.training import weights
from zoo.training.early_stopping import plateau_rule
from zoo.training.run_folder import RunFolder, TrainingState
from zoo.training.shared_scores import accuracy


class Recorder(keras.callbacks.Callback):
    """Writes the history, keeps the best weights, and stops a diverged run."""

    def __init__(self, state: TrainingState, monitor: Mapping[str, Split]):
        super().__init__()
        self.state = state
        self.monitor = monitor

    def on_epoch_begin(self, epoch, logs=None):
        """Start the epoch's clock."""
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Record the epoch's figures, and stop a run that diverged."""
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}}
        row["seconds"] = time.perf_counter() - self.began
        for name, split in self.monitor.items():
            row[f"{name}_accuracy"] = accuracy(self.model, split)
        self.state.rows.append(row)
        if not math.isfinite(row["loss"]):
            self.state.diverged = self.model.stop_training = True
        elif row["val_accuracy"] >= self._best():
            self.state.best_epoch = epoch + 1
            self.state.best_weights = weights.arrays(self.model.weights)

    def _best(self) -> float:
        best = self.state.best_epoch
        return self.state.rows[best - 1]["val_accuracy"] if best else 0.0


class Checkpoint(keras.callbacks.Callback):
    """Saves a run after each epoch; it comes last.

    An epoch that is interrupted while another callback is at work is so repeated with all of them.
    """

    def __init__(self, state: TrainingState, folder: RunFolder):
        super().__init__()
        self.state = state
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        """Save the state after the epoch."""
        self.folder.save(self.model, self.state)


class Patience(keras.callbacks.Callback):
    """Lowers the learning rate, or stops, when the validation accuracy no longer improves."""

    def __init__(self, state: TrainingState, recipe: Recipe):
        super().__init__()
        self.state = state
        self.recipe = recipe

    def on_epoch_begin(self, epoch, logs=None):
        """Set the learning rate that the plateau rule asks for."""
        factor = plateau_rule(self.state.accuracies, self.recipe).factor
        if factor < 1:
            self.model.optimizer.learning_rate = self.recipe.learning_rate * factor

    def on_epoch_end(self, epoch, logs=None):
        """Stop where the plateau rule says so."""
        if plateau_rule(self.state.accuracies, self.recipe).stop:
            self.model.stop_training = True


class Decay(keras.callbacks.Callback):
    """Sets the learning rate of each epoch by a recipe's schedule 'decay'."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        self.recipe = recipe

    def on_epoch_begin(self, epoch, logs=None):
        """Set the learning rate of the epoch."""
        if self.recipe.schedule == "decay":
            factor = decay_factor(self.recipe, epoch)
            self.model.optimizer.learning_rate = self.recipe.learning_rate * factor


class DropoutOff(keras.callbacks.Callback):
    """Leaves dropout out of the last epochs, as many as the recipe says."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        self.recipe = recipe
        self.off = False

    def on_epoch_begin(self, epoch, logs=None):
        """Turn dropout off at the first epoch without it."""
        if epoch >= first_epoch_without_dropout(self.recipe) and not self.off:
            self._turn_off(True)

    def on_train_end(self, logs=None):
        """Turn dropout on again."""
        if self.off:
            self._turn_off(False)  # the model may be trained further, by another recipe

    def _turn_off(self, off: bool) -> None:
        self.off = off
        for layer in all_layers(self.model):
            if isinstance(layer, dropout.BookDropout | dropout.DropConnect):
                layer.disabled = off
        self.model.make_train_function(force=True)  # the compiled one still has the masks it had


class ProgressBar(keras.callbacks.Callback):
    """One bar for the whole run; where no terminal watches, one line an epoch."""

    def __init__(self, spec: NetworkSpec, state: TrainingState):
        super().__init__()
        self.spec = spec
        self.state = state

    def on_train_begin(self, logs=None):
        """Open the bar, at the epoch where a resumed run goes on."""
        images = self.spec.recipe.images
        self.bar = tqdm(
            desc=self.spec.name,
            total=self.spec.recipe.epochs * images,
            initial=self.state.epoch * images,
            unit=" images",
            unit_scale=True,
            disable=not sys.stderr.isatty(),
        )

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar on."""
        self.bar.update(self.spec.recipe.images / self.params["steps"])

    def on_epoch_end(self, epoch, logs=None):
        """Show the epoch's figures, beside the bar or as a line of their own."""
        message = f"epoch {epoch + 1}/{self.spec.recipe.epochs}, cost {logs['loss']:.4f}"
        message += f", validation {logs['val_accuracy']:.2%}".replace("%", " %")
        if self.bar.disable:
            print(f"{self.spec.name}: {message}", file=sys.stderr)
        else:
            self.bar.set_postfix_str(message)

    def on_train_end(self, logs=None):
        """Close the bar."""
        self.bar.close()

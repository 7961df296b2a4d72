"""What network3.py prints while it trains, as a Keras callback."""

from __future__ import annotations

import keras

from zoo.data import Split
from zoo.evaluation.scores import evaluate

EVERY = 1000  # mini-batches between two lines


class Progress(keras.callbacks.Callback):
    """Prints mini-batches by the thousand, accuracies by the epoch, and the best at the end."""

    def __init__(self, batches: int, validation: Split, test: Split):
        super().__init__()
        self.batches = batches
        self.validation, self.test = validation, test
        self.best, self.best_iteration, self.test_accuracy = 0.0, 0, 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.printed = epoch, epoch * self.batches

    def on_train_batch_begin(self, batch, logs=None):
        self._tell(self.epoch * self.batches + batch * self._in_a_block())

    def on_epoch_end(self, epoch, logs=None):
        self._tell((epoch + 1) * self.batches - 1)
        accuracy = evaluate(self.model, self.validation).accuracy
        print(f"Epoch {epoch}: validation accuracy {accuracy:.2%}")
        if accuracy >= self.best:
            print("This is the best validation accuracy to date.")
            self.best, self.best_iteration = accuracy, (epoch + 1) * self.batches - 1
            self.test_accuracy = evaluate(self.model, self.test).accuracy
            print(f"The corresponding test accuracy is {self.test_accuracy:.2%}", flush=True)

    def finish(self) -> None:
        """Print the best of all epochs."""
        print("Finished training network.")
        print(
            f"Best validation accuracy of {self.best:.2%} obtained at iteration "
            f"{self.best_iteration}"
        )
        print(f"Corresponding test accuracy of {self.test_accuracy:.2%}", flush=True)

    def _in_a_block(self) -> int:
        return -(-self.batches // (self.params["steps"] or 1))

    def _tell(self, iteration: int) -> None:
        # A block of mini-batches may pass a thousand; every thousand gets its line.
        while self.printed <= iteration:
            if self.printed % EVERY == 0:
                print(f"Training mini-batch number {self.printed}", flush=True)
            self.printed += 1

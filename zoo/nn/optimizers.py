"""Stochastic gradient descent as the book has it, and the learning rate of one cycle."""

from __future__ import annotations

import keras
from keras import ops

from zoo.nn.schedules import one_cycle_points
from zoo.spec import Recipe


@keras.saving.register_keras_serializable("zoo")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises in a straight line to its peak, and falls in another to 0."""

    def __init__(self, peak: float, peak_step: int, last_step: int):
        super().__init__()
        self.peak, self.peak_step, self.last_step = peak, peak_step, last_step

    def __call__(self, step):
        """Return the learning rate of a step, counted from 0."""
        # Counted from 1, so that the first step is not lost on a rate of 0.
        step = ops.cast(step, "float32") + 1
        rise = step / self.peak_step
        fall = (self.last_step + 1 - step) / (self.last_step + 1 - self.peak_step)
        return self.peak * ops.maximum(ops.minimum(rise, fall), 0.0)

    def get_config(self):
        """Return what a saved model needs to make this schedule again."""
        return {"peak": self.peak, "peak_step": self.peak_step, "last_step": self.last_step}


def optimizer(recipe: Recipe) -> keras.Optimizer:
    """Stochastic gradient descent; momentum is the book's v -> mu v - eta grad C (eq. 107)."""
    rate = recipe.learning_rate
    if recipe.schedule == "one_cycle":
        rate = OneCycle(rate, *one_cycle_points(recipe))
    return keras.optimizers.SGD(rate, recipe.momentum, recipe.nesterov, name="sgd")

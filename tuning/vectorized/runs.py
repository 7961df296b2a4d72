"""Runs in one program: what each has of its own, and one epoch of them all."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from keras import ops

from tuning.vectorized.program import ProgramKey, settings_of, template_of
from tuning.vectorized.programs import PROGRAMS
from tuning.vectorized.sizes import cut, fill, widest
from zoo.data import Split
from zoo.evaluation.scores import EVALUATION_BATCH
from zoo.nn.batching import Blocks
from zoo.nn.builder import build_model
from zoo.training.callbacks import Recorder
from zoo.training.early_stopping import plateau_rule
from zoo.training.job import TrainingJob, TrainResult
from zoo.training.run_folder import TrainingState

Batch = tuple[tf.Tensor, tf.Tensor]
Feeds = dict[int, Blocks]


class Run:
    """One network on its way: its job, its model, and how far it has come.

    With `until`, it pauses after so many epochs, unless it has ended by then.
    """

    def __init__(self, number: int, job: TrainingJob, until: int | None = None):
        self.number = number
        self.job = job
        self.until = until
        self.model = build_model(job.spec, seed=job.seed)
        self.model.optimizer.build(self.model.trainable_variables)
        self.state: TrainingState = job.begin(self.model)

    @property
    def last(self) -> int:
        """How many epochs it has at most when it leaves."""
        epochs = self.job.spec.recipe.epochs
        return min(self.until or epochs, epochs)

    @property
    def over(self) -> bool:
        """Whether no further epoch follows here."""
        return self._ended or self.state.epoch >= self.last

    @property
    def _ended(self) -> bool:
        """Whether no further epoch follows at all: done, diverged, at its end or on a plateau."""
        recipe = self.job.spec.recipe
        ended = self.state.done or self.state.diverged or self.state.epoch == recipe.epochs
        return ended or plateau_rule(self.state.accuracies, recipe).stop

    @property
    def factor(self) -> float:
        """Of the learning rate, in the epoch to come."""
        return plateau_rule(self.state.accuracies, self.job.spec.recipe).factor

    @property
    def order(self) -> int:
        """The seed of the images that it sees; 0 where no seed decides them."""
        recipe = self.job.spec.recipe
        return self.job.seed if recipe.shuffle or recipe.augment else 0

    def velocities(self) -> list[np.ndarray]:
        """What momentum hands to the next step; zeros without it."""
        if self.job.spec.recipe.momentum:
            return [ops.convert_to_numpy(moving) for moving in self.model.optimizer.momentums]
        return [np.zeros_like(array) for array in self.model.get_weights()]

    def end_epoch(self, arrays, velocities, logs: dict[str, float], seconds: float) -> None:
        """Put the weights into the model, and have Keras' callback draw the conclusions.

        Args:
            arrays: The weights, in the order of Keras.
            velocities: What momentum hands to the next step; not used without momentum.
            logs: The epoch's loss and accuracy, and those on the validation images, as Keras names
                them.
            seconds: The run's share of the epoch's time.
        """
        self.model.set_weights(arrays)
        optimizer, recipe = self.model.optimizer, self.job.spec.recipe
        optimizer.iterations.assign((self.state.epoch + 1) * recipe.batches)
        if recipe.momentum:
            for variable, velocity in zip(optimizer.momentums, velocities, strict=True):
                variable.assign(velocity)
        recorder = Recorder(self.state, {})
        recorder.set_model(self.model)
        recorder.began = time.perf_counter() - seconds
        recorder.on_epoch_end(self.state.epoch, logs)

    def save(self) -> None:
        """Save weights and state after an epoch, if the run has a folder."""
        if self.job.folder:
            self.job.folder.save(self.model, self.state)

    def result(self) -> TrainResult:
        """Return the finished run as `zoo.train` would; of a paused one what there is so far."""
        if self._ended:
            return self.job.finish(self.model, self.state)
        self.save()
        rows, best = tuple(self.state.rows), self.state.best_epoch
        return TrainResult(self.job.spec, self.job.seed, self.model, rows, best, False)


def key_of(runs: list[Run], feeds: Feeds) -> ProgramKey:
    """What finds the program for runs that differ in the sizes of hidden layers at most.

    Args:
        runs: One or more; the program holds as many networks.
        feeds: The images by the seed of their order; a single one is shared by all.
    """
    recipes = [run.job.spec.recipe for run in runs]
    return ProgramKey(
        widest([template_of(run.job.spec) for run in runs]),
        len(runs),
        len(feeds) == 1,
        has_momentum=any(recipe.momentum for recipe in recipes),
        has_l1=any(recipe.l1 for recipe in recipes),
    )


def epoch(
    runs: list[Run], key: ProgramKey, feeds: Feeds, validation: list[Batch]
) -> Iterator[tuple]:
    """One epoch by a key's program.

    Args:
        runs: All as many epochs old; they differ in the sizes of hidden layers at most.
        key: Of a program that holds at least as many networks, each at least as large.
        feeds: The images by the seed of their order; each is moved on by an epoch.
        validation: The validation images, in batches.

    Yields:
        Of each run in turn: the run, its weights, its velocities, and its logs at the end.
    """
    # Where some have stopped, the first one's numbers fill the program.
    filled = [*runs, *[runs[0]] * (key.networks - len(runs))]
    recipes = [run.job.spec.recipe for run in filled]
    program, template = PROGRAMS.get(key), key.template
    settings = settings_of(recipes, [run.factor for run in filled])
    own = [run.model.get_weights() for run in filled]
    weights = program.stack([fill(arrays, template, silent=True) for arrays in own])
    velocities = []
    if key.has_momentum:
        moving = [fill(run.velocities(), template, silent=False) for run in filled]
        velocities = program.stack(moving)

    step, trained = runs[0].state.epoch * recipes[0].batches, []
    for images, labels in _blocks(filled, feeds):
        first = tf.constant(step)
        weights, velocities, history = program.train(
            weights, velocities, settings, first, images, labels
        )
        trained.append((labels.shape[0] * labels.shape[-1], history))
        step += labels.shape[0]
    validated = [
        (len(labels), program.evaluate(weights, settings, images, labels))
        for images, labels in validation
    ]
    arrays, moved = program.unstack(weights), program.unstack(velocities)
    logs = zip(_means(trained, ""), _means(validated, "val_"), strict=True)
    for index, (run, (log, val_log)) in enumerate(zip(runs, logs, strict=False)):
        shapes = [array.shape for array in own[index]]
        faster = cut(moved[index], shapes) if key.has_momentum else []
        yield run, cut(arrays[index], shapes), faster, log | val_log


def _blocks(runs: list[Run], feeds: Feeds) -> Iterator[Batch]:
    """The blocks of one epoch, one for all runs or one for each."""
    for index in range(len(feeds[runs[0].order])):
        there = {order: feed[index] for order, feed in feeds.items()}
        images, labels = there[runs[0].order]
        if len(feeds) > 1:
            images, labels = (
                np.stack(arrays, 1)
                for arrays in zip(*(there[run.order] for run in runs), strict=True)
            )
        yield _flat(images, labels)
    for feed in feeds.values():
        feed.next_epoch()


def validation_batches(split: Split) -> list[Batch]:
    """The validation images in the batches in which Keras takes them."""
    starts = range(0, len(split), EVALUATION_BATCH)
    parts = [slice(start, start + EVALUATION_BATCH) for start in starts]
    return [_flat(split.images[part], split.labels[part]) for part in parts]


def _flat(images: np.ndarray, labels: np.ndarray) -> Batch:
    pixels = images.reshape(*images.shape[:-3], -1)
    return tf.constant(pixels), tf.constant(labels, tf.int32)


def _means(measured: list[tuple[int, tuple]], prefix: str) -> list[dict[str, float]]:
    """Of each network the mean cost and the share of right answers, over blocks of so many."""
    counts = np.array([count for count, _ in measured], dtype=float)
    costs = np.array([costs for _, (costs, _) in measured])
    right = np.array([right for _, (_, right) in measured])
    accuracies, losses = right.sum(0) / counts.sum(), counts @ costs / counts.sum()
    return [
        {f"{prefix}accuracy": float(accuracy), f"{prefix}loss": float(loss)}
        for accuracy, loss in zip(accuracies, losses, strict=True)
    ]

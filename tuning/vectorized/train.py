"""Many trials at once: networks that one program trains, a result each.

The results are those of `zoo.train`, within the accuracy of floats: what networks learn is chaotic,
and sums that are taken in another order part two runs in the last digits first. Folders are those
of `zoo.train`, too, and either takes up what the other left.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from tuning.vectorized.program import ProgramKey, template_of
from tuning.vectorized.programs import PROGRAMS
from tuning.vectorized.runs import Feeds, Run, epoch, key_of, validation_batches
from tuning.vectorized.sizes import fits, unsized
from zoo.data import Data, load_data
from zoo.data.mapped import mapping_of
from zoo.errors import SpecError
from zoo.registry import get_spec
from zoo.spec import PIXEL_SCALE, FullyConnected, ModelSpec, NetworkSpec, Softmax
from zoo.training.job import TrainResult
from zoo.training.train import train, training_job

# More do not fit the caches of a processor's core, and gain nothing: benchmarks/vectorized.csv.
MOST = 16

# Seconds between checkpoints, each of which takes about 15 milliseconds a network.
CHECKPOINT = 10.0


def train_vectorized(
    networks: Sequence[str | NetworkSpec],
    data: Data | None = None,
    *,
    seeds: int | Sequence[int] = 0,
    out: Sequence[str | Path | None] | None = None,
) -> list[TrainResult]:
    """Train networks by their recipes, those that can share a program at once.

    Those share layers and cost, and all that decides which images make a mini-batch; they may
    differ in learning rate, momentum, penalties, initial weights, epochs, patience, seed, and,
    while they are small, the sizes of hidden layers. It is fastest where they share the seed, and
    so the order of the images. Where a network cannot be stacked, `zoo.train` trains it.

    Args:
        networks: Names or declarations.
        data: MNIST, unless given.
        seeds: One for all, or one each.
        out: A folder each, as for `zoo.train`; None keeps nothing.

    Returns:
        A result each, in their order.

    Raises:
        SpecError: A name or setting is wrong; DataError and RunError as for `zoo.train`.
    """
    data = data or load_data(progress=False)
    count = len(networks)
    seeds = [seeds] * count if isinstance(seeds, int) else list(seeds)
    out = [None] * count if out is None else list(out)
    if not len(seeds) == len(out) == count:
        raise SpecError(f"{count} networks take {count} seeds and folders, one each")
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise SpecError(f"a seed must be a whole number from 0 up, not {seed!r}")
    results = dict(as_they_end(networks, data, seeds, out))
    return [results[number] for number in range(count)]


def as_they_end(
    networks: Sequence[str | NetworkSpec],
    data: Data,
    seeds: Sequence[int],
    out: Sequence[str | Path | None],
    until: int | None = None,
) -> Iterator[tuple[int, TrainResult]]:
    """Train as `train_vectorized` does; yield a network's number and result once it has ended.

    Args:
        networks: Names or declarations.
        data: Training and validation images.
        seeds: One a network.
        out: A folder a network; None keeps nothing.
        until: Runs pause after so many epochs, and what cannot be stacked is left out; None trains
            all to their end.

    Yields:
        The number of a network, from 0 up, and its result; of a run that paused, what there is so
        far.
    """
    groups: dict[tuple, list[Run]] = {}
    for number, (network, seed, folder) in enumerate(zip(networks, seeds, out, strict=True)):
        spec = get_spec(network)
        # Stacked programs hold the validation images in memory.
        if not stackable(spec) or mapping_of(data.validation.images) is not None:
            if not until:
                yield number, train(spec, data, seed=seed, out=folder, progress=False)
            continue
        job = training_job(spec, data, seed=seed, out=folder)
        run = Run(number, job, until)
        if run.over:
            yield number, run.result()
            continue
        groups.setdefault((unsized(template_of(job.spec)), run.state.epoch), []).append(run)
    with contextlib.ExitStack() as stack:
        for run in itertools.chain.from_iterable(groups.values()):
            stack.enter_context(run.job.held())
        for runs in groups.values():
            for group in _by_size(runs):
                yield from _train_group(group)


def stackable(spec: NetworkSpec) -> bool:
    """Whether a network is one of those that train faster together: dense layers, no dropout."""
    return (
        isinstance(spec, ModelSpec)
        and all(
            isinstance(layer, FullyConnected | Softmax)
            and not (layer.dropout or getattr(layer, "dropconnect", 0))
            for layer in spec.layers
        )
        and spec.recipe.schedule != "decay"  # the rate of an epoch is set by a callback
        and (spec.input.dtype, spec.input.scale) == ("uint8", PIXEL_SCALE)
        and spec.recipe.precision == "float32"
        and _backend_stacks()
    )


@functools.cache
def _backend_stacks() -> bool:
    """Whether Keras runs on TensorFlow, as stacked programs do; where not, one warning says so."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        warnings.warn(
            f"trials are trained one by one: to stack them needs TensorFlow, and Keras runs on "
            f"{backend}",
            stacklevel=3,
        )
    return backend == "tensorflow"


def _by_size(runs: list[Run]) -> Iterator[list[Run]]:
    """Runs in groups of MOST or fewer whose sizes are worth one program, the smallest first."""
    inputs = math.prod(runs[0].job.spec.input.shape)

    def count(run: Run) -> int:
        return run.model.count_params()

    group: list[Run] = []
    for run in sorted(runs, key=count):
        templates = [template_of(each.job.spec) for each in [*group, run]]
        if group and (len(group) == MOST or not fits(templates, inputs)):
            yield group
            group = []
        group.append(run)
    yield group


def _train_group(runs: list[Run]) -> Iterator[tuple[int, TrainResult]]:
    """Train runs of one shape and epoch; each stops by itself."""
    saved = time.monotonic()
    validation = validation_batches(runs[0].job.validation_set)
    # By what decides the order of the images.
    feeds = {run.order: run.job.blocks(run.state.epoch) for run in runs}
    key = None
    while runs:
        began = time.perf_counter()
        key = _program_for(runs, feeds, key)
        ended = list(epoch(runs, key, feeds, validation))
        share = (time.perf_counter() - began) / len(runs)
        for run, *state in ended:
            run.end_epoch(*state, share)
            if run.over:
                yield run.number, run.result()
        runs = [run for run in runs if not run.over]
        if time.monotonic() - saved > CHECKPOINT:
            for run in runs:
                run.save()
            saved = time.monotonic()


def _program_for(runs: list[Run], feeds: Feeds, before: ProgramKey | None) -> ProgramKey:
    """The program for the next epoch of runs of one shape and epoch.

    Args:
        runs: Those that go on.
        feeds: The images by the seed of their order.
        before: Of the epoch before, when there were as many runs or more. A new program is made for
            half as many, or a quarter: so few programs are compiled.
    """
    width = len(runs)
    if before:
        width = before.networks
        while 2 * len(runs) <= width:
            width = -(-width // 2)
    left = max(run.last for run in runs) - runs[0].state.epoch
    images = left * runs[0].job.spec.recipe.images
    return PROGRAMS.cheapest(key_of(runs, feeds), images, width)

"""Many trials at once: networks that one program trains, a result each.

The results are those of `zoo.train`, within the accuracy of floats: what networks learn is chaotic,
and sums that are taken in another order part two runs in the last digits first. Folders are those
of `zoo.train`, too, and either takes up what the other left.
"""

from __future__ import annotations

import functools
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import keras

from tuning.vectorized.program import template_of, widths_of
from tuning.vectorized.runs import Run, epoch, key_of, validation_batches
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

# A narrower program takes half a second to compile, the time of about as many images.
WORTH_COMPILING = 200_000


def train_vectorized(
    networks: Sequence[str | NetworkSpec],
    data: Data | None = None,
    *,
    seeds: int | Sequence[int] = 0,
    out: Sequence[str | Path | None] | None = None,
) -> list[TrainResult]:
    """Train networks by their recipes, those that can share a program at once.

    Those share layers and cost, and all that decides which images make a mini-batch; they may
    differ in learning rate, momentum, penalties, initial weights, patience, seed, and, while they
    are small, the sizes of hidden layers. It is fastest where they share the seed, and so the order
    of the images. Where a network cannot be stacked, `zoo.train` trains it.

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
    key = key_of(runs, feeds)
    width = _first_width(runs, widths_of(key))
    while runs:
        began = time.perf_counter()
        width = _narrowed(width, runs)
        ended = list(epoch(runs, replace(key, networks=width), feeds, validation))
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


def _first_width(runs: list[Run], compiled: Sequence[int]) -> int:
    """How many networks the first program holds: more than there are, where that costs less.

    Args:
        runs: Of one shape and epoch.
        compiled: How many the programs hold that are there already, the fewest first.
    """
    count = len(runs)
    images = (runs[0].last - runs[0].state.epoch) * runs[0].job.spec.recipe.images
    fit = [width for width in compiled if width >= count]
    return fit[0] if fit and (fit[0] - count) * images <= WORTH_COMPILING else count


def _narrowed(width: int, runs: list[Run]) -> int:
    """How many networks the next epoch's program holds: fewer, once that saves more than it costs.

    Halves, so that few programs are compiled.
    """
    recipe, left = runs[0].job.spec.recipe, runs[0].last - runs[0].state.epoch
    narrow = width
    while 2 * len(runs) <= narrow:
        narrow = -(-narrow // 2)
    saved = (width - narrow) * left * recipe.images
    return narrow if saved > WORTH_COMPILING else width

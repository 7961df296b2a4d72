"""Training on several devices, each with its share of every mini-batch (data parallelism).

The gradient of a mini-batch is the mean over its shares, so that the steps are those of one device,
but for the order of sums. Keras brings the means: `tf.distribute.MirroredStrategy` on TensorFlow,
`keras.distribution.DataParallel` on JAX. Devices are the graphics cards, or, where there are none,
the cores of the processor. On JAX they may be those of several processes, on one machine or more:
each calls `keras.distribution.initialize` first, and then trains as if it were alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

from zoo.data import Split
from zoo.errors import RunError, SpecError
from zoo.evaluation.scores import EVALUATION_BATCH
from zoo.spec import Recipe
from zoo.spec.validation import whole_number

BACKENDS = ("tensorflow", "jax")


def check_devices(devices: int, recipe: Recipe, backend: str) -> None:
    """Refuse a number of devices that a recipe or a backend rules out, on whatever machine.

    Args:
        devices: How many, from 1 up.
        recipe: Its mini-batches are shared among them.
        backend: As Keras names it, such as "jax".

    Raises:
        SpecError: The number is none, the mini-batch does not divide, or the backend has no
            training on several devices.
    """
    devices = whole_number(devices, "devices")
    if devices > 1 and backend not in BACKENDS:
        raise SpecError(
            f"Keras trains on several devices with {' or '.join(BACKENDS)}, not with {backend}: "
            "set KERAS_BACKEND, or leave devices out"
        )
    if recipe.batch_size % devices:
        raise SpecError(
            f"mini-batches of {recipe.batch_size} images do not divide among {devices} devices: "
            f"set batch_size to a multiple of {devices}"
        )


def check_sets(devices: int, recipe: Recipe, scored: Iterable[Split]) -> None:
    """Refuse numbers of images whose last batch does not divide among the devices.

    Args:
        devices: How many, from 1 up.
        recipe: With the number of training images that there really are.
        scored: The sets that are scored after each epoch.

    Raises:
        SpecError: A last batch does not divide.
    """
    last = recipe.images % recipe.batch_size
    if recipe.partial_batch and last % devices:
        raise SpecError(
            f"the last mini-batch of {recipe.images} images has {last}, which do not divide among "
            f"{devices} devices: set images, or partial_batch=False"
        )
    for split in scored:
        batches = {min(EVALUATION_BATCH, len(split)), len(split) % EVALUATION_BATCH}
        if any(batch % devices for batch in batches):
            raise SpecError(
                f"a set of {len(split)} images, scored by {EVALUATION_BATCH}, does not divide "
                f"among {devices} devices: give one that does"
            )


@contextlib.contextmanager
def scope(devices: int) -> Iterator[None]:
    """Have the models that are built inside, and fitted inside, train on so many devices.

    Args:
        devices: How many; 1 leaves all as it is.

    Raises:
        RunError: There are fewer, or this process has settled its devices already.
    """
    if devices == 1:
        yield
        return
    import keras

    with (_mirrored if keras.backend.backend() == "tensorflow" else _data_parallel)(devices):
        yield


@contextlib.contextmanager
def _mirrored(devices: int) -> Iterator[None]:
    import tensorflow as tf

    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    processor = tf.config.list_physical_devices("CPU")[0]
    if kind == "CPU" and not tf.config.get_logical_device_configuration(processor):
        _check_cores(devices)
        with contextlib.suppress(RuntimeError):  # it has computed already, on one device
            parts = [tf.config.LogicalDeviceConfiguration()] * devices
            tf.config.set_logical_device_configuration(processor, parts)
            tf.config.threading.set_inter_op_parallelism_threads(devices)
    there = [device.name for device in tf.config.list_logical_devices(kind)]
    _check_number(devices, len(there), kind)
    # Collectives clash where a process trains a second network; these gradients are small anyway.
    reduction = tf.distribute.ReductionToOneDevice()
    strategy = tf.distribute.MirroredStrategy(there[:devices], cross_device_ops=reduction)
    with strategy.scope():
        yield


@contextlib.contextmanager
def _data_parallel(devices: int) -> Iterator[None]:
    import jax
    import keras

    from zoo.nn.processes import are_several

    together = are_several()
    if not together and "xla_force_host_platform_device_count" not in os.environ.get(
        "XLA_FLAGS", ""
    ):
        with contextlib.suppress(RuntimeError):  # it has computed already
            jax.config.update("jax_num_cpu_devices", devices)
    kind = "CPU" if jax.default_backend() == "cpu" else "GPU"
    if kind == "CPU" and not together:
        _check_cores(devices)
    there = keras.distribution.list_devices()
    _check_number(devices, len(there), kind)
    if together and devices < len(there):
        raise RunError(
            f"devices={devices}, and the {jax.process_count()} processes that train together have "
            f"{len(there)}: use all"
        )
    before = keras.distribution.distribution()
    # Each process reads its own share of the images, which are no `tf.data.Dataset`.
    parallel = keras.distribution.DataParallel(devices=there[:devices], auto_shard_dataset=False)
    keras.distribution.set_distribution(parallel)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def cores() -> int:
    """The processor's cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_cores(devices: int) -> None:
    if devices > cores():
        raise RunError(
            f"devices={devices}, and this machine has no graphics card and {cores()} cores: "
            "take as many at most"
        )


def _check_number(devices: int, there: int, kind: str) -> None:
    if devices <= there:
        return
    if kind == "CPU":
        raise RunError(
            f"this process has begun to compute with {there} CPU device: ask for devices={devices} "
            "before anything else computes, in a fresh process"
        )
    raise RunError(f"devices={devices}, and there are {there} of kind {kind}: take as many at most")

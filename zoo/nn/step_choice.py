"""The choice between Keras' own training step, with or without XLA, and matrix products.

It depends on the network, the recipe and the machine, and on nothing that differs between a run and
the same one taken up again, since the two must end alike to the last bit.
"""

from __future__ import annotations

import os
import warnings

import keras
import tensorflow as tf
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

from zoo.nn.conv_lowering import Program, lowered


def _processor_has(feature: str) -> bool:
    return bool(getattr(_multiarray_umath, "__cpu_features__", {}).get(feature))


# Images that a run must see. A program takes about 3 s to compile, and saves about 35 microseconds
# an image of `conv2_relu` (benchmarks/throughput.py). Without AVX-512, where oneDNN is slower by
# far, it saves 385 microseconds, and takes 5 s.
WORTH_COMPILING = 85_000 if _processor_has("AVX512F") else 20_000

# XLA needs 1.3 s for the step of `mlp30`, and saves 16 microseconds an image; 3.2 s and 22
# microseconds without AVX-512.
WORTH_XLA = 85_000

# The share of the machine's memory that a program may take.
MEMORY = 0.5


def choose(model: keras.Model, *, images: int, batches: int, size: int) -> Program | None:
    """The program to train by, or None where Keras' own step is faster, or the only one.

    Args:
        model: a network, compiled.
        images: how many the whole run sees, in all its epochs.
        batches: mini-batches in a block.
        size: images in a mini-batch.

    Returns:
        None, too, where the machine cannot run the program: one warning says why.
    """
    if images < WORTH_COMPILING or _elsewhere() or model.run_eagerly or model.jit_compile:
        return None
    network = lowered(model)
    if network is None:
        return None
    program = Program(network, batches, size)
    obstacle = _obstacle() or _lack_of_memory(program)
    if not obstacle:
        return program
    _say(f"{obstacle}: training uses oneDNN's convolutions, which take longer")
    return None


def worth_xla(images: int) -> bool:
    """Whether XLA saves a dense network more time than it takes, in a run over so many images.

    It is not where the machine cannot, or the user has settled what XLA does: one warning says why.
    """
    if _elsewhere():
        return True
    if images < WORTH_XLA:
        return False
    if obstacle := _obstacle():
        _say(f"{obstacle}: training does without XLA, which takes longer")
    return not obstacle


def _elsewhere() -> bool:
    """Whether it is not this machine's processor alone that computes."""
    return bool(tf.config.list_logical_devices("GPU"))


_said: set[str] = set()


def _say(line: str) -> None:
    if line not in _said:
        _said.add(line)
        warnings.warn(line, stacklevel=3)


def _obstacle() -> str:
    if os.environ.get("TF_XLA_FLAGS"):
        return "TF_XLA_FLAGS is set"
    return "" if _processor_has("AVX2") else "this processor has no AVX2"


def _lack_of_memory(program: Program) -> str:
    if program.memory <= MEMORY * _memory():
        return ""
    return f"a block of {program.batches} batches of {program.size} images needs too much memory"


def _memory() -> float:
    """Bytes of the machine's memory, where the system says so."""
    if not hasattr(os, "sysconf"):
        return float("inf")
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

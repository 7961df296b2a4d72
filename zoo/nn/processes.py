"""Processes that train one network together, each with its share of every mini-batch: JAX alone."""

from __future__ import annotations

import keras
import numpy as np


def are_several() -> bool:
    """Whether `keras.distribution.initialize` gave this process others to train with."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.distributed.is_initialized()


def process() -> tuple[int, int]:
    """The number of this process, from 0, and how many train together; (0, 1) of one alone."""
    if not are_several() or keras.distribution.distribution() is None:
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def share(count: int) -> slice:
    """Which of so many images this process computes; all of them, where it is alone."""
    number, processes = process()
    return slice(count * number // processes, count * (number + 1) // processes)


def agree(what: bytes) -> bool:
    """Whether all processes give the same bytes of the same number; each of them must call it."""
    if process()[1] == 1:
        return True
    from jax.experimental import multihost_utils

    mine = np.frombuffer(what, np.uint8)
    every = multihost_utils.process_allgather(mine)
    return bool((every == mine).all())

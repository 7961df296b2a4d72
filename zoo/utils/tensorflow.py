"""TensorFlow imported without its start-up notes, which tell of GPUs that are not there.

They are written before TensorFlow reads its own log level (tensorflow issue 100442), so nothing but
the file descriptor itself can hold them back.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator

# oneDNN makes convolutions fast on a processor. The book's batches of ten are too small to share
# among threads, which costs more than it gains; and with one thread, sums do not depend on the
# number of cores.
ENVIRONMENT = {
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


_verbose = False


def be_verbose() -> None:
    """Let TensorFlow and the tools behind exports say what they have to say, from here on."""
    global _verbose
    _verbose = True


def is_verbose() -> bool:
    """Whether `be_verbose` was called."""
    return _verbose


def set_environment() -> None:
    """Give TensorFlow one thread and oneDNN, as far as the user's environment does not say.

    TensorFlow counts its threads when it first computes, and after that nothing changes them.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def import_tensorflow() -> None:
    """Import TensorFlow, where it is installed, and let it look for devices, with stderr closed."""
    set_environment()
    if importlib.util.find_spec("tensorflow") is None:
        return  # Keras runs on another backend
    if not _verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with suppress_output():
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def suppress_output() -> Iterator[None]:
    """Send what is written to the descriptor of stderr nowhere, unless `be_verbose` was called."""
    if _verbose or sys.stderr is None:  # None: it was closed before Python began
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 (a descriptor, not a path, is wanted)
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)

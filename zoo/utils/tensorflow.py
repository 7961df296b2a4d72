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


def import_tensorflow() -> None:
    """Import TensorFlow, where it is installed, and let it look for devices, with stderr closed."""
    if importlib.util.find_spec("tensorflow") is None:
        return  # Keras runs on another backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with suppress_output():
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def suppress_output() -> Iterator[None]:
    """Send what is written to the descriptor of stderr nowhere, whoever writes it."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (a descriptor, not a path, is wanted)
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)

"""What children of the tests begin with: the modules that take seconds to import.

No tensor is made here: TensorFlow starts threads when it first computes, and a fork lacks them.
And nothing of the project is imported, so that a child that imports it does so as its users do.
"""

import contextlib
import os


@contextlib.contextmanager
def _without_stderr():
    """Send what is written to descriptor 2 nowhere, as are TensorFlow's start-up notes."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    yield
    os.dup2(kept, 2)
    os.close(kept)
    os.close(nowhere)


with _without_stderr():
    import keras  # noqa: F401
    import keras_tuner  # noqa: F401
    import tensorflow  # noqa: F401

"""How a command ends: each error is one line on stderr and an exit code.

0 done; 1 it could not be done; 2 the command was wrong (a name or a setting that does not exist);
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator

from zoo.cli.refusals import system_error_text
from zoo.errors import SpecError, UnknownNameError, ZooError
from zoo.utils.extras import naming_extras


@contextlib.contextmanager
def _warnings_as_lines(program: str) -> Iterator[None]:
    """Let a warning of this project be one line, without the place in the code that gave it."""
    usual = warnings.formatwarning

    def line(message, category, *place, **more) -> str:
        if category is UserWarning:
            return f"{program}: {message}\n"
        return usual(message, category, *place, **more)

    warnings.formatwarning = line
    try:
        yield
    finally:
        warnings.formatwarning = usual


def run_command(program: str, command: Callable[[], int | None], *, debug: bool = False) -> int:
    """Run a command, print the error that ends it as one line, and return the exit code.

    Args:
        program: The name that begins the line.
        command: What is run; it returns its exit code, or None for 0.
        debug: Raise the error in place of the line.
    """
    try:
        with naming_extras(), _warnings_as_lines(program):
            code = command() or 0
        sys.stdout.flush()  # what cannot be written is said here, not after the end
        return code
    except BrokenPipeError:
        # Whoever read the output has seen enough, as in `... | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ZooError, OSError) as error:
        if debug:
            raise
        message = error if isinstance(error, ZooError) else system_error_text(error)
        print(f"{program}: {message}", file=sys.stderr)
        return 2 if isinstance(error, SpecError | UnknownNameError) else 1
    except KeyboardInterrupt:
        print(f"\n{program}: stopped; the same command goes on where it was", file=sys.stderr)
        return 130

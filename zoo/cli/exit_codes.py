"""How a command ends: each error is one line on stderr and an exit code.

0 done; 1 it could not be done; 2 the command was wrong (a name or a setting that does not exist);
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import FrameType

from zoo.cli.refusals import let_any_name_be_printed, system_error_text
from zoo.errors import SpecError, UnknownNameError, ZooError
from zoo.utils.extras import naming_extras


def run_command(program: str, command: Callable[[], int | None], *, debug: bool = False) -> int:
    """Run a command, print the error that ends it as one line, and return the exit code.

    Args:
        program: The name that begins the line.
        command: What is run; it returns its exit code, or None for 0.
        debug: Raise the error in place of the line.
    """
    let_any_name_be_printed()
    with _noting_ctrl_c() as noted:
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
        except (KeyboardInterrupt, Exception) as error:
            if not (noted or isinstance(error, KeyboardInterrupt)):
                raise
            print(f"\n{program}: stopped; the same command goes on where it was", file=sys.stderr)
            return 130


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


@contextlib.contextmanager
def _noting_ctrl_c() -> Iterator[list[int]]:
    """Yield a list that has an entry for each Ctrl-C.

    Keras asks for shapes under an `except:` that takes a KeyboardInterrupt for a shape that is not
    to be had, and fails for it later: that error is the interrupt's. So are those of objects that
    were half made when it came, as they are deleted.
    """
    noted: list[int] = []
    hook = sys.unraisablehook

    def interrupt(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        sys.unraisablehook = lambda _: None
        signal.default_int_handler(number, frame)

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield noted
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = hook

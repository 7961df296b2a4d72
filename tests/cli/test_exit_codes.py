"""How commands end, by the errors that end them."""

from __future__ import annotations

import contextlib
import signal

import pytest

from zoo.cli.exit_codes import run_command
from zoo.errors import RunError, SpecError


@pytest.mark.parametrize(
    ("error", "code"), [(SpecError("a name"), 2), (RunError("a run"), 1), (OSError("a disk"), 1)]
)
def test_an_error_is_a_line_and_a_code(error, code, capsys):
    def command():
        raise error

    assert run_command("zoo", command) == code
    assert capsys.readouterr().err.startswith("zoo: a ")


def test_ctrl_c_is_130_even_where_a_library_has_swallowed_it(capsys):
    def command():
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        raise TypeError("a shape that is not to be had")

    assert run_command("zoo", command) == 130
    assert "stopped" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_was_half_made_at_ctrl_c_is_deleted_in_silence(capsys):
    class HalfMade:
        def __init__(self):
            signal.raise_signal(signal.SIGINT)
            self.handle = 1

        def __del__(self):
            print(self.handle)

    assert run_command("zoo", HalfMade) == 130
    assert capsys.readouterr().err == "\nzoo: stopped; the same command goes on where it was\n"


def test_an_error_of_the_program_itself_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_command("zoo", lambda: 1 // 0)


def test_an_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_command("zoo", lambda: signal.raise_signal(signal.SIGINT)) == 0
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

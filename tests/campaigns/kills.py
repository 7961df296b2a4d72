"""Kills: a command dies without warning at a random moment, and the same command goes on.

The process of a campaign has TensorFlow imported and forks each command, which runs through its own
`main` and is killed as a process; so a kill costs what the command does, and not an import as well.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.campaigns.fuzzing import Tally
from tests.campaigns.targets import TARGETS, Target

# How a process ends: mostly without warning; by TERM, and by Ctrl-C, which is answered.
SIGNALS = [signal.SIGKILL] * 8 + [signal.SIGTERM, signal.SIGINT]

# Seconds after which a command that goes on is taken for one that hangs, and in which one must
# answer Ctrl-C, or end with the process that started it.
MOST_SECONDS, MOST_PATIENCE = 240, 60


def kill(name: str, seconds: float, most: int = 10**9, seed: int = 0) -> Tally:
    """Kill a target's commands at random moments, until the time or the number is used up.

    Args:
        name: Of the target.
        seconds: How long, after one run without kills.
        most: Kills.
        seed: Of the moments.

    Returns:
        The count of kills. A failure is a file that is not whole at its place, a traceback, an
        error of the commands that go on, a result other than without kills, a process or a
        temporary that stays.
    """
    target, tally, moments = TARGETS[name], Tally(name), random.Random(seed)
    if target.warm:
        import tests.campaigns.warm  # noqa: F401  (TensorFlow, and what the commands import late)
    with tempfile.TemporaryDirectory(prefix="zoo-kills-") as scratch:
        shared = Path(scratch, "shared")
        shared.mkdir()
        target.share(shared)
        expected, longest = _unbroken(target, Path(scratch, "unbroken"), shared)
        number, end = 0, time.monotonic() + seconds
        while tally.tried < most and time.monotonic() < end:
            number += 1
            place = Path(scratch, str(number))
            try:
                kills, lasted = _killed(target, place, shared, moments, longest)
                tally.tried += kills
                longest = max(0.05, 0.5 * longest + 0.5 * lasted)
                _go_on(target, place, shared, expected)
            except _Failure as failure:
                tally.tried += 1
                tally.fail(f"{name}, seed {seed}, folder {number}: {failure}")
            finally:
                shutil.rmtree(place, ignore_errors=True)
    return tally


class _Failure(Exception):
    pass


def _unbroken(target: Target, place: Path, shared: Path) -> tuple[Any, float]:
    began = time.monotonic()
    _go_on(target, place, shared, None)
    return target.result(place), time.monotonic() - began


def _killed(
    target: Target, place: Path, shared: Path, moments: random.Random, longest: float
) -> tuple[int, float]:
    """Kill the commands one to `times` times; how often that met one, and how long they ran."""
    kills, lasted = 0, 0.0
    for _ in range(moments.randint(1, target.times)):
        began = time.monotonic()
        running = _start(target, place, shared)
        _wait(running, moments.uniform(0, longest))
        victim = moments.choice(range(len(target.roles)))
        how = moments.choice(SIGNALS)
        # A worker alone, or all of them; nobody goes on without the first, which is the chief.
        victims = [victim] if victim and moments.random() < 0.5 else range(len(target.roles))
        met = [running[each] for each in victims if each in running]
        for process in met:
            os.kill(process, how)
        if how != signal.SIGKILL:
            _wait(running, MOST_PATIENCE, only=set(met))
            hanging = set(met) & set(running.values())
            if hanging:
                _end(running)
                raise _Failure(f"does not answer {how.name}")
        kills += len(met)
        if not met:
            lasted = time.monotonic() - began
        if len(met) < len(target.roles):
            _wait(running, moments.uniform(0, longest))
        _end(running)
        _check_nobody_stays(place)
        if problem := target.fault(place):
            raise _Failure(f"half-written after {how.name}: {problem}")
        _check_log(place)
        if not met:
            break
    return kills, lasted or longest


def _go_on(target: Target, place: Path, shared: Path, expected: Any) -> None:
    running = _start(target, place, shared)
    codes = _wait(running, MOST_SECONDS)
    if running:
        _end(running)
        raise _Failure("the same command hangs")
    log = _check_log(place)
    bad = [code for code in codes.values() if code]
    if bad and not any(text in log for text in target.finished_before):
        raise _Failure(f"the same command ends with {bad[0]}: {log[-300:]}")
    if problem := target.fault(place):
        raise _Failure(f"after the second run: {problem}")
    try:
        result = target.result(place)
    except Exception as error:
        raise _Failure(f"nothing whole after the second run: {error!r}") from error
    if expected is not None and result != expected:
        raise _Failure(f"another result than without kills: {result!r}, not {expected!r}")
    if not bad:
        left = [path.name for path in place.rglob(".*") if path.suffix != ".lock"]
        if left:
            raise _Failure(f"left behind: {left}")


def _start(target: Target, place: Path, shared: Path) -> dict[int, int]:
    """The processes of a target's commands by the number of the command."""
    place.mkdir(exist_ok=True)
    variables = target.variables(place, shared)
    return {
        number: _fork(role, place, shared, variables[number])
        for number, role in enumerate(target.roles)
    }


def _fork(role: Callable[..., Any], place: Path, shared: Path, variables: dict[str, str]) -> int:
    process = os.fork()
    if process:
        return process
    code: Any = 70
    try:
        os.setsid()
        os.chdir(place)
        os.environ.update(variables)
        log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = role(place, shared)
    except SystemExit as error:
        code = error.code
    except KeyboardInterrupt:
        code = 130  # before the command's own `try`
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else bool(code))


def _wait(running: dict[int, int], seconds: float, only: set[int] | None = None) -> dict[int, int]:
    """Wait for processes, and take those that end out of `running`; their exit codes."""
    codes: dict[int, int] = {}
    end = time.monotonic() + seconds
    while True:
        for number, process in list(running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                codes[number] = os.waitstatus_to_exitcode(status)
                del running[number]
        waited_for = running if only is None else only & set(running.values())
        if not waited_for or time.monotonic() >= end:
            return codes
        time.sleep(min(0.01, max(0.0, end - time.monotonic())))


def _end(running: dict[int, int]) -> None:
    for process in running.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    running.clear()


def _check_nobody_stays(place: Path) -> None:
    """Raise where a process still works in a folder: all that commands start must end with them."""
    end = time.monotonic() + MOST_PATIENCE
    while stay := _working_in(place):
        if time.monotonic() > end:
            for process in stay:
                os.kill(process, signal.SIGKILL)
            raise _Failure(f"{len(stay)} processes live on without the one that started them")
        time.sleep(0.05)


def _working_in(place: Path) -> list[int]:
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == place:
                found.append(int(link.parent.name))
    return found


def _check_log(place: Path) -> str:
    path = place / "log.txt"  # missing, where all were killed at once
    log = path.read_text(errors="replace") if path.exists() else ""
    # Python itself drops a Ctrl-C that meets a finalizer, and says so.
    told = re.sub(r"Exception ignored in.*?\nKeyboardInterrupt: \n", "", log, flags=re.DOTALL)
    if "Traceback" in told:
        raise _Failure(f"a traceback: ...{log[-700:]}")
    return log

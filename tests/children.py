"""Child processes that begin with TensorFlow imported: forked from one server per test process.

A fresh interpreter needs four seconds to import TensorFlow, a fork of one that has none. What a
child does is real all the same: it has a process number, environment, folder, arguments and streams
of its own, runs the same code, and is killed by the same signals. Tests of what an import does, or
of what is not imported, take `subprocess` and a fresh interpreter.
"""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Sequence
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from tests.paths import ROOT

PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL
_STREAMS = ("stdin", "stdout", "stderr")


class Child:
    """A child with the interface of subprocess.Popen, as far as the tests use it."""

    def __init__(
        self,
        arguments: Sequence[Any],
        *,
        env: dict[str, str] | None = None,
        cwd: str | Path | None = None,
        stdin: int | None = DEVNULL,
        stdout: int | None = None,
        stderr: int | None = None,
    ):
        """Start `python ARGUMENTS`.

        Args:
            arguments: What follows `python`: `-c PROGRAM ...`, `-m MODULE ...` or `FILE ...`.
            env: All variables, which has those of this process if it is left out.
            cwd: The folder to run in, which is the project's if it is left out.
            stdin: PIPE, for text that the test writes, or DEVNULL.
            stdout: PIPE, for text that the test reads, DEVNULL, or None for the test's own.
            stderr: As `stdout`.
        """
        self.args = list(map(str, arguments))
        self.stdin = self.stdout = self.stderr = None
        theirs = [
            self._stream(name, wanted)
            for name, wanted in zip(_STREAMS, (stdin, stdout, stderr), strict=True)
        ]
        environment = dict(os.environ if env is None else env)
        self._process = context().Process(
            target=_run,
            args=(self.args, environment, str(cwd or ROOT), _Descriptors(theirs)),
            daemon=True,  # killed with the tests
        )
        self._process.start()
        for descriptor in theirs:
            os.close(descriptor)

    def _stream(self, name: str, wanted: int | None) -> int:
        """Open this side of a stream, and return the descriptor of the child's side."""
        writes = name == "stdin"
        if wanted == DEVNULL:
            return os.open(os.devnull, os.O_RDONLY if writes else os.O_WRONLY)
        if wanted is None:
            return os.dup(_STREAMS.index(name))
        reading, writing = os.pipe()
        ours, theirs = (writing, reading) if writes else (reading, writing)
        setattr(self, name, open(ours, "w" if writes else "r", encoding="utf-8"))  # noqa: PTH123, SIM115
        return theirs

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(
        self, input: str | None = None, timeout: float | None = None
    ) -> tuple[str | None, str | None]:
        """Write all input, read all output, and wait for the end."""
        read: dict[str, str] = {}
        outputs = {name: getattr(self, name) for name in ("stdout", "stderr")}
        threads = [
            threading.Thread(target=lambda n=name, s=stream: read.update({n: s.read()}))
            for name, stream in outputs.items()
            if stream and not stream.closed
        ]
        for thread in threads:
            thread.start()
        if self.stdin:
            self.stdin.write(input or "")
            self.stdin.close()
        self.wait(timeout)
        for thread in threads:
            thread.join(timeout)
            if thread.is_alive():  # somebody else holds the child's end of the stream
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.close()
        return read.get("stdout"), read.get("stderr")

    def close(self) -> None:
        """Close this side of the streams."""
        for name in _STREAMS:
            if stream := getattr(self, name):
                stream.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exception: object) -> None:
        if exception[0] is not None:
            self.kill()
        self.close()
        self.wait()


def run(
    arguments: Sequence[Any], *, input: str | None = None, timeout: float = 300, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS` to its end, and return its code and all that it wrote, as text."""
    stdin = DEVNULL if input is None else PIPE
    with Child(arguments, stdin=stdin, stdout=PIPE, stderr=PIPE, **options) as child:
        stdout, stderr = child.communicate(input, timeout)
    return subprocess.CompletedProcess(child.args, child.returncode, stdout, stderr)


# --- the server and what a child does -------------------------------------------------------------


def context() -> Any:
    """The way to start processes, with the server that has TensorFlow imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.preloaded"])
    known = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)  # where the server finds the line above
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        if known is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = known
    return context


class _Descriptors:
    """Descriptors that go to a child with its arguments."""

    def __init__(self, descriptors: Sequence[int]):
        self.descriptors = descriptors

    def __getstate__(self) -> list:
        return [DupFd(descriptor) for descriptor in self.descriptors]

    def __setstate__(self, state: list) -> None:
        self.descriptors = [each.detach() for each in state]


def _run(
    arguments: list[str], environment: dict[str, str], folder: str, streams: _Descriptors
) -> None:
    """Be `python ARGUMENTS`."""
    # Nobody's worker, but a main process, which may have workers.
    multiprocessing.process._parent_process = None
    multiprocessing.current_process()._config["daemon"] = False
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, descriptor in enumerate(streams.descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    try:
        _execute(arguments)
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()


def _execute(arguments: list[str]) -> None:
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        exec(compile(arguments[1], "<string>", "exec"), vars(main))
    elif arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).parent))
        runpy.run_path(arguments[0], run_name="__main__")

"""A search across machines: keras-tuner's own chief and workers, who notice when one is gone.

Each process is told its place by keras-tuner's variables, KERASTUNER_TUNER_ID (`chief`, or any name
of a worker's own), KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT. They talk by keras-tuner's own
protocol; what is ours is the patience. keras-tuner's chief waits for ever for a worker that died,
and its workers an hour for a chief. Here a worker asks for its trial every second, by which the
chief knows that it lives; and whoever has heard nothing for some seconds gives the other up.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from zoo.errors import RunError, SpecError
from zoo.utils.whole import whole_number

HEARTBEAT_TIMEOUT = 20.0
_BEAT = 1.0

# Seconds that a chief still answers whose search is over, where a worker may not know it: at the
# chief's begin, and after a word of one that it did not give its trial.
LINGER = 10.0

# Seconds before a tuner that was answered "not yet" asks again; keras-tuner's would do so at once.
PAUSE = 0.5
VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


class ChiefGone(RunError):
    """The chief does not answer."""


@dataclass(frozen=True)
class Endpoint:
    """A process's place in a search across machines."""

    name: str
    ip: str
    port: int

    @property
    def is_chief(self) -> bool:
        """Whether this process is the chief: its name holds 'chief', as keras-tuner decides it."""
        return "chief" in self.name  # as keras-tuner decides it

    @property
    def address(self) -> str:
        """The chief's address as gRPC takes it, `IP:PORT`."""
        return f"{self.ip}:{self.port}"


def endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint | None:
    """This process's place, by its environment; None for a search on one machine.

    Raises SpecError where some of the variables are missing, or the port is none.
    """
    variables = {name: environment[name] for name in VARIABLES if environment.get(name)}
    if not variables:
        return None
    if missing := [name for name in VARIABLES if name not in variables]:
        raise SpecError(
            f"a search across machines needs {' and '.join(missing)} as well as "
            f"{', '.join(variables)}"
        )
    name, ip, port = (variables[name] for name in VARIABLES)
    number = whole_number(port, least=1, most=65535)
    if number is None:
        raise SpecError(f"KERASTUNER_ORACLE_PORT must be a port, 1 to 65535, not {port[:40]!r}")
    return Endpoint(name, ip, number)


def await_chief(there: Endpoint, heartbeat_timeout: float = HEARTBEAT_TIMEOUT) -> None:
    """Wait until the chief answers.

    Args:
        there: The chief's place.
        heartbeat_timeout: After how many seconds it is given up.

    Raises:
        ChiefGone: It does not answer by then.
    """
    grpc = _grpc()
    with grpc.insecure_channel(there.address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=heartbeat_timeout)
        except grpc.FutureTimeoutError as error:
            raise _gone(there, heartbeat_timeout) from error


def serve(
    oracle: Any,
    here: Endpoint,
    heartbeat_timeout: float = HEARTBEAT_TIMEOUT,
    watch: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Be the chief: hand out an oracle's trials until the search is over, then return.

    Args:
        oracle: A `StrategyOracle` that is a chief's.
        here: The chief's own place, where it listens.
        heartbeat_timeout: A trial without a sign of its worker for so many seconds is reassigned to
            the next that asks.
        watch: Called a few times in each beat.
        say: Called with what is worth a line.

    Raises:
        RunError: The port is taken, or the address is not this machine's.
        RuntimeError: As many trials in a row failed as the oracle allows.
    """
    grpc = _grpc()
    from keras_tuner.src import protos
    from keras_tuner.src.distribute.oracle_chief import OracleServicer

    # By default, two chiefs would share one port, and each get some of the questions. One thread,
    # as keras-tuner's: it turns a trial into a message that the next question may change. So it
    # must not sleep; the workers do.
    server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.so_reuseport", 0)])
    oracle.pause = 0
    protos.get_service_grpc().add_OracleServicer_to_server(OracleServicer(oracle), server)
    try:
        server.add_insecure_port(here.address)
    except RuntimeError as error:
        raise RunError(
            f"nobody can listen at {here.address}: the port is taken, or the address is not this "
            "machine's. Choose another KERASTUNER_ORACLE_PORT, for the workers too"
        ) from error
    oracle.resume_orphans()
    server.start()
    trusted = here.ip == "localhost" or here.ip.startswith("127.")
    warning = "" if trusted else "; whoever can reach this port can steer the search"
    say(f"chief at {here.address}{warning}; workers take the same command with another name")
    # Workers that start with a chief whose search is over are to hear it from this one.
    until = time.monotonic() + min(LINGER, heartbeat_timeout) if oracle.is_over() else 0.0
    try:
        while not oracle.is_over() or time.monotonic() < until:
            time.sleep(_BEAT / 4)
            if oracle.failure:  # which a worker was answered with
                raise oracle.failure
            for trial in oracle.expire_workers(heartbeat_timeout):
                say(
                    f"trial {trial} is reassigned: its worker is silent for {heartbeat_timeout:g} s"
                )
            watch()
    finally:
        server.stop(grace=_BEAT).wait()
        oracle.let_go()


class Client:
    """The chief's oracle, as a worker sees it: keras-tuner's own client with less patience."""

    def __init__(self, oracle: Any, there: Endpoint, heartbeat_timeout: float = HEARTBEAT_TIMEOUT):
        grpc = _grpc()
        from keras_tuner.src import protos
        from keras_tuner.src.distribute.oracle_client import OracleClient

        options = [("grpc.max_reconnect_backoff_ms", 1000)]  # a chief may be back in a moment
        channel = grpc.insecure_channel(there.address, options=options)
        self._client = OracleClient(oracle)
        self._client.stub = _Stub(
            protos.get_service_grpc().OracleStub(channel), there, heartbeat_timeout
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_trial(self, tuner_id: str) -> Any:
        """The chief's answer; one of "not yet" after a pause, since keras-tuner asks at once."""
        trial = self._client.create_trial(tuner_id)
        if trial.status == "IDLE":
            time.sleep(PAUSE)
        return trial

    @contextlib.contextmanager
    def alive(self, trial_id: str) -> Iterator[Callable[[], None]]:
        """Show every second that the trial's worker lives.

        Yields a check for the worker to make; it raises TrialSuperseded where there is no use in
        going on.
        """
        trouble: list[TrialSuperseded] = []
        ended = threading.Event()

        def ask() -> None:
            while not trouble and not ended.wait(_BEAT):
                try:
                    if self._client.get_trial(trial_id).status in ("COMPLETED", "FAILED"):
                        trouble.append(TrialSuperseded())
                except RunError as error:
                    trouble.append(TrialSuperseded(error))

        def check() -> None:
            if trouble:
                raise trouble[0]

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            yield check
        finally:
            ended.set()


class TrialSuperseded(Exception):
    """No use going on with a trial: it has ended elsewhere, or, if there is an error, that is why.

    It has ended elsewhere if its worker was silent for too long, and another took it up.
    """

    def __init__(self, error: RunError | None = None):
        super().__init__(str(error))
        self.error = error


class _Stub:
    """keras-tuner's stub, which waits for some seconds in place of an hour, and says what is up."""

    def __init__(self, stub: Any, there: Endpoint, heartbeat_timeout: float):
        self.stub, self.there, self.heartbeat_timeout = stub, there, heartbeat_timeout

    def __getattr__(self, name: str) -> Callable[..., Any]:
        grpc = _grpc()

        def call(request: Any, **options: Any) -> Any:
            deadline = time.monotonic() + self.heartbeat_timeout
            while True:
                left = max(deadline - time.monotonic(), _BEAT / 10)
                try:
                    return getattr(self.stub, name)(request, wait_for_ready=True, timeout=left)
                except grpc.RpcError as error:
                    if error.code() == grpc.StatusCode.UNKNOWN:
                        details = error.details().removeprefix("Exception calling application: ")
                        raise RunError(
                            f"the chief at {self.there.address} says: {details}"
                        ) from error
                    # A chief that dies while it is asked: gRPC waits for another only before that.
                    broken = error.code() == grpc.StatusCode.UNAVAILABLE
                    if not broken or time.monotonic() >= deadline:
                        raise _gone(self.there, self.heartbeat_timeout) from error
                time.sleep(_BEAT / 4)

        return call


def _grpc() -> Any:
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it logs what we say
    import grpc

    return grpc


def _gone(there: Endpoint, heartbeat_timeout: float) -> ChiefGone:
    return ChiefGone(
        f"no chief has answered at {there.address} for {heartbeat_timeout:g} s: it has not begun, "
        "its search is over, or it was stopped. Start the chief, then this worker again"
    )

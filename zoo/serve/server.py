"""The model server: a Starlette application, run by Uvicorn until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from zoo.errors import RunError
from zoo.serve import openapi
from zoo.serve.connections import guarded
from zoo.serve.limits import Limits, Refused
from zoo.serve.logs import log_as_json
from zoo.serve.messages import encode
from zoo.serve.metrics import Metrics
from zoo.serve.repository import Repository
from zoo.serve.routes import RememberedRoutes, routes
from zoo.serve.service import Answer, Call, Endpoint, Service, error_answer
from zoo.serve.sources import Source

LOG = logging.getLogger("zoo.serve")


@dataclass(frozen=True)
class Settings:
    """How a server runs.

    Attributes:
        host: The address it listens at; the default is not reached from other machines.
        port: TensorFlow Serving's by default; 0 is any free one.
        limits: What it grants to requests.
        threads: Threads that share one computation.
        keep: How many of the newest versions are served; None is all.
        poll_seconds: How often it looks for new versions.
        log_requests: Whether every request gets a line in the log.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    limits: Limits = field(default_factory=Limits)
    threads: int = 1
    keep: int | None = None
    poll_seconds: float = 1
    log_requests: bool = False


def serve(find_sources: Callable[[], Sequence[Source]], settings: Settings) -> None:
    """Serve models until SIGINT or SIGTERM; requests in progress are answered before it returns.

    Args:
        find_sources: Tells where the models lie. It is called once the port is ours, since a
            pretrained network may have to be exported first.
        settings: How the server runs.

    Raises:
        RunError: Where the port is in use, or a model cannot be loaded.
    """
    log_as_json()
    _raise_open_files()
    with _listening(settings.host, settings.port) as listening:
        service = _service(find_sources(), settings)
        app = application(service, settings.poll_seconds)
        server = uvicorn.Server(_config(app, settings.limits))
        service.ready = lambda: not server.should_exit
        service.in_flight = lambda: len(server.server_state.tasks)
        for each in (signal.SIGINT, signal.SIGTERM):
            # For the moment before Uvicorn has handlers of its own. When it has stopped, it raises
            # the signal again for whoever was there before: us.
            signal.signal(each, lambda *_: setattr(server, "should_exit", True))
        _collect_seldom()
        host, port = listening.getsockname()[:2]
        LOG.info("listening", extra={"url": f"http://{_in_url(host)}:{port}", "port": port})
        server.run(sockets=[listening])
        service.repository.close()
    LOG.info("stopped")


def application(service: Service, poll_seconds: float) -> RememberedRoutes:
    """The application: all routes, their description, and the watch over the models' folders.

    Args:
        service: What answers; its models are closed when the application ends.
        poll_seconds: How often new versions are looked for.
    """
    table = routes()
    document = openapi.document(table)
    pages = {
        "/openapi.json": Answer(encode(document)),
        "/docs": Answer(openapi.page(document).encode(), content_type="text/html; charset=utf-8"),
        "/": Answer(b"", 307, headers={"Location": "/docs"}),
    }
    entries = [
        StarletteRoute(
            each.path, Endpoint(service, each.protocol, each.handler), methods=[each.method]
        )
        for each in table
    ]
    entries += [
        StarletteRoute(path, Endpoint(service, "server", _constant(answer)), methods=["GET"])
        for path, answer in pages.items()
    ]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watch = asyncio.create_task(_watch(service.repository, poll_seconds))
        yield
        watch.cancel()
        service.repository.close()

    app = Starlette(routes=entries, lifespan=lifespan, exception_handlers={HTTPException: _refused})
    app.router.redirect_slashes = False
    return RememberedRoutes(app, entries)


def _constant(answer: Answer):
    async def constant(call: Call) -> Answer:
        return answer

    return constant


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:200]
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        message = f"{request.method[:20]} is not for {path}: use {allowed}"
    else:
        message = f"there is nothing at {path}: see /docs"
    answer = error_answer(Refused(error.status_code, message))
    headers = {**(error.headers or {}), "content-type": answer.content_type}
    return Response(answer.body, error.status_code, headers)


async def _watch(repository: Repository, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(repository.refresh)
        except Exception:
            LOG.exception("cannot look for new versions")


def _service(sources: Sequence[Source], settings: Settings) -> Service:
    metrics = Metrics()
    repository = Repository(
        sources, settings.limits, metrics, threads=settings.threads, keep=settings.keep
    )
    repository.load_all()
    return Service(repository, settings.limits, metrics, log_requests=settings.log_requests)


def _config(app: RememberedRoutes, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=guarded(limits),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=max(1, round(limits.idle_seconds)),
        timeout_graceful_shutdown=max(1, round(limits.stop_seconds)),
        backlog=2048,
    )


@contextlib.contextmanager
def _listening(host: str, port: int):
    # Before anything heavy, so that a port in use is told at once.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, ValueError) as error:  # ValueError of a name that can be in no address
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"cannot listen at {host}: {reason}") from error
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(2048)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                why = f"port {port} of {host} is in use: choose another with --port, or 0 for any"
                raise RunError(why) from error
            raise RunError(f"cannot listen at {host}:{port}: {error.strerror}") from error
        yield listening


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _collect_seldom() -> None:
    # An image in JSON is a thousand lists, enough for Python to look for cycles at every request.
    # There are none in it, and none among what was made until now.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _raise_open_files() -> None:
    # A connection is an open file, and the usual soft limit is 1,024 of them.
    try:
        import resource
    except ImportError:
        return  # not on Windows
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

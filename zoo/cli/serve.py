"""The command `serve`: models over HTTP, until it is told to stop."""

from __future__ import annotations

import argparse
import functools

from zoo.cli.options import add_command, count, port
from zoo.errors import SpecError
from zoo.serve.limits import MEBIBYTE, Limits
from zoo.utils.extras import check_extras

_PACKAGES = ("starlette", "uvicorn", "httptools", "prometheus_client", "onnxruntime")

# Threads of one computation: no processor has more, and ONNX Runtime fails at far larger numbers.
_MOST_THREADS = 1024


def add_serve(choices) -> None:
    """Add the parser of `serve` to the subparsers of a command line."""
    summary = "serve models over HTTP, as TensorFlow Serving does"
    command = add_command(choices, "serve", serve, summary)
    command.add_argument(
        "models",
        nargs="+",
        metavar="NAME|PATH",
        help="a pretrained network, an ONNX file, or a folder of versions; also as NAME=PATH",
    )
    default = Limits()
    command.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1, this machine only")
    command.add_argument("--port", type=port, default=8501, help="default 8501; 0 is any free one")
    command.add_argument(
        "--batch", type=int, default=default.batch, metavar="N",
        help="images computed together at most (default %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--delay", type=float, default=default.delay_ms, metavar="MS",
        help="to wait for a batch to fill (default %(default)g)",
    )  # fmt: skip
    command.add_argument(
        "--queue", type=int, default=default.queue, metavar="N",
        help="images that may wait (default %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--timeout", type=float, default=default.answer_seconds, metavar="S",
        help="until a request fails (default %(default)g)",
    )  # fmt: skip
    megabytes = default.body / MEBIBYTE
    command.add_argument(
        "--max-body", type=float, default=megabytes, metavar="MIB",
        help="the largest request (default %(default)g)",
    )  # fmt: skip
    command.add_argument(
        "--threads", type=count, default=1, metavar="N", help="per model (default 1)"
    )
    command.add_argument("--keep", type=count, metavar="N", help="only the N newest versions")
    command.add_argument(
        "--runtime", choices=["onnx", "tensorflow"], default="onnx", help="tensorflow: SavedModels"
    )
    command.add_argument("--log-requests", action="store_true", help="a line for every request")


def serve(options: argparse.Namespace) -> None:
    """Serve the models that the options name, until SIGINT or SIGTERM.

    Raises:
        SpecError: For a setting that makes no sense.
        RunError: Where a package is missing, the port is in use, or a model cannot be loaded.
    """
    if not 0 < options.max_body < MEBIBYTE:
        raise SpecError(f"--max-body must be MiB above 0, not {options.max_body:g}")
    if options.threads > _MOST_THREADS:
        raise SpecError(f"--threads must be at most {_MOST_THREADS}, not {options.threads}")
    limits = Limits(
        body=round(options.max_body * MEBIBYTE),
        batch=options.batch,
        delay_ms=options.delay,
        queue=options.queue,
        answer_seconds=options.timeout,
    )
    check_extras(*_PACKAGES, extra="serve")
    from zoo.serve.pretrained import onnx_file
    from zoo.serve.server import Settings
    from zoo.serve.server import serve as run
    from zoo.serve.sources import sources

    settings = Settings(
        options.host,
        options.port,
        limits,
        threads=options.threads,
        keep=options.keep,
        log_requests=options.log_requests,
    )
    exported = functools.partial(onnx_file, modules=options.modules)
    run(lambda: sources(options.models, options.runtime, exported), settings)

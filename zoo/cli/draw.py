"""The command `draw`: the page to draw a digit on, from a local server or as files."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from zoo.cli.options import add_command, path, port
from zoo.errors import DataError


def add_draw(choices) -> None:
    """Add the parser of `draw` to the subparsers of a command line."""
    summary = "draw a digit, and watch the networks think"
    command = add_command(choices, "draw", draw, summary)
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="pretrained networks (default: seven of the book)"
    )
    command.add_argument(
        "--static", type=path, metavar="DIR", help="write the page as files, to open or to upload"
    )
    command.add_argument("--port", type=port, default=0, help="default: any free one")
    command.add_argument("--no-browser", action="store_true", help="only print the address")
    command.add_argument(
        "--source", type=path, metavar="DIR", help="folder with MNIST's files, or mnist.pkl.gz"
    )


def draw(options: argparse.Namespace) -> None:
    """Open the page in a browser and serve it until Ctrl-C, or write it as files.

    Raises:
        UnknownNameError: For a network that has no pretrained weights.
        RunError: Where the port is in use, or the folder holds something else.
    """
    import webbrowser  # late, as it takes longer than all of `zoo list`

    from zoo.serve.draw import DEFAULT_NETWORKS, PageServer, page_files, write_page

    files = page_files(options.names or DEFAULT_NETWORKS, _test_digits(options.source))
    if options.static:
        print(write_page(options.static, files))
        return
    with PageServer(files, options.port) as server:
        print(f"{server.url}  (Ctrl-C stops)", flush=True)
        # Some browsers return when they are closed: the page must be there before that.
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            if not options.no_browser:
                webbrowser.open(server.url)
            serving.join()
        except KeyboardInterrupt:
            print()
            server.shutdown()


def _test_digits(source: Path | None):
    from zoo.data import load_data

    try:
        return load_data(source=source)
    except DataError as error:
        if source:
            raise
        print(f"zoo: the page will show no test digits: {error}", file=sys.stderr)
        return None

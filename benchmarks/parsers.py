"""The command lines of the benchmarks: each shows its module's docstring as it stands."""

from __future__ import annotations

import argparse


def command_parser(module: str, docstring: str | None) -> argparse.ArgumentParser:
    """A parser for `python -m MODULE --help`.

    Args:
        module: Its name, as in benchmarks.load.
        docstring: What the help says first.
    """
    return argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=docstring,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

"""The command `python -m zoo book`: a shell with the book's own programs."""

from __future__ import annotations

import argparse

from zoo.cli.options import add_command


def add_commands(choices: argparse._SubParsersAction) -> None:
    """Add `book` to the commands."""
    summary = "a shell in which the book's own programs run"
    add_command(choices, "book", book, summary)


def book(options: argparse.Namespace) -> int:
    """Open the shell, and return its exit code when it is left."""
    from zoo.book.shell import main

    return main()

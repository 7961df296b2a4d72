"""The command `completion`: a script with which a shell completes commands, options and names."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from zoo.cli.options import add_command, path
from zoo.utils.extras import import_extra

SHELLS = ("bash", "zsh", "tcsh")


def add_completion(choices, parser: argparse.ArgumentParser) -> None:
    """Add `completion` to the subparsers of `parser`, whose commands the script will complete."""
    summary = f'a script for your shell: eval "$({parser.prog} completion bash)"'

    def completion(options: argparse.Namespace) -> None:
        """Print the script."""
        shtab = import_extra("shtab")
        _complete_values(parser, shtab.FILE)
        print(shtab.complete(parser, options.shell))

    command = add_command(choices, "completion", completion, summary)
    command.add_argument("shell", choices=SHELLS)


def _complete_values(parser: argparse.ArgumentParser, files: dict[str, str]) -> None:
    """Let paths complete as files, and the name of a network as one of those there are."""
    from zoo.registry import list_models

    for each in _parsers(parser):
        for action in each._actions:
            if action.type is path:
                action.complete = files  # type: ignore[attr-defined] # as shtab has it
            elif action.dest in ("name", "names") and not action.option_strings:
                action.choices = list_models()


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _parsers(each)

"""A parser whose commands refuse what they do not know, each with its own usage."""

from __future__ import annotations

import argparse

from zoo.errors import nearest


class CommandParser(argparse.ArgumentParser):
    """An `ArgumentParser` for a program with commands; theirs are of this class, too.

    argparse leaves an option that a command does not know to the program, which then shows the
    usage of the program, where no option of any command is.
    """

    def parse_known_args(self, args=None, namespace=None):
        """Parse as argparse does, and end with the exit code 2 where something is not known."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            option = unknown[0].partition("=")[0]
            hint = nearest(option, self._option_string_actions) if option.startswith("-") else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{'.' if hint else ''}{hint}")
        return options, unknown

    def _check_value(self, action, value):
        """Refuse a value that is no choice of `action`, with the closest one."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            hint = nearest(str(value), map(str, action.choices))
            error.message += f".{hint}" if hint else ""
            raise

"""The errors that the zoo raises on purpose: one readable line each, naming the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """Something the reader can mend; the command line prints it as one line."""


class UnknownNameError(ZooError, LookupError):
    """A name that stands in no table."""


class SpecError(ZooError, ValueError):
    """A declaration, or a setting of one, that makes no sense."""


class DataError(ZooError):
    """Images or labels that cannot be had, or are not what they claim to be."""


class RunError(ZooError):
    """A training run that cannot start, go on, or be read back."""


class LabError(ZooError):
    """An experiment that cannot keep what it finds, or has nowhere to show it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The words ` Did you mean 'x'?` for the known name closest to `name`, or nothing.

    >>> nearest("conv2_relu_dropuot", ["conv1", "conv2_relu", "conv2_relu_dropout"])
    " Did you mean 'conv2_relu_dropout'?"
    >>> nearest("MLP30", ["conv1", "mlp30"])
    " Did you mean 'mlp30'?"
    >>> nearest("resnet", ["conv1", "mlp30"])
    ''
    """
    by_folded = {each.casefold(): each for each in known}
    matches = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return f" Did you mean {by_folded[matches[0]]!r}?" if matches else ""

"""The names of variables in files: unique, and the same whatever Keras has numbered before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import RunError

if TYPE_CHECKING:
    import keras

# The number that Keras gives a part of a variable's path.
_NUMBER = re.compile(r"_([0-9]{1,9})\Z")


def named(variables: Iterable[keras.Variable]) -> list[tuple[str, keras.Variable]]:
    """Variables with their names in files, which are unique as Keras' paths are not.

    Args:
        variables: All of a model or an optimizer, in order.

    Returns:
        Each with its path, as in 'conv_1/kernel'; the second of a path is 'conv_1/kernel#2'.
    """
    variables = list(variables)
    return list(zip(unique([each.path for each in variables]), variables, strict=True))


def unique(names: Sequence[str]) -> list[str]:
    """Names with a number where one is there before.

    >>> unique(["dense/kernel", "out/kernel", "dense/kernel", "dense/kernel"])
    ['dense/kernel', 'out/kernel', 'dense/kernel#2', 'dense/kernel#3']
    """
    originals, found = set(names), dict[str, None]()
    for name in names:
        number, given = 1, name
        while given in found or (number > 1 and given in originals):
            number += 1
            given = f"{name}#{number}"
        found[given] = None
    return list(found)


def stored_names(there: Iterable[str], expected: Iterable[str], path: str | Path) -> dict[str, str]:
    """The names by which a file has a model's tensors.

    Args:
        there: The names in the file.
        expected: Those of the model.
        path: Of the file, as the error names it.

    Returns:
        The name in the file by each expected one: the same; or, of a model that was built after
        others, one that differs in Keras' numbers and stands at the same place in their order.

    Raises:
        RunError: They are the names of other layers.

    >>> stored_names(["dense_8/bias", "dense_10/bias"], ["dense/bias", "dense_1/bias"], "file")
    {'dense/bias': 'dense_8/bias', 'dense_1/bias': 'dense_10/bias'}
    """
    there, expected = set(there), set(expected)
    if there == expected:
        return {name: name for name in expected}
    theirs, mine = sorted(map(_numbers_apart, there)), sorted(map(_numbers_apart, expected))
    if [words for words, *_ in theirs] != [words for words, *_ in mine]:
        odd = sorted(there.symmetric_difference(expected))
        raise RunError(f"{path} belongs to other layers: {odd[0]} is in only one of them")
    return {here: stored for (*_, here), (*_, stored) in zip(mine, theirs, strict=True)}


def _numbers_apart(name: str) -> tuple[list[str], list[int], str]:
    # 'sequential/dense_2/kernel' -> ['sequential', 'dense', 'kernel'], [0, 2, 0], and the name
    parts = [_NUMBER.split(part)[:2] for part in name.split("/")]
    return [word for word, *_ in parts], [int("".join(rest) or 0) for _, *rest in parts], name

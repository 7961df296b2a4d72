"""What a command line asks to search: the network, the space, and the strategy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tuning.ranges import Choice, LogUniform
from tuning.space import SearchSpace, searchable
from tuning.strategies.base import Strategy
from tuning.warm_start import warm_strategy
from zoo.errors import SpecError
from zoo.registry import get_spec
from zoo.spec import ModelSpec

# Wide enough that a search has something to find: from far too small to far too large.
SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.001, 10.0), l2=LogUniform(0.01, 100.0), batch_size=Choice(5, 10, 20)
)


def spec_of(options: argparse.Namespace) -> ModelSpec:
    """The network, with the epochs, images and patience that are asked for."""
    spec = searchable(get_spec(options.name))
    changes = {"epochs": options.epochs, "images": options.limit, "patience": options.patience}
    return spec.with_settings(**{name: value for name, value in changes.items() if value})


def space_of(path: Path | None) -> SearchSpace:
    """The space in a file; SPACE where none is named.

    Raises:
        SpecError: The file holds no space.
    """
    if path is None:
        return SPACE
    try:
        return SearchSpace.from_json(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{path} is not UTF-8 (byte {error.start}): save it in that encoding"
        ) from error
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error


def strategy_of(
    options: argparse.Namespace,
    spec: ModelSpec,
    space: SearchSpace,
    project: Path,
    say: Callable[[str], None] = lambda text: None,
    storage: str = "",
) -> Strategy:
    """The strategy, which begins with the points of another search where that is asked for.

    Args:
        options: What was parsed.
        spec: The network.
        space: Of the search.
        project: Its folder.
        say: Called with a line for each point of the other search that does not fit.
        storage: As for `warm_strategy`.

    Raises:
        SpecError: It cannot search this space, or begin with given points.
        RunError: There is no other search, or a package that the strategy needs is missing.
    """
    strategy = options.strategy.kind.from_options(options, spec, space)
    strategy.check_packages()
    if not options.start_from:
        return strategy
    return warm_strategy(strategy, options.start_from, project, spec, say, storage)

"""Networks that are built alike: one of each in every run of the tests, the others on request."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import pytest

from zoo.registry import get_spec
from zoo.spec import NetworkSpec


def cost_and_layers(spec: NetworkSpec) -> Hashable:
    """What decides which layers a network has, and which cost it learns by."""
    return (spec.members, getattr(spec, "layers", ()), spec.recipe.cost)


def all_settings_but_sizes(spec: NetworkSpec) -> Hashable:
    """What decides which kinds of objects a network and its optimizer are made of."""
    recipe = spec.recipe
    kinds = (recipe.schedule, recipe.momentum > 0, recipe.nesterov, recipe.l1 > 0, recipe.l2 > 0)
    return (cost_and_layers(spec), recipe.initializer, recipe.lambda_per, recipe.signed, *kinds)


def one_of_each(
    names: Iterable[str], key: Callable[[NetworkSpec], Hashable] = cost_and_layers
) -> list:
    """The names as parameters; the second of a kind and those after it run with --integration."""
    seen, params = set(), []
    for name in names:
        kind = key(get_spec(name))
        marks = pytest.mark.integration if kind in seen else ()
        params.append(pytest.param(name, marks=marks))
        seen.add(kind)
    return params

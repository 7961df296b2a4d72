"""Networks that are built alike: one of each in every run of the tests, the others on request."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import pytest

from zoo.registry import get_spec
from zoo.spec import EnsembleSpec, NetworkSpec


def cost_and_layers(spec: NetworkSpec) -> Hashable:
    """What decides which layers a network has, and which cost it learns by."""
    return (spec.members, getattr(spec, "layers", ()), spec.recipe.cost)


def kinds_of_objects(spec: NetworkSpec) -> Hashable:
    """Of which classes of Keras and the zoo a network is made, whatever their sizes and numbers."""
    recipe = spec.recipe
    stacks = spec.member_layers if isinstance(spec, EnsembleSpec) else [getattr(spec, "layers", ())]
    layers = {
        (type(layer), getattr(layer, "activation", ""), getattr(layer, "dropout", 0) > 0)
        for stack in stacks
        for layer in stack
    }
    terms = (recipe.cost, recipe.schedule, recipe.momentum > 0, recipe.l1 > 0, recipe.l2 > 0)
    return (type(spec), getattr(spec, "function", None), frozenset(layers), *terms)


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

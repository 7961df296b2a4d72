"""Values of any type in each field of a declaration: kept as they are, or refused in a line."""

from __future__ import annotations

import contextlib
import math
from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest

from zoo import registry
from zoo.errors import SpecError, UnknownNameError, ZooError
from zoo.spec import (
    LSTM,
    Claim,
    ConvPool,
    EnsembleSpec,
    FullyConnected,
    FunctionSpec,
    InputSpec,
    ModelSpec,
    NetworkSpec,
    Recipe,
    SimpleRNN,
    Softmax,
)

RECIPE = Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1)
OUTPUTS = (Softmax(),)
HUGE = 10**5000  # Python does not write so many digits

VALUES = [
    None, True, 0, -1, 1, 3, 0.5, 10**400, HUGE, -HUGE, Fraction(HUGE, 3), math.inf, math.nan, "x",
    "", "he", "tanh", b"x", [], [1], ["he"], ["shift"], ["shift", "shift"], [[1]], {}, {"a": 1},
    {0.5}, (), (1, 2), (HUGE,), (28, 28, 1), np.int64(3), np.float32(0.5), np.array([1, 2]),
    np.array(1), np.bool_(True), np.str_("tanh"), object(), 1j, len, RECIPE, OUTPUTS,
    (OUTPUTS,), Claim(chapter=1, section=""), InputSpec(),
]  # fmt: skip


def function():
    """Builds nothing here."""


RECORDS = [
    (RECIPE, lambda recipe: ModelSpec("x", OUTPUTS, recipe)),
    (Claim(chapter=1, section=""), lambda claim: ModelSpec("x", OUTPUTS, RECIPE, claim)),
    (InputSpec(), lambda images: ModelSpec("x", OUTPUTS, RECIPE, input=images)),
    *(
        (layer, lambda layer: ModelSpec("x", (layer, *OUTPUTS), RECIPE))
        for layer in (ConvPool(4), FullyConnected(4), Softmax(4), SimpleRNN(4), LSTM(4))
    ),
    (ModelSpec("x", OUTPUTS, RECIPE), lambda spec: spec),
    (EnsembleSpec("x", (OUTPUTS,), RECIPE), lambda spec: spec),
    (FunctionSpec("x", function, RECIPE), lambda spec: spec),
]


@pytest.mark.parametrize(("record", "declare"), RECORDS, ids=lambda each: type(each).__name__)
def test_a_value_of_any_type_is_kept_or_refused(record, declare):
    for name in [field.name for field in fields(record)]:
        for value in VALUES:
            try:
                spec = declare(replace(record, **{name: value}))
            except SpecError:
                continue
            if spec.parameters is not None:
                assert NetworkSpec.from_json(spec.to_json()) == spec, (name, value)
                assert len(spec.hash) == 64


@pytest.mark.parametrize("kind", [ModelSpec, EnsembleSpec, FunctionSpec])
def test_a_setting_of_any_type_is_kept_or_refused(kind):
    body = {ModelSpec: OUTPUTS, EnsembleSpec: (OUTPUTS,), FunctionSpec: function}[kind]
    spec = kind("x", body, RECIPE)
    for name in ("layers", "input_shape", "classes", "epochs", "learning_rate", "initializer"):
        for value in VALUES:
            with contextlib.suppress(SpecError):
                spec.with_settings(**{name: value})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: replace(RECIPE, initializer=["he"]), r"initializer \['he'\] is unknown"),
        (lambda: replace(RECIPE, learning_rate=10**400), "learning_rate must be a finite number"),
        (lambda: replace(RECIPE, epochs=-HUGE), "not a number of type int with thousands of dig"),
        (lambda: ConvPool(HUGE), "filters must be a whole number from 1 up and below 1e1000"),
        (lambda: EnsembleSpec("x", 5, RECIPE), "x needs members"),
        (lambda: ModelSpec("x", OUTPUTS, RECIPE, claim="99"), "claim of x must be a zoo.Claim"),
        (lambda: ModelSpec("x", OUTPUTS, RECIPE, classes=10.0), "classes must be a whole number"),
        (lambda: registry.register(5), "register takes a declaration.*not 5"),
        (lambda: registry.list_models(exclude=None), "a pattern is text"),
        (lambda: registry.list_models(chapter="3"), "chapter must be a whole number"),
    ],
)
def test_what_is_wrong_is_said(make, said):
    with pytest.raises(SpecError, match=said):
        make()


def test_members_that_come_one_by_one_are_all_kept():
    given = (layers for layers in ((FullyConnected(3), Softmax()), OUTPUTS))
    assert len(EnsembleSpec("x", given, RECIPE).members) == 2


def test_only_what_is_registered_is_taken_out():
    ours = registry.get_spec("mlp30")
    for other in (replace(ours, name="no_such"), ours.with_settings(epochs=1)):
        with pytest.raises(UnknownNameError, match="no such declaration"):
            registry.unregister(other)
    assert registry.get_spec("mlp30") is ours
    mine = registry.register(replace(ours, name="mine"))
    registry.unregister(mine)
    assert "mine" not in registry.list_models()
    with pytest.raises(ZooError, match="no network"):
        registry.get_spec([])

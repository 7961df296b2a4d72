"""The search space: what it draws, what it refuses, and that it travels."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from tuning import Choice, Integer, LogUniform, SearchSpace, Uniform
from tuning.space import apply
from zoo.errors import SpecError

SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.01, 100), momentum=Uniform(0, 0.5), units=Integer(5, 8),
    initializer=Choice("lecun_normal", "unit_normal"),
)  # fmt: skip


def test_it_travels_as_json_with_one_hash():
    again = SearchSpace.from_json(SPACE.to_json())
    assert again == SPACE
    assert again.hash == SPACE.hash
    assert SearchSpace.of(learning_rate=LogUniform(0.01, 99)).hash != SPACE.hash


def test_draws_are_spread_as_the_ranges_say():
    generator = np.random.default_rng(0)
    drawn = [SPACE.draw(generator) for _ in range(4000)]
    rates = np.log10([point["learning_rate"] for point in drawn])
    assert -2 <= rates.min() < rates.max() <= 2
    np.testing.assert_allclose(np.histogram(rates, 4, (-2, 2))[0], 1000, rtol=0.15)
    units = [point["units"] for point in drawn]
    np.testing.assert_allclose([units.count(count) for count in (5, 6, 7, 8)], 1000, rtol=0.15)
    assert {point["initializer"] for point in drawn} == {"lecun_normal", "unit_normal"}
    assert 0 <= min(p["momentum"] for p in drawn) < max(p["momentum"] for p in drawn) <= 0.5


def test_a_grid_has_every_combination_once():
    points = SPACE.grid(steps=3)
    assert len(points) == 3 * 3 * 3 * 2
    assert len({tuple(point.values()) for point in points}) == len(points)
    assert {point["learning_rate"] for point in points} == {0.01, 1.0, 100.0}
    assert {point["units"] for point in points} == {5, 7, 8}


def test_a_finite_space_counts_its_points():
    space = SearchSpace.of(units=Integer(5, 8), l2=Choice(0, 1, 5))
    assert space.size == 12
    points = [space.point(number) for number in range(12)]
    assert len({tuple(point.values()) for point in points}) == 12
    assert SPACE.size == np.inf


def test_units_are_those_of_every_hidden_layer():
    spec = apply(zoo.get_spec("mlp30x2"), {"units": 7, "learning_rate": 2})
    assert [layer.units for layer in spec.layers] == [7, 7, 10]
    assert spec.recipe.learning_rate == 2
    dropout = apply(zoo.get_spec("conv2_relu_dropout"), {"units": 50})
    assert [layer.units for layer in dropout.layers[2:]] == [50, 50, 10]
    assert dropout.layers[2].dropout == 0.5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SearchSpace.of(), "needs a setting to search"),
        (lambda: SearchSpace.of(learning_rat=Choice(1)), "Did you mean 'learning_rate'"),
        (lambda: Choice(), "one or more different values"),
        (lambda: Choice(1, 1), "one or more different values"),
        (lambda: Uniform(2, 1), "not from 2 to 1"),
        (lambda: Uniform(1, 1), "not from 1 to 1"),
        (lambda: Uniform(0, float("nan")), "not from 0 to nan"),
        (lambda: Uniform("a", 1), "two numbers"),
        (lambda: LogUniform(0, 1), "starts above 0"),
        (lambda: Integer(1.5, 2), "whole ends"),
        (lambda: SearchSpace.from_json("[]"), "no search space"),
        (lambda: SearchSpace.from_json("{"), "no search space"),
        (lambda: SearchSpace.from_json('{"l2": 5}'), "must be one range"),
        (lambda: SearchSpace.from_json('{"l2": {"log": [1, 2]}}'), "no range 'log'"),
        (lambda: SearchSpace.from_json('{"l2": {"uniform": [1]}}'), "two ends"),
    ],
)
def test_what_is_no_space_is_refused(make, said):
    with pytest.raises(SpecError, match=said):
        make()


@pytest.mark.parametrize(
    ("name", "space", "said"),
    [
        ("mlp30", SearchSpace.of(momentum=Uniform(0, 2)), "momentum = 2.0 makes no mlp30"),
        ("mlp30", SearchSpace.of(cost=Choice("quadratic", "log_likelihood")), "makes no mlp30"),
        ("linear", SearchSpace.of(units=Integer(1, 5)), "no hidden fully connected layer"),
    ],
)
def test_a_space_that_a_network_does_not_fit(name, space, said):
    with pytest.raises(SpecError, match=said):
        space.check(zoo.get_spec(name))


@pytest.mark.parametrize("schedules", [("halve", "constant"), ("constant", "halve")])
@pytest.mark.parametrize("patience", [(None, 5), (5, None)])
def test_values_that_need_one_another_make_a_space_in_any_order(schedules, patience):
    space = SearchSpace.of(schedule=Choice(*schedules), patience=Choice(*patience))
    space.check(zoo.get_spec("mlp30"))
    with pytest.raises(SpecError, match=r"schedule = 'halve' makes no mlp30: .* needs patience"):
        SearchSpace.of(schedule=Choice(*schedules), l2=Choice(0, 5)).check(zoo.get_spec("mlp30"))


def test_a_tuple_among_the_values_is_stored_and_read_back_as_the_same_space():
    space = SearchSpace.of(augment=Choice((), ("shift",), ("shift", "rotate")))
    assert SearchSpace.from_json(space.to_json()) == space
    assert space.grid(3) == SearchSpace.from_json(space.to_json()).grid(3)
    spec = apply(zoo.get_spec("conv2_relu_dropout.fast"), {"augment": ["shift", "rotate"]})
    assert spec.recipe.augment == ("shift", "rotate")

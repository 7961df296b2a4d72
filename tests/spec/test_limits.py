"""Networks are counted before anything of them is allocated."""

from __future__ import annotations

import tracemalloc

import pytest

import zoo
import zoo.nn.builder  # its import allocates, too: it is not to be measured
from zoo.errors import SpecError
from zoo.spec.limits import MOST_PARAMETERS, check_size, most_parameters

RECIPE = zoo.Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1)


def stack(*layers) -> zoo.ModelSpec:
    return zoo.ModelSpec("stack", (*layers, zoo.Softmax()), RECIPE)


def test_every_network_of_the_zoo_is_within_the_limit():
    for name in zoo.list_models():
        check_size(zoo.get_spec(name))


def test_the_limit_is_met_to_the_parameter(monkeypatch):
    spec = zoo.get_spec("mlp30")
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", "23860")
    check_size(spec)
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", "23859")
    with pytest.raises(SpecError, match=r"23,860 weights and biases, more than the 23,859"):
        check_size(spec)
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", str(10**9))
    check_size(stack(zoo.FullyConnected(1_000_000)))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([zoo.FullyConnected(10**9)], "795,000,000,010 weights"),
        ([zoo.FullyConnected(10**400)], r"1\.0e\+300 weights"),
        ([zoo.ConvPool(10**6, kernel=1, pool=1)], "weights and biases"),
        ([zoo.ConvPool(400_000, kernel=1, pool=1), zoo.ConvPool(1, pool=23)], "outputs of one"),
    ],
)
def test_a_network_beyond_it_is_refused_before_anything_is_allocated(layers, said):
    spec = stack(*layers)
    tracemalloc.start()
    try:
        with pytest.raises(SpecError, match=said):
            zoo.build(spec)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("text", ["many", "0", "-1", "1e9", "9" * 30])
def test_a_limit_is_a_whole_number(monkeypatch, text):
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", text)
    with pytest.raises(SpecError, match="must be a whole number from 1 up"):
        most_parameters()


def test_without_the_variable_it_is_the_stated_one(monkeypatch):
    monkeypatch.delenv("ZOO_MAX_PARAMETERS", raising=False)
    assert most_parameters() == MOST_PARAMETERS

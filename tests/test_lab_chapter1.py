"""Chapter 1 of the lab: gates against Python's own logic, and counts as JSON keeps them."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.lab.chapter1.digits import draw_counts
from zoo.lab.chapter1.gates import add, bit_layer, half_adder, nand_gate, perceptron
from zoo.lab.experiment import Bench
from zoo.lab.running import run


def test_the_books_decision_about_the_festival():
    """Weights 6, 2, 2 and threshold 5: the weather decides; at 3, the others may too."""
    days = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0]])
    assert perceptron(days, np.array([6, 2, 2]), -5).tolist() == [1, 0, 0]
    assert perceptron(days, np.array([6, 2, 2]), -3).tolist() == [1, 1, 0]


@pytest.mark.parametrize("x", [0, 1])
@pytest.mark.parametrize("y", [0, 1])
def test_gates_are_pythons(x, y):
    assert nand_gate(x, y) == 1 - (x & y)
    assert half_adder(x, y) == (x ^ y, x & y)


def test_sums_of_more_bits_than_the_experiment_has():
    x, y = np.meshgrid(np.arange(32), np.arange(32))
    assert np.array_equal(add(x, y, bits=5), x + y)


def test_bits_are_read_even_where_the_old_outputs_are_at_their_worst():
    weights, bias = bit_layer()
    for digit in range(10):
        old = np.full(10, 0.01)
        old[digit] = 0.99
        answered = "".join("1" if z > 0 else "0" for z in old @ weights + bias)
        assert int(answered, 2) == digit


def test_counts_are_drawn_with_the_books_from_json():
    drawn = draw_counts({"curves": {"ours": [9000, 9100]}, "book": {"0": 9129}})
    ours, book = drawn.axes[0].get_lines()
    assert ours.get_ydata().tolist() == [9000, 9100]
    assert (list(book.get_xdata()), list(book.get_ydata())) == ([0], [9129])


def test_the_quick_ones_agree(tmp_path):
    for name in ("ch1_nand", "ch1_adder", "ch1_bitwise_layer", "ch1_sigmoid_vs_step"):
        assert run(name, out=tmp_path).outcome.verdict == "agrees"
    assert not Bench(tmp_path).fast

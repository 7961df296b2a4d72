"""Perceptrons as logic gates, an adder made of them, and the exercise's layer of four bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, experiment, plain

BITS = 4


def perceptron(inputs: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    """1 where w·x + b > 0, else 0 (eq. 2); inputs [..., n], weights [n].

    >>> perceptron(np.array([[1, 1, 1], [0, 1, 1]]), np.array([6, 2, 2]), -5).tolist()
    [1, 0]
    """
    return (inputs @ weights + bias > 0).astype(int)


def nand_gate(x: Any, y: Any) -> np.ndarray:
    """The book's NAND: weights -2 and -2, bias 3."""
    return perceptron(np.stack([x, y], axis=-1), np.array([-2, -2]), 3)


def half_adder(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """The book's circuit of five NANDs: the sum bit x XOR y, and the carry x AND y."""
    both = nand_gate(x, y)
    return nand_gate(nand_gate(x, both), nand_gate(y, both)), nand_gate(both, both)


def add(x: np.ndarray, y: np.ndarray, bits: int = BITS) -> np.ndarray:
    """x + y by NANDs alone, bit by bit with a carry; numbers below 2 ** bits."""
    carry, total = np.zeros_like(x), np.zeros_like(x)
    for place in range(bits):
        bit, first = half_adder(x >> place & 1, y >> place & 1)
        bit, second = half_adder(bit, carry)
        carry = nand_gate(1 - first, 1 - second)  # OR
        total = total + (bit << place)
    return total + (carry << bits)


def draw_nand(data: dict[str, Any]) -> Figure:
    """The four inputs in the plane, and the line where the perceptron's answer changes."""
    drawn, axes = style.figure(size=(4.6, 4))
    for x, y, answer in data["answers"]:
        face = style.COLORS[0] if answer else "white"
        axes.plot(x, y, "o", ms=16, color=style.COLORS[0], markerfacecolor=face)
        axes.annotate(str(answer), (x, y), xytext=(14, 6), textcoords="offset points")
    axes.plot([-0.4, 1.9], [1.9, -0.4], **style.line(1, label="-2 x₁ - 2 x₂ + 3 = 0"))
    axes.set(xlabel="x₁", ylabel="x₂", xlim=(-0.4, 1.6), ylim=(-0.4, 1.6))
    axes.set(xticks=[0, 1], yticks=[0, 1])
    axes.legend(frameon=False, loc="lower left")
    return drawn


@experiment("ch1_nand", "A perceptron that is a NAND gate", draw=draw_nand)
def nand(context: Context) -> Result:
    """With weights -2 and -2 and bias 3, a perceptron says 0 only where both its inputs are 1."""
    inputs = list(itertools.product((0, 1), repeat=2))
    answers = [(x, y, int(nand_gate(x, y))) for x, y in inputs]
    checks = tuple(
        Check(f"NAND({x}, {y})", answer, int(not (x and y)), answer == int(not (x and y)))
        for x, y, answer in answers
    )
    return Result({"answers": answers}, checks)


def draw_adder(data: dict[str, Any]) -> Figure:
    """The sums of all pairs as a square of greys, with the numbers in it."""
    drawn, axes = style.figure(size=(6.4, 6))
    sums = np.array(data["sums"])
    axes.imshow(sums, cmap="gray_r", vmax=2 * sums.max())
    for (row, column), value in np.ndenumerate(sums):
        axes.text(column, row, value, ha="center", va="center", fontsize=7)
    axes.grid(visible=False)
    axes.set(xlabel="x", ylabel="y", title=f"x + y, by {data['gates']} NAND gates")
    return drawn


@experiment("ch1_adder", "Numbers added by NAND gates", draw=draw_adder)
def adder(context: Context) -> Result:
    """Perceptrons can compute anything: five NANDs add two bits, and rows of them two numbers.

    All pairs of four-bit numbers are added, by gates alone.
    """
    x, y = np.meshgrid(np.arange(2**BITS), np.arange(2**BITS))
    sums = add(x, y)
    right = int((sums == x + y).sum())
    gates = BITS * (
        2 * 5 + 3
    )  # two half adders and an OR a bit; NOT is a NAND of a bit with itself
    data = {"sums": sums.tolist(), "gates": gates}
    return Result(data, (Check("right sums", right, x.size, right == x.size),))


def bit_layer() -> tuple[np.ndarray, np.ndarray]:
    """Weights [10, 4] and biases [4] that turn ten outputs, one a digit, into the digit's bits."""
    bits = np.arange(10)[:, None] >> np.arange(BITS)[::-1] & 1
    return 20.0 * bits, np.full(BITS, -10.0)


def draw_bitwise_layer(data: dict[str, Any]) -> Figure:
    """What the four neurons say for each digit, in the worst case."""
    drawn, axes = style.figure(size=(6, 4))
    outputs = np.array(data["outputs"])
    axes.imshow(outputs.T, cmap="gray_r", vmin=0, vmax=1.6, aspect="auto")
    for (digit, bit), value in np.ndenumerate(outputs):
        look = {"ha": "center", "va": "center", "color": "white" if value > 0.5 else "black"}
        axes.text(digit, bit, f"{value:.2g}", fontsize=7, **look)
    axes.grid(visible=False)
    axes.set(xlabel="digit", ylabel="bit", xticks=range(10), yticks=range(BITS))
    axes.set_yticklabels(["8", "4", "2", "1"])
    return drawn


@experiment("ch1_bitwise_layer", "Four output neurons for ten digits", draw=draw_bitwise_layer)
def bitwise_layer(context: Context) -> Result:
    """The exercise of 'A simple network to classify handwritten digits', solved.

    A further layer turns ten outputs into four bits: weight 20 from each digit that has the bit,
    bias -10. The old outputs are taken at their worst, 0.99 for the right digit, 0.01 for others.
    """
    weights, bias = bit_layer()
    old = np.where(np.eye(10), 0.99, 0.01)
    outputs = 1 / (1 + np.exp(-(old @ weights + bias)))
    wanted = weights / 20
    worst = float(np.abs(outputs - wanted).max())
    read = (outputs > 0.5).astype(int) @ (1 << np.arange(BITS)[::-1])
    right = int((read == np.arange(10)).sum())
    checks = (
        Check("digits read from their bits", right, 10, right == 10),
        Check("furthest a bit lies from 0 or 1", plain(worst, 3)),
    )
    return Result({"outputs": plain(outputs, 3)}, checks)

"""Problems on one neuron: where its factor is 1 or more, and how it can pass its input on."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import brentq, minimize, minimize_scalar

from zoo.lab.chapter5.chain import sigmoid, sigmoid_prime
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment, plain

# --- the interval in which a gradient does not shrink ---------------------------------------------


def interval_by_formula(w: float) -> float:
    """The problem's answer: (2/|w|) ln(|w| (1 + sqrt(1 - 4/|w|)) / 2 - 1), for |w| >= 4."""
    w = abs(w)
    return 2 / w * float(np.log(w * (1 + np.sqrt(1 - 4 / w)) / 2 - 1))


def interval_by_search(w: float) -> float:
    """The width in a of |w sigma'(w a + b)| >= 1, whose ends are found as roots."""
    w = abs(w)
    if w <= 4:
        return 0.0
    end = brentq(lambda z: w * sigmoid_prime(z) - 1, 0, 50, xtol=1e-13)
    return 2 * end / w


def draw_wide_gradient_interval(data: dict[str, Any]) -> Figure:
    """The width over |w|, by the formula and by search, and its maximum."""
    drawn, axes = style.figure()
    axes.plot(data["w"], data["formula"], **style.line(0, label="formula"))
    points = {"color": style.COLORS[1], "marker": "o", "ls": "none", "mfc": "none"}
    axes.plot(data["w"][::25], data["search"][::25], **points, label="found as roots")
    axes.plot(6.9, 0.45, **style.BOOK)
    axes.set(xlabel="|w|", ylabel="width of the interval of a", ylim=(0, 0.5))
    axes.legend(frameon=False, loc="lower right")
    return drawn


@experiment(
    "ch5_wide_gradient_interval",
    "Where the gradient does not shrink",
    draw=draw_wide_gradient_interval,
)
def wide_gradient_interval(context: Context) -> Result:
    """|w sigma'(w a + b)| >= 1 needs |w| >= 4, and then holds in a narrow interval of a only.

    A problem of the section 'The exploding gradient problem'; it is widest, 0.45, near |w| = 6.9.
    """
    w = np.linspace(4, 40, 361)
    formula = [interval_by_formula(each) for each in w]
    search = [interval_by_search(each) for each in w]
    best = minimize_scalar(lambda w: -interval_by_search(w), bounds=(4, 40), method="bounded")
    data = {"w": plain(w), "formula": plain(formula), "search": plain(search)}
    apart = float(np.max(np.abs(np.subtract(formula, search))))
    checks = (
        Check("largest difference between formula and search", apart, 0, apart < 1e-9),
        check_close("widest interval", plain(-best.fun), 0.45, within=0.005),
        check_close("|w| where it is widest", plain(best.x), 6.9, within=0.05),
    )
    return Result(data, checks, "The book rounds to two digits.")


# --- the identity neuron --------------------------------------------------------------------------

INPUTS = np.linspace(0, 1, 201)


def output(w1: float, b: float, w2: float, constant: float = 0.0) -> np.ndarray:
    """w2 sigma(w1 x + b) + constant for x from 0 to 1."""
    return w2 * sigmoid(w1 * INPUTS + b) + constant


def by_the_hint(w1: float) -> np.ndarray:
    """The solution that the hint leads to: x = 1/2 + D, and sigma(w1 D) = 1/2 + w1 D / 4 + ...

    Then b = -w1/2 and w2 = 4/w1 give x + 2/w1 - 1/2, whose constant the next bias takes away.
    """
    return output(w1, -w1 / 2, 4 / w1, constant=0.5 - 2 / w1)


def best_without_constant() -> np.ndarray:
    """w1, b and w2 of the smallest largest error |w2 sigma(w1 x + b) - x|, found by search."""

    def error(parameters: np.ndarray) -> float:
        return float(np.max(np.abs(output(*parameters) - INPUTS)))

    options = {"xatol": 1e-6, "fatol": 1e-9, "maxiter": 4000}
    return minimize(error, [4.0, -2.0, 1.0], method="Nelder-Mead", options=options).x


def draw_identity_neuron(data: dict[str, Any]) -> Figure:
    """Outputs over inputs, and the largest error over w1."""
    drawn, (outputs, errors) = style.figure(1, 2)
    outputs.plot(INPUTS, INPUTS, color="#111111", lw=0.8, label="x itself")
    labels = ["no constant, the best there is", "w1 = 4, with constant", "w1 = 1, with constant"]
    for number, (label, line) in enumerate(zip(labels, data["outputs"], strict=True)):
        outputs.plot(INPUTS, line, **style.line(number, label=label))
    outputs.set(xlabel="input x", ylabel="output")
    outputs.legend(frameon=False, loc="lower right", fontsize=8)
    errors.plot(data["w1"], data["errors"], **style.line(0, marker="o", label="with constant"))
    errors.axhline(data["least"], **style.line(1, label="without, the best there is"))
    errors.set(xscale="log", yscale="log", xlabel="w1", ylabel="largest error for x in 0 to 1")
    errors.legend(frameon=False, loc="lower right")
    return drawn


@experiment("ch5_identity_neuron", "A neuron that passes x on", draw=draw_identity_neuron)
def identity_neuron(context: Context) -> Result:
    """A sigmoid neuron with a small weight w1 and a large w2 behind it puts out x, for 0 <= x <= 1.

    A problem of the section 'Unstable gradients in more complex networks': w2 sigma(w1 x + b) = x,
    nearly.
    """
    w1 = [4.0, 2.0, 1.0, 0.5, 0.2, 0.1]
    errors = [float(np.max(np.abs(by_the_hint(each) - INPUTS))) for each in w1]
    best = output(*best_without_constant())
    least = float(np.max(np.abs(best - INPUTS)))
    data = {"outputs": plain([best, by_the_hint(4.0), by_the_hint(1.0)])}
    data |= {"w1": w1, "errors": plain(errors), "least": plain(least)}
    label = "largest error at w1 = 0.1, up to a constant"
    checks = (
        Check(label, plain(errors[-1], 3), "small", errors[-1] < 1e-3),
        Check("smallest largest error without a constant", plain(least, 3)),
    )
    remark = (
        "By the hint the output is x plus the constant 2/w1 - 1/2, which the bias of the next "
        "neuron can take away; its error falls as w1 squared. Taken to the letter, without a "
        "constant, no weights come nearer to x than the second figure."
    )
    return Result(data, checks, remark)

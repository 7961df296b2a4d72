"""Four neurons in a row: the gradient as a product of factors, which vanishes or explodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.core import style
from zoo.lab.core.experiment import (
    Check,
    Context,
    Result,
    check_close,
    check_expected,
    experiment,
    plain,
)

LAYERS = 4


def sigmoid(z: np.ndarray) -> np.ndarray:
    """The book's sigma (eq. 3)."""
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z: np.ndarray) -> np.ndarray:
    """Its derivative; written so that nothing is lost where the sigmoid is nearly 1."""
    return sigmoid(z) * sigmoid(-z)


def product_of_factors(w: np.ndarray, b: np.ndarray, x: np.ndarray, y: float = 0.0) -> np.ndarray:
    """dC/db_l of chains [n, 4] by eq. 114 and 122: sigma'(z_l) w_l+1 sigma'(z_l+1)... dC/da_4.

    C is the quadratic cost. The first input is x, and w_1 is its weight.
    """
    a, zs = x, []
    for layer in range(LAYERS):
        zs.append(w[:, layer] * a + b[:, layer])
        a = sigmoid(zs[-1])
    back, gradients = a - y, []
    for layer in reversed(range(LAYERS)):
        gradients.append(sigmoid_prime(zs[layer]) * back)
        back = w[:, layer] * gradients[-1]
    return np.stack(gradients[::-1], axis=1)


def differentiated(w: np.ndarray, b: np.ndarray, x: np.ndarray, y: float = 0.0) -> np.ndarray:
    """The same by automatic differentiation of the quadratic cost, which knows no equation."""
    import tensorflow as tf

    w, b, a = tf.constant(w), tf.constant(b), tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(b)
        for layer in range(LAYERS):
            a = tf.sigmoid(w[:, layer] * a + b[:, layer])
        cost = tf.reduce_sum((y - a) ** 2) / 2
    return tape.gradient(cost, b).numpy()


# --- the product ----------------------------------------------------------------------------------


def draw_chain(data: dict[str, Any]) -> Figure:
    """The four gradients of one chain, both ways, and the first over the third in many chains."""
    drawn, (bars, many) = style.figure(1, 2)
    layers = np.arange(1, LAYERS + 1)
    bars.bar(layers - 0.2, data["product"], 0.38, color=style.COLORS[0], label="eq. 122, a product")
    light = {"color": "#cccccc", "edgecolor": "#111111"}
    bars.bar(layers + 0.2, data["autodiff"], 0.38, **light, label="automatic differentiation")
    bars.set(yscale="log", ylim=(1e-3, 1), xlabel="neuron", ylabel="dC/db", xticks=layers)
    bars.set_title("weights 1, biases 0")
    bars.legend(frameon=False, loc="upper left")
    many.stairs(data["counts"], data["edges"], fill=True, color="#b0b0b0")
    many.axvline(np.log10(1 / 16), **style.line(1, label="1/16"))
    labels = {"xlabel": "log10 |dC/db1 / dC/db3|", "ylabel": "chains"}
    many.set(**labels, title="weights and biases normal, deviation 1")
    many.legend(frameon=False, loc="upper left")
    return drawn


@experiment("ch5_chain", "The gradient of a chain is a product", draw=draw_chain)
def chain(context: Context) -> Result:
    """dC/db1 of four neurons in a row is a product of their factors w sigma'(z) (eq. 114 to 122).

    Two more of them, each below 1/4 where the weights are below 1, separate it from dC/db3.
    """
    ones, zeros, x = np.ones((1, LAYERS)), np.zeros((1, LAYERS)), np.array([1.0])
    product, autodiff = product_of_factors(ones, zeros, x)[0], differentiated(ones, zeros, x)[0]
    generator = np.random.default_rng(0)
    count = context.choose(1_000_000, 100_000)
    w, b = generator.normal(size=(2, count, LAYERS))
    gradients = differentiated(w, b, generator.random(count))
    ratio = np.abs(gradients[:, 0] / gradients[:, 2])
    small = (np.abs(w[:, 1:3]) < 1).all(axis=1)
    counts, edges = np.histogram(np.log10(ratio), bins=np.linspace(-6, 1, 71))
    data = {"product": plain(product), "autodiff": plain(autodiff)}
    data |= {"counts": counts.tolist(), "edges": plain(edges)}
    apart = float(np.max(np.abs(product / autodiff - 1)))
    largest = float(ratio[small].max())
    label = "largest |dC/db1 / dC/db3| where w2 and w3 are below 1"
    checks = (
        Check(
            "product and automatic differentiation differ by a share of", apart, 0, apart < 1e-12
        ),
        Check(label, plain(largest, 4), 1 / 16, largest < 1 / 16),
        Check("its median, over all chains", plain(np.median(ratio), 3)),
        Check("share of all chains where it is below 1/16", plain(np.mean(ratio < 1 / 16), 3)),
    )
    return Result(data, checks, f"{count:,} chains; the book's figure is a bound.")


# --- sigma' ---------------------------------------------------------------------------------------


def draw_sigmoid_prime(data: dict[str, Any]) -> Figure:
    """The derivative over z, by its formula and by automatic differentiation."""
    drawn, axes = style.figure()
    axes.plot(data["z"], data["formula"], **style.line(0, label="sigma (1 - sigma)"))
    every = slice(None, None, 20)
    points = {"color": style.COLORS[1], "marker": "o", "ls": "none", "mfc": "none"}
    axes.plot(data["z"][every], data["autodiff"][every], **points, label="differentiated")
    axes.axhline(0.25, color="#444444", lw=0.8)
    axes.annotate("1/4", (-4, 0.25), xytext=(0, 4), textcoords="offset points")
    axes.set(xlabel="z", ylabel="sigma'(z)", ylim=(0, 0.28))
    axes.legend(frameon=False, loc="lower center")
    return drawn


@experiment("ch5_sigmoid_prime", "The sigmoid's slope is at most 1/4", draw=draw_sigmoid_prime)
def sigmoid_prime_shape(context: Context) -> Result:
    """sigma'(z) has its maximum, 1/4, at z = 0: why each layer of a chain shrinks the gradient."""
    import tensorflow as tf

    z = np.linspace(-4, 4, 401)
    points = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(points)
        activations = tf.sigmoid(points)
    slopes = tape.gradient(activations, points).numpy()
    data = {"z": plain(z), "formula": plain(sigmoid_prime(z)), "autodiff": plain(slopes)}
    checks = (
        check_close("maximum of the slope", float(slopes.max()), 0.25, within=1e-12),
        check_expected("where it lies", float(z[slopes.argmax()]), 0.0, within=1e-9),
    )
    return Result(data, checks)


# --- the exploding gradient -----------------------------------------------------------------------


def exploding_chains(offsets: np.ndarray, weight: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases [n, 4] for the input 1, every z being 0 but for the biases' offset."""
    inputs = np.array([1.0, *[0.5] * (LAYERS - 1)])
    w = np.full((len(offsets), LAYERS), weight)
    return w, -w * inputs + offsets[:, None]


def draw_exploding(data: dict[str, Any]) -> Figure:
    """The gradient of each neuron, and how much of the explosion biases a little off leave."""
    drawn, (bars, off) = style.figure(1, 2)
    layers = np.arange(1, LAYERS + 1)
    bars.bar(layers, data["gradients"], color=style.COLORS[0])
    for layer in layers[:-1]:
        height = data["gradients"][layer - 1]
        place = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center"}
        bars.annotate(f"25 times neuron {layer + 1}", (layer, height), **place, fontsize=8)
    bars.set(yscale="log", xlabel="neuron", ylabel="dC/db", xticks=layers, title="weights 100, z 0")
    bars.margins(y=0.1)
    off.plot(data["offsets"], data["ratio"], **style.line(0))
    off.axhline(1, **style.line(1, lw=1))
    for text, height in (("explodes", 1e2), ("vanishes", 1e-2)):
        off.annotate(text, (0.05, height), xycoords=("axes fraction", "data"), va="center")
    off.set(
        yscale="log",
        ylim=(1e-9, 1e6),
        xticks=np.arange(-0.1, 0.11, 0.05),
        title="biases a little off",
    )
    off.set(xlabel="offset of all four biases", ylabel="dC/db1 / dC/db4")
    return drawn


@experiment("ch5_exploding", "Large weights: the gradient explodes", draw=draw_exploding)
def exploding(context: Context) -> Result:
    """With weights of 100, and biases that make every z zero, each layer multiplies by 25.

    From the section 'The exploding gradient problem'. Only biases that are right to a few
    hundredths do it: beside them neurons saturate, and the gradient vanishes.
    """
    x = np.array([1.0])
    gradients = differentiated(*exploding_chains(np.zeros(1)), x)[0]
    offsets = np.linspace(-0.1, 0.1, 401)
    # The product, because automatic differentiation rounds 1 - sigma of a saturated neuron to 0.
    shifted = product_of_factors(*exploding_chains(offsets), np.ones(len(offsets)))
    ratio = shifted[:, 0] / shifted[:, -1]
    data = {"gradients": plain(gradients), "offsets": plain(offsets), "ratio": plain(ratio)}
    factors = gradients[:-1] / gradients[1:]
    checks = tuple(
        check_close(f"dC/db{layer} / dC/db{layer + 1}", float(factor), 25, within=1e-9)
        for layer, factor in enumerate(factors, start=1)
    )
    wide = float(np.abs(offsets[ratio >= 1]).max())
    return Result(
        data, (*checks, Check("largest offset of the biases that still explodes", plain(wide, 2)))
    )

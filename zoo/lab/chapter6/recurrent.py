"""Section 6.5: recurrent networks read print(a+b) a character at a time, and write what it prints.

After "Learning to execute" (Zaremba and Sutskever 2014), which the book describes, with sums of two
numbers below 100 in place of whole programs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_claim, experiment, plain

if TYPE_CHECKING:
    import keras

ALPHABET = " print()+.0123456789"
LARGEST = 99
PROGRAM = len(f"print({LARGEST}+{LARGEST})")
ANSWER = len(f"{2 * LARGEST}.")
TRAINING, TEST = 8_000, 1_000
LONG = 60  # characters, for gradients through time

# An LSTM of n units has four matrices of n x n; one of 2n x 2n is as large as they are together.
UNITS = {"LSTM": 128, "RNN": 256}
RATES = {"LSTM": 0.003, "RNN": 0.001}

# The LSTM of 1997 forgot nothing. The forget gate came in 2000, and sigma(4) = 0.98 leaves it open.
OPEN = 4.0


@dataclass(frozen=True)
class Sums:
    """Programs and what they print: one-hot x [n, characters, alphabet], y [n, ANSWER] places."""

    x: np.ndarray
    y: np.ndarray


def program(a: int, b: int, length: int = PROGRAM) -> str:
    """The program of a sum, with blanks before it.

    >>> program(7, 12)
    '  print(7+12)'
    """
    return f"print({a}+{b})".rjust(length)


def printed(a: int, b: int) -> str:
    """What the program prints, with a full stop, and more of them up to the longest answer.

    >>> printed(7, 12)
    '19..'
    """
    return f"{a + b}".ljust(ANSWER, ".")


def places(texts: list[str]) -> np.ndarray:
    """The place in the alphabet of each character, for texts of one length.

    >>> places(["1+"]).tolist()
    [[11, 8]]
    """
    return np.array([[ALPHABET.index(character) for character in text] for text in texts])


def sums(pairs: np.ndarray, length: int = PROGRAM) -> Sums:
    """The programs of pairs of numbers [n, 2], with blanks before them up to `length`."""
    x = places([program(a, b, length) for a, b in pairs])
    return Sums(np.eye(len(ALPHABET), dtype=np.float32)[x], places([printed(*p) for p in pairs]))


def shuffled_pairs() -> np.ndarray:
    """All pairs of numbers up to LARGEST [n, 2], in an order drawn by seed 0."""
    pairs = np.stack(np.divmod(np.arange((LARGEST + 1) ** 2), LARGEST + 1), axis=1)
    return np.random.default_rng(0).permutation(pairs)


def build(
    kind: str, units: int, *, scale: float | None = None, forget: float = OPEN, seed: int = 0
) -> keras.Model:
    """A layer that reads the program, and one that writes the answer from the first's last state.

    Args:
        kind: LSTM, or RNN, the plain recurrent layer h_t = tanh(w x_t + v h_(t-1) + b).
        units: In each of the two layers.
        scale: For an RNN, v is drawn with a deviation of scale / sqrt(units); an orthogonal matrix
            where it is None.
        forget: For an LSTM, the bias of the forget gates.
        seed: Of the initial weights.

    Returns:
        A compiled model from x [n, any length, alphabet] to probabilities [n, ANSWER, alphabet].
    """
    import keras

    keras.utils.set_random_seed(seed)
    if kind == "LSTM":
        layer: Any = keras.layers.LSTM
        options: dict[str, Any] = {"unit_forget_bias": False}
    else:
        layer, options = keras.layers.SimpleRNN, {}
        if scale is not None:
            normal = keras.initializers.RandomNormal(stddev=scale / units**0.5)
            options["recurrent_initializer"] = normal
    layers = [
        keras.Input((None, len(ALPHABET))),
        layer(units, name="reads", **options),
        keras.layers.RepeatVector(ANSWER),
        layer(units, name="writes", return_sequences=True, **options),
        keras.layers.Dense(len(ALPHABET), activation="softmax", name="characters"),
    ]
    model = keras.Sequential(layers, name=kind.lower())
    for name in ("reads", "writes") if kind == "LSTM" else ():
        bias = model.get_layer(name).cell.bias  # of input gates, forget gates, cells, output gates
        bias.assign(np.repeat([0, forget, 0, 0], units))
    optimizer = keras.optimizers.Adam(RATES[kind])
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=True)
    return model


# --- gradients through time -----------------------------------------------------------------------


def gradient_norms(model: keras.Model, given: Sums) -> np.ndarray:
    """The mean length of dC/dx_t [characters]: what the cost C feels of the character read at t.

    The input of a step is the same thing in both kinds of layer; their states are not.
    """
    import tensorflow as tf

    x = tf.constant(given.x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        wanted = tf.one_hot(given.y, len(ALPHABET))
        # The sum over examples: no example has a part in the slopes of another.
        cost = -tf.reduce_sum(wanted * tf.math.log(model(x)))
    slopes = tape.gradient(cost, x).numpy()
    return np.linalg.norm(slopes, axis=-1).mean(axis=0)


# Kind, its setting, whether the first character's gradient over the last's bears the claim out.
STARTS: dict[str, tuple[str, dict[str, float], str, Callable[[float], bool]]] = {
    "RNN, weights of 0.5/sqrt(n)": ("RNN", {"scale": 0.5}, "below 1e-6", lambda r: r < 1e-6),
    "RNN, weights of 1.5/sqrt(n)": ("RNN", {"scale": 1.5}, "above 1", lambda r: r > 1),
    "LSTM, forget gates half open": ("LSTM", {"forget": 0}, "below 1e-6", lambda r: r < 1e-6),
    "LSTM, forget gates open": ("LSTM", {"forget": OPEN}, "0.1 to 10", lambda r: 0.1 < r < 10),
}


def draw_gradients(data: dict[str, Any]) -> Figure:
    """The lengths of gradients by the place of the character, a line a network."""
    drawn, axes = style.figure(size=(8, 4.6))
    for number, (label, row) in enumerate(data["norms"].items()):
        axes.plot(range(1, len(row) + 1), row, **style.line(number, label=label))
    axes.set(yscale="log", xlabel="character read", ylabel="mean length of dC/dx")
    style.legend_above(axes)
    return drawn


@experiment("ch6_gradients_in_time", "Gradients through time", draw=draw_gradients)
def gradients_in_time(context: Context) -> Result:
    """In a recurrent network gradients shrink, or grow, from step to step (section 6.5).

    It is chapter 5's product of factors, one a step in place of one a layer: early recurrent
    networks were hard to train. The cells of an LSTM carry their state on unchanged as long as
    their forget gates are open, and the gradient with it. The programs have 60 characters, most of
    them blanks, and no network has been trained.
    """
    given = sums(shuffled_pairs()[: context.choose(200, 50)], LONG)
    seeds = range(context.choose(5, 2))
    norms, checks = {}, []
    for label, (kind, setting, claim, holds) in STARTS.items():
        models = (build(kind, UNITS[kind], seed=seed, **setting) for seed in seeds)
        row = np.exp(np.mean([np.log(gradient_norms(each, given)) for each in models], axis=0))
        norms[label] = plain(row)
        ratio = plain(row[0] / row[-1], 3)
        checks.append(check_claim(f"{label}: first over last", ratio, claim, holds(ratio)))
    remark = (
        f"Geometric means of {len(seeds)} networks. The LSTM of 1997 had no forget gates: it kept "
        "all. A gate that begins half open forgets half of its cell's state at each step."
    )
    return Result({"norms": norms}, tuple(checks), remark)


# --- learning -------------------------------------------------------------------------------------


def answers(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The most probable character at each place of the answer, as places [n, ANSWER]."""
    return model.predict(x, batch_size=TEST, verbose=0).argmax(axis=-1)


def accuracies(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Per cent of the characters that are right, and of the answers that are right as a whole.

    >>> accuracies(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [3, 5]]))
    (75.0, 50.0)
    """
    right = found == wanted
    return float(100 * right.mean()), float(100 * right.all(axis=1).mean())


def draw_sums(data: dict[str, Any]) -> Figure:
    """Accuracy by epoch of both kinds, and some programs with what the LSTM says they print."""
    drawn, (axes, text) = style.figure(1, 2, size=(10.5, 4), width_ratios=(1.4, 1))
    for number, (kind, rows) in enumerate(data["curves"].items()):
        for place, what in enumerate(("characters", "answers")):
            look = style.line(number, label=f"{kind}, {what}", ls="-" if place else ":")
            axes.plot(data["epochs"], [row[place] for row in rows], **look)
    axes.set(xlabel="epoch", ylabel="right, of sums never seen (%)", ylim=(0, 102))
    style.legend_above(axes)
    lines = [f"{source:>{PROGRAM}}   {said}" for source, said in data["said"]]
    text.set_axis_off()
    text.set_title("what the LSTM answers", fontsize=10, loc="left")
    text.text(0, 0.95, "\n".join(lines), family="monospace", va="top", fontsize=9)
    return drawn


@experiment("ch6_print_sums", "A network that runs print(a+b)", draw=draw_sums)
def print_sums(context: Context) -> Result:
    """A recurrent network learns to run a small program, a character at a time (section 6.5).

    The networks of the book's example learned whole Python programs, and the book prints no
    figure. The claim: an LSTM that has seen 8,000 of the 10,000 sums of two numbers below 100 gets
    nine in ten of those that it has not seen right. An RNN of as many weights learns beside it.
    """
    rounds, epochs = context.choose((10, 4), (2, 1))
    pairs = shuffled_pairs()
    training, test = sums(pairs[:TRAINING]), sums(pairs[-TEST:])
    curves: dict[str, list[list[float]]] = {}
    said: list[list[str]] = []
    for kind, units in UNITS.items():
        model, rows = build(kind, units), []
        for number in range(rounds):
            model.fit(training.x, training.y, batch_size=64, epochs=epochs, verbose=0)
            found = answers(model, test.x)
            rows.append(plain(accuracies(found, test.y), 4))
            context.say(f"{kind}, epoch {epochs * (number + 1)}: {rows[-1][1]} % of the answers")
        curves[kind] = rows
        if kind == "LSTM":
            texts = ["".join(ALPHABET[place] for place in row).rstrip(".") for row in found[:12]]
            said = [
                [program(*pair), text] for pair, text in zip(pairs[-TEST:], texts, strict=False)
            ]
    lstm, rnn = curves["LSTM"][-1], curves["RNN"][-1]
    headline = check_claim("LSTM: answers right, %", lstm[1], "above 90", lstm[1] > 90)
    checks = (
        replace(headline, agrees=None) if context.fast else headline,
        Check("LSTM: characters right, %", lstm[0]),
        Check("RNN: answers right, %", rnn[1]),
        Check("RNN: characters right, %", rnn[0]),
    )
    counted = [epochs * (number + 1) for number in range(rounds)]
    short = f"{counted[-1]} epochs of 40. " if context.fast else ""
    remark = f"{short}LSTM: {UNITS['LSTM']} units. RNN: {UNITS['RNN']}, orthogonal at the start."
    return Result({"epochs": counted, "curves": curves, "said": said}, checks, remark)

"""Section 6.5: recurrent networks read print(a+b) a character at a time, and write what it prints.

After Zaremba and Sutskever 2014, "Learning to execute", of which the book tells; with sums of two
numbers below 100 in place of whole programs.
"""

from __future__ import annotations

from dataclasses import dataclass
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
LONG = 60  # characters, for the gradient over time

# An LSTM of n units has four matrices of n x n, and a plain layer of 2n units one as large as them.
UNITS = {"LSTM": 128, "RNN": 256}


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


def build(kind: str, units: int) -> keras.Model:
    """A layer that reads the program, and one that writes the answer from the first's last state.

    Args:
        kind: LSTM, or RNN, the plain recurrent layer h_t = tanh(w x_t + v h_(t-1) + b).
        units: In each of the two layers.

    Returns:
        A compiled model from x [n, any length, alphabet] to probabilities [n, ANSWER, alphabet].
    """
    import keras

    layer = {"LSTM": keras.layers.LSTM, "RNN": keras.layers.SimpleRNN}[kind]
    layers = [
        keras.Input((None, len(ALPHABET))),
        layer(units, name="reads"),
        keras.layers.RepeatVector(ANSWER),
        layer(units, return_sequences=True, name="writes"),
        keras.layers.Dense(len(ALPHABET), activation="softmax"),
    ]
    model = keras.Sequential(layers, name=kind.lower())
    rate = {"LSTM": 0.003, "RNN": 0.001}[kind]
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", jit_compile=True)
    return model


def answers(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The most probable character at each place of the answer, as places [n, ANSWER]."""
    return model.predict(x, batch_size=TEST, verbose=0).argmax(axis=-1)


def gradient_norms(model: keras.Model, given: Sums) -> np.ndarray:
    """The mean length of dC/dx_t [characters]: what the cost C feels of the character read at t.

    The input of a step is the same thing in both kinds of layer; their states are not.
    """
    import tensorflow as tf

    x = tf.constant(given.x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        picked = tf.one_hot(given.y, len(ALPHABET))
        # A cost for each example: none of them has a part in the slopes of another.
        cost = -tf.reduce_sum(picked * tf.math.log(model(x)))
    slopes = tape.gradient(cost, x).numpy()
    return np.linalg.norm(slopes, axis=-1).mean(axis=0)

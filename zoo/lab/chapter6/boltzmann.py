"""Section 6.5: a restricted Boltzmann machine generates digits, and its features help to classify.

"To recognize shapes, first learn to generate images" (Hinton 2007). This is one layer of the deep
belief nets that the book describes, trained by contrastive divergence (Hinton 2002) with persistent
chains (Tieleman 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit
from threadpoolctl import threadpool_limits

from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, check_claim, experiment, plain

BATCH, CHAINS, RATE, DECAY = 20, 40, 0.05, 1e-4
LABELED, SHOWN = 1_000, 20

Features = Callable[[np.ndarray], np.ndarray]


class RestrictedBoltzmannMachine:
    """Binary visible and hidden units, and the model's samples: one Markov chain a row.

    Attributes:
        w: Weights [visible, hidden].
        visible_bias: One for each visible unit.
        hidden_bias: One for each hidden unit.
        chains: The visible units of the chains, which go on from step to step.
    """

    def __init__(self, visible: int, hidden: int, *, deviation: float = 0.01, seed: int = 0):
        self.generator = np.random.default_rng(seed)
        self.w = deviation * self.generator.normal(size=(visible, hidden))
        self.visible_bias, self.hidden_bias = np.zeros(visible), np.zeros(hidden)
        self.chains = self.sample(np.full((CHAINS, visible), 0.5))

    def hidden_given(self, v: np.ndarray) -> np.ndarray:
        """P(h = 1 | v) for visible units v [n, visible]."""
        return expit(v @ self.w + self.hidden_bias)

    def visible_given(self, h: np.ndarray) -> np.ndarray:
        """P(v = 1 | h) for hidden units h [n, hidden]: the network run backwards."""
        return expit(h @ self.w.T + self.visible_bias)

    def sample(self, probabilities: np.ndarray) -> np.ndarray:
        """Units that are 1 with these probabilities, and else 0."""
        return (self.generator.random(probabilities.shape) < probabilities).astype(float)

    def gibbs(self, v: np.ndarray, rounds: int) -> tuple[np.ndarray, np.ndarray]:
        """Visible units after so many rounds of sampling h given v and v given h.

        Returns:
            The units, and the probabilities that the last round drew them with, both [n, visible].
        """
        for _ in range(rounds):
            probabilities = self.visible_given(self.sample(self.hidden_given(v)))
            v = self.sample(probabilities)
        return v, probabilities

    def step(self, v: np.ndarray, rate: float) -> None:
        """One step of persistent contrastive divergence on a mini-batch v [n, visible].

        The gradient of log P(v) is a mean over the data less a mean over the model, which the
        chains stand for. Chains that begin anew at the data in every step leave the machine with
        samples far from any digit, which it never learns to avoid.
        """
        h = self.hidden_given(v)
        self.chains, _ = self.gibbs(self.chains, 1)
        chain_h = self.hidden_given(self.chains)
        slope = v.T @ h / len(v) - self.chains.T @ chain_h / len(self.chains)
        self.w += rate * (slope - DECAY * self.w)
        self.visible_bias += rate * (v.mean(axis=0) - self.chains.mean(axis=0))
        self.hidden_bias += rate * (h.mean(axis=0) - chain_h.mean(axis=0))

    def reconstruction_error(self, v: np.ndarray) -> float:
        """The mean squared difference between v [n, visible] and its reconstruction, a pixel."""
        return float(np.mean((v - self.visible_given(self.hidden_given(v))) ** 2))


def accuracy_on(features: Features, train: tuple, test: tuple) -> float:
    """Accuracy in per cent of logistic regression on features of images.

    Args:
        features: From images [n, 784] to features [n, k].
        train: Images and labels to fit it on.
        test: Images and labels to score it on.
    """
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(max_iter=500).fit(features(train[0]), train[1])
    return float(100 * np.mean(classifier.predict(features(test[0])) == test[1]))


def draw_machine(data: dict[str, Any]) -> Figure:
    """Weights, samples from noise, and training digits reconstructed from their hidden units."""
    drawn = Figure(figsize=(10, 7.2), layout="constrained")
    parts: Any = drawn.subfigures(3, 1)
    rows = {
        "weights": f"the weights of {SHOWN} hidden units",
        "samples": "generated: where chains came to that began as noise when training began",
        "backwards": "run backwards: training digits reconstructed from their hidden units",
    }
    for part, (key, title) in zip(parts, rows.items(), strict=True):
        images = np.array(data[key]).reshape(-1, 28, 28)
        style.show_images(part.subplots(2, SHOWN // 2).ravel(), list(images))
        part.suptitle(title, fontsize=10)
    return drawn


@experiment("ch6_boltzmann", "To recognize digits, first generate them", draw=draw_machine)
def boltzmann(context: Context) -> Result:
    """A restricted Boltzmann machine learns to generate digits without a label (section 6.5).

    The book describes such networks and prints no figure. The claims: where few images have labels,
    a linear classifier does better on its hidden units than on as many units with random weights;
    and it reconstructs images that it has not seen.
    """
    images, hidden, epochs, rounds = context.choose((50_000, 500, 15, 2_000), (5_000, 100, 15, 300))
    data = context.data
    v = data.train.take(images).images.reshape(images, -1) / 256
    unseen = data.validation.images[:1_000].reshape(1_000, -1) / 256
    machine = RestrictedBoltzmannMachine(784, hidden)
    errors = [machine.reconstruction_error(unseen)]
    # Threads that share so small a product wait for each other for most of the time.
    with threadpool_limits(1):
        for epoch in range(epochs):
            order = machine.generator.permutation(images)
            for start in range(0, images, BATCH):
                machine.step(v[order[start : start + BATCH]], RATE * (1 - epoch / epochs))
            errors.append(machine.reconstruction_error(unseen))
            context.say(f"epoch {epoch + 1} of {epochs}: squared error {errors[-1]:.4f} a pixel")
    found = {
        "weights": plain(machine.w.T[:SHOWN], 3),
        "samples": plain(machine.gibbs(machine.chains[:SHOWN], rounds)[1], 3),
        "backwards": plain(machine.visible_given(machine.hidden_given(v[:SHOWN])), 3),
        "errors": plain(errors),
    }
    labeled = (v[:LABELED], data.train.labels[:LABELED])
    test = (data.test.images.reshape(len(data.test), -1) / 256, data.test.labels)
    remark = (
        f"{hidden} hidden units, {images:,} images, {epochs} epochs, {rounds:,} rounds a chain."
    )
    return Result(found, _checks(machine, errors, labeled, test), remark)


def _checks(
    machine: RestrictedBoltzmannMachine, errors: list[float], labeled: tuple, test: tuple
) -> tuple[Check, ...]:
    visible, hidden = machine.w.shape
    # Weights of 0.01 would give all images about the same features.
    untrained = RestrictedBoltzmannMachine(visible, hidden, deviation=0.1, seed=1)
    learned = accuracy_on(machine.hidden_given, labeled, test)
    random = accuracy_on(untrained.hidden_given, labeled, test)
    pixels = accuracy_on(np.asarray, labeled, test)
    return (
        check_claim(
            f"accuracy on its hidden units, {LABELED:,} labels, %",
            plain(learned, 4),
            f"above {random:.2f}, random weights",
            learned > random,
        ),
        check_claim(
            "squared error of unseen images, a pixel",
            plain(errors[-1], 3),
            f"below half of {errors[0]:.3g}, before training",
            errors[-1] < errors[0] / 2,
        ),
        Check(f"accuracy on the pixels, {LABELED:,} labels, %", plain(pixels, 4)),
    )

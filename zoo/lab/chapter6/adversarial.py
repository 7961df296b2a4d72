"""Beyond the book: images altered against a network, and how much it takes until it goes wrong.

Section 'Recent progress in image recognition' tells of Szegedy et al. 2013, whose altered
photographs look the same to people. On these digits the noise is visible before answers change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.chapter6.attacks import cost_gradients, fgsm, pgd
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, experiment, plain

if TYPE_CHECKING:
    from zoo.data import Split

NETWORKS = ("shallow", "conv2", "conv2_relu", "conv2_relu_dropout")
VOTE = "conv2_relu_dropout_x5"
REMARK = (
    "The book gives no figures here. An attack sees the network's weights; epsilon is the most by "
    "which a pixel may change, of 255; from about 16 on the noise is plain to see."
)


def _altered(kind: str, gradients: Callable, split: Split, epsilon: int, steps: int) -> np.ndarray:
    if kind == "pgd":
        return pgd(gradients, split.images, split.labels, epsilon, steps=steps)
    if kind == "fgsm":
        return fgsm(gradients, split.images, split.labels, epsilon)
    signs = np.random.default_rng(0).choice([-1, 1], split.images.shape)
    return np.clip(split.images + epsilon * signs, 0, 255).astype(np.uint8)


def draw_adversarial(data: dict[str, Any]) -> Figure:
    """Accuracy over epsilon, a line a network, for both attacks and for noise."""
    drawn, axes = style.figure(1, 3, size=(12, 4.2), sharey=True)
    titles = {
        "noise": "random signs",
        "fgsm": "FGSM, one step",
        "pgd": f"PGD, {data['steps']} steps",
    }
    for each, (kind, title) in zip(axes, titles.items(), strict=True):
        for number, name in enumerate(data["networks"]):
            look = style.line(number, marker=style.MARKS[number], label=name)
            each.plot(data["epsilons"], data[kind][number], **look)
        each.set(title=title, xlabel="epsilon (bytes of 255)", ylim=(-3, 103))
    axes[0].set_ylabel("test images correct (%)")
    drawn.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return drawn


@experiment("ch6_adversarial", "Accuracy under attack", draw=draw_adversarial)
def adversarial(context: Context) -> Result:
    """Accuracy of several networks on images altered against them, by how far a pixel may move.

    One step along the sign of the gradient (FGSM, Goodfellow et al. 2014), many small ones (PGD,
    Madry et al. 2017), and random signs, which hardly hurt.
    """
    split = context.data.test.take(context.choose(1_000, 200))
    networks, steps = context.choose((*NETWORKS, VOTE), NETWORKS), context.choose(40, 10)
    epsilons = context.choose([0, 4, 8, 16, 24, 32, 48, 64, 80], [0, 8, 16, 32, 64])
    found: dict[str, list] = {"noise": [], "fgsm": [], "pgd": []}
    for name in networks:
        context.say(name)
        model = zoo.load(name)
        gradients = cost_gradients(model)
        for kind, rows in found.items():
            altered = [_altered(kind, gradients, split, epsilon, steps) for epsilon in epsilons]
            splits = [zoo.Split(images, split.labels) for images in altered]
            rows.append([plain(100 * zoo.evaluate(model, each).accuracy) for each in splits])
    place = epsilons.index(32)
    checks = tuple(
        Check(f"{name}: correct at epsilon 32 by {kind} (%)", found[kind][number][place])
        for number, name in enumerate(networks)
        for kind in ("noise", "fgsm", "pgd")
    )
    data = {"epsilons": epsilons, "networks": networks, "steps": steps, **found}
    return Result(data, checks, f"{REMARK} {len(split):,} test images, PGD with {steps} steps.")


# --- what they look like --------------------------------------------------------------------------


def draw_adversarial_images(data: dict[str, Any]) -> Figure:
    """A row a digit, a column an epsilon; above each image the answer and how sure it is."""
    count = len(data["epsilons"])
    drawn, axes = style.figure(len(data["images"]), count, size=(1.5 * count, 8.6))
    for row, images, titles in zip(axes, data["images"], data["answers"], strict=True):
        style.show_images(row, images, titles)
        for each in row:
            each.images[0].set_clim(0, 255)
    for each, epsilon in zip(axes[0], data["epsilons"], strict=True):
        each.set_title(f"epsilon {epsilon}\n\n{each.get_title()}", fontsize=9)
    drawn.suptitle("answers of conv2_relu, and how sure it is")
    return drawn


@experiment("ch6_adversarial_images", "Images altered by PGD", draw=draw_adversarial_images)
def adversarial_images(context: Context) -> Result:
    """Five test digits, altered by PGD against `conv2_relu`, with noise that grows until it shows.

    Answers change where people see the noise, and still read the digit. The section
    'Recent progress in image recognition' shows such pairs of photographs.
    """
    epsilons = [0, 8, 16, 32, 64]
    split = context.data.test.take(5)
    model = zoo.load("conv2_relu")
    gradients = cost_gradients(model)
    columns = [
        pgd(gradients, split.images, split.labels, epsilon, steps=40) for epsilon in epsilons
    ]
    outputs = [np.array(model(images)) for images in columns]
    answers = [
        [f"{row.argmax()}: {row.max():.1%}".replace("%", " %") for row in each] for each in outputs
    ]
    images = np.stack(columns, axis=1)[..., 0]
    data = {
        "epsilons": epsilons,
        "images": images.tolist(),
        "answers": np.transpose(answers).tolist(),
    }
    wrong = [int(np.sum(each.argmax(axis=1) != split.labels)) for each in outputs]
    checks = tuple(
        Check(f"wrong answers of 5 at epsilon {epsilon}", count)
        for epsilon, count in zip(epsilons, wrong, strict=True)
    )
    first = next((each for each, count in zip(epsilons, wrong, strict=True) if count), "none")
    return Result(data, checks, f"{REMARK} The first wrong answer is at epsilon {first}.")

"""Beyond the book: images of nothing, which a network is certain show a digit.

Nguyen, Yosinski and Clune, "Deep neural networks are easily fooled", 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

import zoo
from zoo.lab.chapter6.attacks import cost_gradients
from zoo.lab.core import style
from zoo.lab.core.experiment import Check, Context, Result, experiment, plain

if TYPE_CHECKING:
    import keras

NETWORKS = ("conv2", "conv2_relu", "conv2_relu_dropout")
DIGITS = np.arange(10, dtype=np.int32)
STEPS, LENGTH = 100, 4


def fooling_images(model: keras.Model, start: np.ndarray) -> np.ndarray:
    """Byte images [10, 28, 28, 1] that a model takes for 0 to 9, by gradient ascent of ln a_y.

    Each of 100 steps moves every pixel by up to 4 bytes, in proportion to its gradient.
    """
    gradients, images = cost_gradients(model), start.astype(float)
    for _ in range(STEPS):
        slopes = gradients(images, DIGITS)
        steepest = np.abs(slopes).max(axis=(1, 2, 3), keepdims=True)
        images = np.clip(images - LENGTH * slopes / np.maximum(steepest, 1e-30), 0, 255)
    return np.rint(images).astype(np.uint8)


def draw_fooling(data: dict[str, Any]) -> Figure:
    """A row a network, a column a digit; above each image how sure the network is of it."""
    drawn, axes = style.figure(len(NETWORKS), 10, size=(12, 5))
    for row, name, images, sure in zip(axes, NETWORKS, data["images"], data["sure"], strict=True):
        titles = [f"{digit}: {each:.1%}".replace("%", " %") for digit, each in enumerate(sure)]
        style.show_images(row, images, titles)
        row[0].text(-0.15, 0.5, name, transform=row[0].transAxes, rotation=90, va="center",
                    ha="right", fontsize=9)  # fmt: skip
    drawn.suptitle("what each network takes for a digit, and how sure it is")
    return drawn


@experiment("ch6_fooling", "Noise taken for digits", draw=draw_fooling)
def fooling(context: Context) -> Result:
    """Noise altered until a network is certain that it shows a 0, a 1, ... a 9.

    After Nguyen et al. 2014, whom the section 'Recent progress in image recognition' tells of.
    """
    generator = np.random.default_rng(0)
    start = generator.integers(0, 256, (10, 28, 28, 1), dtype=np.uint8)
    noise = generator.integers(0, 256, (context.choose(5_000, 1_000), 28, 28, 1), dtype=np.uint8)
    data: dict[str, list] = {"images": [], "sure": []}
    checks = []
    for name in NETWORKS:
        context.say(name)
        model = zoo.load(name)
        images = fooling_images(model, start)
        sure = np.array(model(images))[DIGITS, DIGITS]
        untouched = np.array(model(noise)).max(axis=1)
        data["images"].append(images[..., 0].tolist())
        data["sure"].append(plain(sure))
        checks += [
            Check(f"{name}: least probability of the ten", plain(sure.min(), 4)),
            Check(f"{name}: share of untouched noise above 0.99", float(np.mean(untouched > 0.99))),
        ]
    remark = f"The book gives no figures here. {len(noise):,} images of noise, each byte as likely."
    return Result(data, tuple(checks), remark)

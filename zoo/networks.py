"""The table: every network that the book programs, declared as data, in the order of its chapters.

Those that it quotes are in quoted_networks.py.

A name is the architecture, then, after a dot, the recipe. A recipe stands alone, or is another
one with some settings changed, so that each line shows what an experiment altered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from zoo.spec import (
    Claim,
    ConvPool,
    EnsembleSpec,
    FullyConnected,
    ModelSpec,
    NetworkSpec,
    Recipe,
    Softmax,
)

# --- recipes --------------------------------------------------------------------------------------

QUADRATIC = Recipe(cost="quadratic", epochs=30, learning_rate=3.0, initializer="unit_normal")

CROSS_ENTROPY = Recipe(
    cost="cross_entropy", epochs=30, learning_rate=0.5, initializer="unit_normal"
)
L2 = replace(CROSS_ENTROPY, l2=5.0)
OVERFIT_1000 = replace(CROSS_ENTROPY, epochs=400, images=1_000)
# lambda shrinks with the training set, so that lambda / n stays what it was for 50,000 images.
L2_1000 = replace(OVERFIT_1000, l2=0.1)
L2_60_EPOCHS = replace(L2, epochs=60, learning_rate=0.1)

# The default of network2.py: cross-entropy, weights scaled by 1/sqrt(inputs), L2.
IMPROVED = Recipe(cost="cross_entropy", epochs=30, learning_rate=0.1, l2=5.0)

# network3.py: no reshuffling between epochs, and a last partial batch would be dropped.
NETWORK3 = Recipe(
    cost="log_likelihood",
    epochs=60,
    learning_rate=0.1,
    lambda_per="batch",
    initializer="fan_out_normal",
    shuffle=False,
    partial_batch=False,
)
RELU = replace(NETWORK3, learning_rate=0.03, l2=0.1)
EXPANDED = replace(RELU, expanded=True, images=250_000)
DROPOUT = replace(EXPANDED, epochs=40, l2=0.0)

# Ours, not the book's: momentum, one cycle of the learning rate, images altered whenever they are
# seen, and a tenth as many of them as the book shows. What each brings: benchmarks/ablation.py.
FAST = Recipe(
    cost="log_likelihood",
    epochs=20,
    learning_rate=0.1,
    batch_size=50,
    momentum=0.9,
    nesterov=True,
    schedule="one_cycle",
    l2=5.0,
    initializer="he_normal",
    augment=("shift", "rotate", "skew"),
    precision="mixed_bfloat16",
)
# Dropout slows training that is to be short: its last epochs are without. Numbers of 32 bits, since
# few processors have those of 16, and the others compute with them four times slower.
FAST_DROPOUT = replace(FAST, dropout_off_epochs=6, precision="float32")
HALF_DROPOUT = replace(FAST_DROPOUT, epochs=10, dropout_off_epochs=3)
LONG_DROPOUT = replace(FAST_DROPOUT, epochs=40, dropout_off_epochs=10)

# --- layers ---------------------------------------------------------------------------------------


def mlp(*hidden: int) -> tuple[FullyConnected, ...]:
    """Sigmoid layers of the given sizes, then ten sigmoid outputs: the networks of chapters 1 to 5.

    >>> mlp(30)
    (FullyConnected(units=30, ...), FullyConnected(units=10, ...))
    """
    return tuple(FullyConnected(units) for units in (*hidden, 10))


SIGMOIDS = (ConvPool(20), ConvPool(40))
TANHS = (ConvPool(20, "tanh"), ConvPool(40, "tanh"))
RELUS = (ConvPool(20, "relu"), ConvPool(40, "relu"))

DROPOUT_NET = (
    *RELUS,
    FullyConnected(1000, "relu", dropout=0.5),
    FullyConnected(1000, "relu", dropout=0.5),
    Softmax(dropout=0.5),
)


def relu(*units: int) -> tuple[FullyConnected, ...]:
    """Fully connected ReLU layers of the given sizes."""
    return tuple(FullyConnected(count, "relu") for count in units)


def tanh(*units: int) -> tuple[FullyConnected, ...]:
    """Fully connected tanh layers of the given sizes."""
    return tuple(FullyConnected(count, "tanh") for count in units)


# --- claims ---------------------------------------------------------------------------------------


def chapter_1(accuracy: float | None = None, note: str = "") -> Claim:
    """Chapter 1 quotes the best epoch on the test images, of the best of three runs."""
    section = "Implementing our network to classify digits"
    return Claim(chapter=1, section=section, accuracy=accuracy, note=note)


COSTS = "The cross-entropy cost function"
OVERFITTING = "Overfitting and regularization"


def chapter_3(
    accuracy: float, on: Literal["test", "validation"] = "test", section: str = OVERFITTING
) -> Claim:
    """Chapter 3 quotes the best epoch, as the stored curves behind its plots show.

    No curve is stored for 95.49, 96.82, 97.92 and 98.04, which are taken to be the same.
    """
    return Claim(chapter=3, section=section, accuracy=accuracy, on=on)


def chapter_5(accuracy: float) -> Claim:
    """Chapter 5 quotes validation accuracy and does not say of which epoch."""
    return Claim(
        chapter=5,
        section="The vanishing gradient problem",
        accuracy=accuracy,
        on="validation",
        note="the book does not say whether this is the best epoch or the last",
    )


def chapter_6(accuracy: float | None = None, note: str = "") -> Claim:
    """Chapter 6 quotes test accuracy at the best validation epoch, of the best of three runs."""
    return Claim(
        chapter=6,
        section="Convolutional neural networks in practice",
        accuracy=accuracy,
        protocol="best validation epoch",
        note=note,
    )


# --- the table ------------------------------------------------------------------------------------

# fmt: off
NETWORKS: tuple[NetworkSpec, ...] = (
    # Chapter 1: the first networks, with the quadratic cost.
    ModelSpec("linear", mlp(),
              IMPROVED, None, "no hidden layer, by the recipe of chapter 3"),
    ModelSpec("linear.quadratic", mlp(),
              QUADRATIC, chapter_1(note="an exercise"), "no hidden layer"),
    ModelSpec("mlp30.quadratic", mlp(30),
              QUADRATIC, chapter_1(95.42), "the book's first network"),
    ModelSpec("mlp100.quadratic", mlp(100),
              QUADRATIC, chapter_1(96.59), "more hidden neurons"),

    # Chapter 3: cross-entropy, and regularization against overfitting.
    ModelSpec("mlp30.cross_entropy", mlp(30),
              CROSS_ENTROPY, chapter_3(95.49, section=COSTS), "cross-entropy for the cost"),
    ModelSpec("mlp100.cross_entropy", mlp(100),
              CROSS_ENTROPY, chapter_3(96.82, section=COSTS), "the same with more neurons"),
    ModelSpec("mlp30.overfit_1000", mlp(30),
              OVERFIT_1000, chapter_3(82.27), "only 1,000 training images: overfitting"),
    ModelSpec("mlp30.l2_1000", mlp(30),
              L2_1000, chapter_3(87.10), "1,000 training images with L2 regularization"),
    ModelSpec("mlp30.l2", mlp(30),
              L2, chapter_3(96.49), "L2 regularization"),
    ModelSpec("mlp100.l2", mlp(100),
              L2, chapter_3(97.92, on="validation"), "the same with more neurons"),
    ModelSpec("mlp100", mlp(100),
              L2_60_EPOCHS, chapter_3(98.04, on="validation"), "the best network of chapter 3"),

    # Chapter 5: depth, and the vanishing gradient.
    ModelSpec("mlp30", mlp(30),
              IMPROVED, chapter_5(96.48), "one hidden layer"),
    ModelSpec("mlp30x2", mlp(30, 30),
              IMPROVED, chapter_5(96.90), "two hidden layers"),
    ModelSpec("mlp30x3", mlp(30, 30, 30),
              IMPROVED, chapter_5(96.57), "three hidden layers"),
    ModelSpec("mlp30x4", mlp(30, 30, 30, 30),
              IMPROVED, chapter_5(96.53), "four hidden layers"),

    # Chapter 6: convolutional networks.
    ModelSpec("shallow", (FullyConnected(100), Softmax()),
              NETWORK3, chapter_6(97.80), "a dense baseline with softmax"),
    ModelSpec("conv1", (ConvPool(20), FullyConnected(100), Softmax()),
              NETWORK3, chapter_6(98.78), "one convolutional layer"),
    ModelSpec("conv1_only", (ConvPool(20), Softmax()),
              NETWORK3, chapter_6(note="an exercise"), "the fully connected layer left out"),
    ModelSpec("conv2", (*SIGMOIDS, FullyConnected(100), Softmax()),
              NETWORK3, chapter_6(99.06), "two convolutional layers"),
    ModelSpec("conv2_tanh", (*TANHS, FullyConnected(100, "tanh"), Softmax()),
              NETWORK3, chapter_6(note="a problem"), "tanh neurons"),
    ModelSpec("conv2_relu", (*RELUS, *relu(100), Softmax()),
              RELU, chapter_6(99.23), "rectified linear units"),
    ModelSpec("conv2_relu.expanded", (*RELUS, *relu(100), Softmax()),
              EXPANDED, chapter_6(99.37), "250,000 images: shifts by a pixel, too"),
    ModelSpec("conv2_relu_fc300", (*RELUS, *relu(300), Softmax()),
              EXPANDED, chapter_6(99.46), "300 fully connected neurons"),
    ModelSpec("conv2_relu_fc1000", (*RELUS, *relu(1000), Softmax()),
              EXPANDED, chapter_6(99.43), "1,000 fully connected neurons"),
    ModelSpec("conv2_relu_2fc100", (*RELUS, *relu(100, 100), Softmax()),
              EXPANDED, chapter_6(99.43), "two fully connected layers of 100"),
    ModelSpec("conv2_relu_2fc300", (*RELUS, *relu(300, 300), Softmax()),
              EXPANDED, chapter_6(99.48), "two fully connected layers of 300"),
    ModelSpec("conv2_relu_2fc1000", (*RELUS, *relu(1000, 1000), Softmax()),
              EXPANDED, chapter_6(99.47), "two fully connected layers of 1,000"),
    ModelSpec("conv2_relu_fc1000.fast", (*RELUS, *relu(1000), Softmax()),
              FAST, None, "1,000 fully connected neurons by a recipe of today"),
    ModelSpec("conv2_relu_2fc100.fast", (*RELUS, *relu(100, 100), Softmax()),
              FAST, None, "two layers of 100 by a recipe of today"),
    ModelSpec("conv2_relu_2fc300.fast", (*RELUS, *relu(300, 300), Softmax()),
              FAST, None, "two layers of 300 by a recipe of today"),
    ModelSpec("conv2_relu_2fc1000.fast", (*RELUS, *relu(1000, 1000), Softmax()),
              FAST, None, "two layers of 1,000 by a recipe of today"),
    ModelSpec("conv2_relu_dropout", DROPOUT_NET,
              DROPOUT, chapter_6(99.60), "dropout in the fully connected layers"),
    ModelSpec("conv2_relu_dropout.fast", DROPOUT_NET,
              FAST_DROPOUT, None, "the same by a recipe of today, with a tenth of the images seen"),
    ModelSpec("conv2_relu_dropout.half", DROPOUT_NET,
              HALF_DROPOUT, None, "the fast recipe with half of its images"),
    EnsembleSpec("conv2_relu_dropout_x5.fast", (DROPOUT_NET,) * 5,
              FAST_DROPOUT, None, "five by that recipe vote"),
    ModelSpec("conv2_relu_dropout.long", DROPOUT_NET,
              LONG_DROPOUT, None, "the fast recipe for longer: a fifth of the book's images seen"),
    EnsembleSpec("conv2_relu_dropout_x5.long", (DROPOUT_NET,) * 5,
              LONG_DROPOUT, None,
              "five vote, each by a recipe of today, with a fifth of the images seen"),
    EnsembleSpec("conv2_relu_dropout_x5", (DROPOUT_NET,) * 5,
              DROPOUT, chapter_6(99.67, note="one vote of five"), "five dropout networks vote"),
)
# fmt: on

"""The networks that the book quotes or describes without a program, declared from their papers.

What a paper does that is no setting here is said in the claim's note. Sizes and settings that the
book does not print are the papers' as they are commonly cited; they have not been compared with the
papers themselves. A recipe with `.fast` is ours, for two cores and an hour. Papers: LeCun, Bottou,
Bengio and Haffner 1998; Simard, Steinkraus and Platt 2003; Ciresan, Meier, Gambardella and
Schmidhuber 2010; Krizhevsky, Sutskever and Hinton 2012; Hinton, Srivastava, Krizhevsky, Sutskever
and Salakhutdinov 2012; Wan, Zeiler, Zhang, LeCun and Fergus 2013.
"""

from __future__ import annotations

from dataclasses import replace

from zoo.networks import FAST, FAST_DROPOUT, tanh
from zoo.spec import (
    LSTM,
    Claim,
    ConvPool,
    EnsembleSpec,
    FullyConnected,
    InputSpec,
    Layer,
    ModelSpec,
    NetworkSpec,
    Recipe,
    SimpleRNN,
    Softmax,
)

# --- recipes --------------------------------------------------------------------------------------

# A batch is one image, and the learning rate falls by steps: Simard et al. 2003.
SIMARD = Recipe(
    cost="log_likelihood",
    epochs=500,
    learning_rate=0.005,
    batch_size=1,
    schedule="decay",
    decay=0.3,
    decay_epochs=100,
)
AFFINE = replace(SIMARD, augment=("shift", "rotate", "skew"))
ELASTIC = replace(SIMARD, augment=("shift", "rotate", "skew", "elastic"))

# The learning rate falls from 1e-3 in the first epoch to 1e-6 in the last.
CIRESAN = replace(ELASTIC, epochs=800, learning_rate=1e-3, decay=1e-3 ** (1 / 799), decay_epochs=1)

HINTON = Recipe(
    cost="log_likelihood",
    epochs=3000,
    learning_rate=0.1,
    batch_size=100,
    momentum=0.9,
    schedule="decay",
    decay=0.998,
)

# lambda / n is the paper's 0.0005, for 1.2 million images.
KSH = Recipe(
    cost="log_likelihood",
    epochs=90,
    learning_rate=0.01,
    batch_size=128,
    momentum=0.9,
    l2=600.0,
    schedule="tenth",
    patience=5,
    initializer="he_normal",
    images=1_200_000,
)

# Ours, for networks without rectified linear units, in numbers of 32 bits.
SMOOTH = replace(FAST, initializer="lecun_normal", precision="float32")
SMOOTH_ELASTIC = replace(SMOOTH, augment=("shift", "rotate", "skew", "elastic"), l2=0.0)
WAN = replace(FAST_DROPOUT, l2=0.0, epochs=10, dropout_off_epochs=3)
# At a large rate a recurrent network, or a dense one of six layers, unlearns what it has learned.
ROWS = replace(SMOOTH, augment=(), l2=0.0, learning_rate=0.005)

# --- layers ---------------------------------------------------------------------------------------

Layers = tuple[Layer, ...]

LENET5: Layers = (
    ConvPool(6, "tanh", padding=2, pooling="mean"),
    ConvPool(16, "tanh", pooling="mean"),
    *tanh(120, 84),
    Softmax(),
)

# Strides in place of pooling.
SIMARD_CONV: Layers = (
    ConvPool(5, "tanh", pool=1, stride=2, padding=1),
    ConvPool(50, "tanh", pool=1, stride=2),
    *tanh(100),
    Softmax(),
)
SIMARD_DENSE: Layers = (*tanh(800), Softmax())

CIRESAN_LAYERS: Layers = (*tanh(2500, 2000, 1500, 1000, 500), Softmax())

# Half of the maps and neurons were on one processor, half on another: two groups.
KSH_LAYERS: Layers = (
    ConvPool(96, "relu", kernel=11, stride=4, padding=2, pool=3, pool_stride=2),
    ConvPool(256, "relu", kernel=5, padding=2, groups=2, pool=3, pool_stride=2),
    ConvPool(384, "relu", kernel=3, padding=1, pool=1),
    ConvPool(384, "relu", kernel=3, padding=1, groups=2, pool=1),
    ConvPool(256, "relu", kernel=3, padding=1, groups=2, pool=3, pool_stride=2),
    FullyConnected(4096, "relu"),
    FullyConnected(4096, "relu", dropout=0.5),
    Softmax(1000, dropout=0.5),
)

HINTON_LAYERS: Layers = (
    FullyConnected(800),
    FullyConnected(800, dropout=0.5),
    Softmax(dropout=0.5),
)

WAN_MEMBER: Layers = (
    ConvPool(32, "relu"),
    ConvPool(64, "relu"),
    FullyConnected(150, "relu", dropconnect=0.5),
    Softmax(),
)

# --- claims ---------------------------------------------------------------------------------------


def quoted(chapter: int, section: str, accuracy: float | None, note: str) -> Claim:
    """A figure of other people that the book tells of; None where it tells of a network alone.

    Ours beside it is read at the best validation epoch: test images choose no epoch.
    """
    return Claim(
        chapter=chapter, section=section, accuracy=accuracy, note=note, quoted=True,
        protocol="best validation epoch",
    )  # fmt: skip


DIGITS = "Implementing our network to classify digits"
TECHNIQUES = "Other techniques for regularization"
IN_PRACTICE = "Convolutional neural networks in practice"
PROGRESS = "Recent progress in image recognition"
OTHER_NETS = "Other approaches to deep neural nets"

SIMARD_NOTE = "Simard, Steinkraus and Platt 2003"
NO_FIGURE = "no figure in the book"


def simard_dense(accuracy: float, images: str) -> Claim:
    """One of the three figures of chapter 3 for 800 hidden neurons."""
    return quoted(3, TECHNIQUES, accuracy, f"{SIMARD_NOTE}, {images}")


# --- the table ------------------------------------------------------------------------------------

# fmt: off
QUOTED_NETWORKS: tuple[NetworkSpec, ...] = (
    EnsembleSpec("wan2013", (WAN_MEMBER,) * 5, WAN,
                 quoted(1, DIGITS, 99.79, "Wan et al. 2013; the recipe is ours, and weights are "
                        "averaged in use where the paper draws samples"),
                 "two convolutions and DropConnect, five vote"),

    ModelSpec("simard2003_dense", SIMARD_DENSE, SIMARD,
              simard_dense(98.4, "MNIST as it is"), "800 hidden neurons"),
    ModelSpec("simard2003_dense.affine", SIMARD_DENSE, AFFINE,
              simard_dense(98.9, "rotated, shifted and skewed"), "with images altered"),
    ModelSpec("simard2003_dense.elastic", SIMARD_DENSE, ELASTIC,
              simard_dense(99.3, "elastic distortions, too"), "with elastic distortions, too"),
    ModelSpec("simard2003_dense.fast", SIMARD_DENSE, SMOOTH_ELASTIC, None,
              "the same by a recipe of today"),
    ModelSpec("hinton2012_dropout", HINTON_LAYERS, HINTON,
              quoted(3, TECHNIQUES, 98.7, "Hinton et al. 2012, up from 98.4 %; they bound the "
                     "length of each neuron's weights, too, and raise the momentum"),
              "two hidden layers of 800 with dropout"),
    ModelSpec("hinton2012_dropout.fast", HINTON_LAYERS,
              replace(SMOOTH, epochs=60, augment=(), l2=0.0, dropout_off_epochs=10), None,
              "the same by a recipe of today"),

    ModelSpec("lenet5", LENET5, SMOOTH,
              quoted(6, IN_PRACTICE, None, f"{NO_FIGURE}; LeCun et al. 1998, who connect some maps "
                     "only, weigh what is pooled, and have radial units for outputs"),
              "LeNet-5: mean-pooling, tanh neurons; the recipe is ours"),
    ModelSpec("simard2003", SIMARD_CONV, ELASTIC,
              quoted(6, IN_PRACTICE, 99.60, SIMARD_NOTE),
              "two convolutions with strides, elastic distortions"),
    ModelSpec("simard2003.fast", SIMARD_CONV, SMOOTH_ELASTIC, None,
              "the same by a recipe of today"),
    ModelSpec("ciresan2010", CIRESAN_LAYERS, CIRESAN,
              quoted(6, IN_PRACTICE, 99.65, "Ciresan et al. 2010; the book does not say how many "
                     "epochs"),
              "a large dense network, elastic distortions"),
    ModelSpec("ciresan2010.fast", CIRESAN_LAYERS, replace(SMOOTH_ELASTIC, learning_rate=0.02), None,
              "the same by a recipe of today"),
    ModelSpec("ksh2012", KSH_LAYERS, KSH,
              quoted(6, PROGRESS, 63.3, "Krizhevsky et al. 2012, of ImageNet's pictures by one "
                     "guess, and 84.7 % by five; they normalize responses, too. Trained on nothing "
                     "here"),
              "1,000 classes of 224x224 pictures in colour", InputSpec((224, 224, 3))),
    ModelSpec("rnn_rows", (SimpleRNN(128), Softmax()), ROWS,
              quoted(6, OTHER_NETS, None, NO_FIGURE), "a digit read row by row"),
    ModelSpec("lstm_rows", (LSTM(128), Softmax()), replace(ROWS, learning_rate=0.2),
              quoted(6, OTHER_NETS, None, NO_FIGURE), "the same with long short-term memory"),
)
# fmt: on

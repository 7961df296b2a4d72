"""The book's network in NumPy, one example at a time: the oracle for what Keras computes.

It follows chapter 2 letter by letter, slowly and in float64: w, b, z, a, delta and eta are the
book's, numbers in brackets are its equations, and BP1 to BP4 are its four. An image x has shape
[row, column, channel], a target y is a vector of ten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# --- neurons --------------------------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))  # (3)


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z))  # (78)


ACTIVATION = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
    "softmax": softmax,
}
DERIVATIVE = {
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "linear": lambda z: np.ones_like(z),
}

# --- costs of one example, and the output error delta^L each begins with --------------------------

COST = {
    "quadratic": lambda a, y: np.sum((y - a) ** 2) / 2,  # (6)
    "cross_entropy": lambda a, y: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)),  # (63)
    "log_likelihood": lambda a, y: -np.log(a[np.argmax(y)]),  # (80)
}


def output_error(cost: str, activation: str, z, a, y):
    """BP1, with the derivative of the activation cancelled where the book cancels it."""
    if cost == "quadratic":
        return (a - y) * DERIVATIVE[activation](z)  # (30)
    wanted = {"cross_entropy": "sigmoid", "log_likelihood": "softmax"}
    assert activation == wanted[cost], f"the book has no {cost} with {activation} outputs"
    return a - y  # (66) for the cross-entropy, (84) for the log-likelihood


def one_hot(digit: int):
    """The target y of a digit: 1 for its output, 0 for the nine others."""
    return np.where(np.arange(10) == digit, 1.0, 0.0)


# --- layers: what is weighted and summed, and how an error goes back through it -------------------


@dataclass
class Dense:
    """Every neuron j sees every input k, with weight w[j, k].

    In training each input is kept with probability 1 - dropout, and each weight and bias with
    probability 1 - dropconnect (Wan et al. 2013). In use all are kept and multiplied by that.
    """

    w: np.ndarray
    b: np.ndarray
    activation: str = "sigmoid"
    dropout: float = 0.0
    dropconnect: float = 0.0

    def thinned(self, kept):
        """The layer that is left of the weights, and of the biases in the last column."""
        return dataclasses.replace(self, w=kept[:, :-1] * self.w, b=kept[:, -1] * self.b)

    def weighted_input(self, a):
        return self.w @ a.ravel() + self.b  # (25)

    def gradient(self, a, delta):
        return np.outer(delta, a), delta  # BP4, BP3

    def send_back(self, a, delta):
        return (self.w.T @ delta).reshape(a.shape)  # the first factor of BP2


@dataclass
class ConvPool:
    """Feature maps f with weights w[f, row, column, channel] and one bias b[f] each (125).

    A filter is laid over the image as it is, not flipped, in steps of `stride`, after `padding`
    zeros were put on each side. Of several groups of maps, each sees the channels of its own.
    Pooling comes first: neuron (i, j) of a map sees, of the pool x pool receptive fields of its
    region, only the one with the largest weighted sum. Then come the bias and the activation.
    """

    w: np.ndarray
    b: np.ndarray
    activation: str = "sigmoid"
    pool: int = 2
    dropout: float = 0.0  # the book drops no inputs of convolutions
    stride: int = 1
    padding: int = 0
    groups: int = 1
    pool_stride: int | None = None

    def padded(self, a):
        return np.pad(a, [(self.padding,) * 2] * 2 + [(0, 0)])

    def shape(self, a) -> tuple[int, int, int]:
        kernel, step = self.w.shape[1], self.pool_stride or self.pool
        height, width = (
            ((side + 2 * self.padding - kernel) // self.stride + 1 - self.pool) // step + 1
            for side in a.shape[:2]
        )
        return height, width, len(self.w)

    def winners(self, a) -> Iterator[tuple[tuple[int, int, int], tuple[slice, slice, slice]]]:
        """Each neuron (i, j, f), and the receptive field that it sees of the padded image."""
        kernel, step = self.w.shape[1], self.pool_stride or self.pool
        channels, maps = self.w.shape[3], len(self.w) // self.groups
        image = self.padded(a)
        for i, j, f in np.ndindex(self.shape(a)):
            first = f // maps * channels
            fields = [
                np.s_[row : row + kernel, column : column + kernel, first : first + channels]
                for row in range(i * step * self.stride, (i * step + self.pool) * self.stride)
                for column in range(j * step * self.stride, (j * step + self.pool) * self.stride)
                if not (row % self.stride or column % self.stride)
            ]
            yield (i, j, f), max(fields, key=lambda field, f=f: np.vdot(self.w[f], image[field]))

    def weighted_input(self, a):
        z, image = np.zeros(self.shape(a)), self.padded(a)
        for (i, j, f), field in self.winners(a):
            z[i, j, f] = np.sum(self.w[f] * image[field]) + self.b[f]
        return z

    def gradient(self, a, delta):
        dw, db, image = np.zeros_like(self.w), np.zeros_like(self.b), self.padded(a)
        for (i, j, f), field in self.winners(a):
            dw[f] += image[field] * delta[i, j, f]  # BP4, summed over the neurons that share w
            db[f] += delta[i, j, f]  # BP3, likewise
        return dw, db

    def send_back(self, a, delta):
        back = np.zeros_like(self.padded(a))
        for (i, j, f), field in self.winners(a):
            back[field] += self.w[f] * delta[i, j, f]
        height, width, _ = a.shape
        return back[self.padding :, self.padding :][:height, :width]


@dataclass
class Pool:
    """Regions of activations to their mean, or to the root of the sum of their squares (6.3)."""

    kind: str
    pool: int
    step: int
    activation: str = "linear"
    dropout: float = 0.0
    dropconnect: float = 0.0
    w: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    b: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    def regions(self, a) -> Iterator[tuple[tuple[int, int], tuple[slice, slice]]]:
        height, width = ((side - self.pool) // self.step + 1 for side in a.shape[:2])
        for i, j in np.ndindex(height, width):
            starts = i * self.step, j * self.step
            yield (i, j), tuple(slice(start, start + self.pool) for start in starts)

    def weighted_input(self, a):
        height, width = ((side - self.pool) // self.step + 1 for side in a.shape[:2])
        z = np.zeros((height, width, a.shape[2]))
        for place, region in self.regions(a):
            squares = np.sqrt(np.sum(a[region] ** 2, axis=(0, 1)))
            z[place] = np.mean(a[region], axis=(0, 1)) if self.kind == "mean" else squares
        return z

    def gradient(self, a, delta):
        return np.zeros(0), np.zeros(0)

    def send_back(self, a, delta):
        back = np.zeros_like(a)
        for place, region in self.regions(a):
            if self.kind == "mean":
                back[region] += delta[place] / self.pool**2
                continue
            root = np.sqrt(np.sum(a[region] ** 2, axis=(0, 1)))
            slopes = np.divide(a[region], root, out=np.zeros_like(a[region]), where=root > 0)
            back[region] += slopes * delta[place]
        return back


# --- the network ----------------------------------------------------------------------------------


@dataclass
class Network:
    layers: list[Dense | ConvPool | Pool]
    cost: str = "quadratic"

    def feedforward(self, x):
        """The output activations of the network in use."""
        a = x
        for layer in self.layers:
            z = layer.weighted_input((1 - layer.dropout) * a)
            a = ACTIVATION[layer.activation]((1 - getattr(layer, "dropconnect", 0)) * z)
        return a

    def backprop(self, x, y, masks=None):
        """dC_x/dw and dC_x/db for each layer, by the five steps of chapter 2.

        `masks` has one array of ones and zeros for each layer: the inputs that it keeps, or, with
        DropConnect, the weights, a row a neuron, and last in each row the bias.
        """
        masks = masks or [1] * len(self.layers)
        pairs = list(zip(self.layers, masks, strict=True))
        kept = [mask if getattr(layer, "dropconnect", 0) else None for layer, mask in pairs]
        thin = [layer.thinned(mask) if keep is mask else layer
                for (layer, mask), keep in zip(pairs, kept, strict=True)]  # fmt: skip
        masks = [1 if keep is mask else mask for mask, keep in zip(masks, kept, strict=True)]
        gradients = Network(thin, self.cost)._backprop(x, y, masks)
        return [
            (dw, db) if keep is None else (keep[:, :-1] * dw, keep[:, -1] * db)
            for (dw, db), keep in zip(gradients, kept, strict=True)
        ]

    def _backprop(self, x, y, masks):
        a, inputs, zs = x, [], []  # 1. input
        for layer, mask in zip(self.layers, masks, strict=True):  # 2. feedforward
            inputs.append(mask * a)
            zs.append(layer.weighted_input(inputs[-1]))
            a = ACTIVATION[layer.activation](zs[-1])
        delta = output_error(self.cost, self.layers[-1].activation, zs[-1], a, y)  # 3. BP1
        gradients = [self.layers[-1].gradient(inputs[-1], delta)]
        for level in range(len(self.layers) - 2, -1, -1):  # 4. backpropagate the error: BP2
            back = masks[level + 1] * self.layers[level + 1].send_back(inputs[level + 1], delta)
            delta = back * DERIVATIVE[self.layers[level].activation](zs[level])
            gradients.insert(0, self.layers[level].gradient(inputs[level], delta))  # 5. BP4, BP3
        return gradients

    def mean_gradients(self, batch, masks=None):
        """The gradients of C = 1/m sum C_x over a mini-batch of pairs (x, y) (18, 19)."""
        masks = masks or [None] * len(batch)
        each = [self.backprop(x, y, mask) for (x, y), mask in zip(batch, masks, strict=True)]
        return [
            (sum(dw for dw, _ in layer) / len(batch), sum(db for _, db in layer) / len(batch))
            for layer in zip(*each, strict=True)
        ]

    def step(self, batch, eta, lmbda=0.0, n=1, masks=None):
        """One step of chapters 1 to 5, with n training images in all (93, 94)."""
        for layer, (dw, db) in zip(self.layers, self.mean_gradients(batch, masks), strict=True):
            layer.w = (1 - eta * lmbda / n) * layer.w - eta * dw
            layer.b = layer.b - eta * db

    def step_network3(self, batch, eta, lmbda, batches, masks=None):
        """One step of chapter 6, down the gradient of C + 0.5 lmbda sum w^2 / batches."""
        for layer, (dw, db) in zip(self.layers, self.mean_gradients(batch, masks), strict=True):
            layer.w = layer.w - eta * (dw + lmbda * layer.w / batches)
            layer.b = layer.b - eta * db

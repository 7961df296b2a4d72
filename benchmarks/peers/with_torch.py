"""PyTorch: tensors in memory and a plain loop, without the cost of a DataLoader."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers import decay, floats, with_inputs
from zoo.spec import ConvPool

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


class Program:
    def __init__(self, spec, weights):
        self.recipe = spec.recipe
        self.network = nn.Sequential(*_layers(spec))
        owners = [part for part in self.network if hasattr(part, "weight")]
        for owner, (kernel, bias) in zip(owners, weights, strict=True):
            turned = kernel.T if kernel.ndim == 2 else kernel.transpose(3, 2, 0, 1)
            owner.weight.data = torch.tensor(turned.copy())
            owner.bias.data = torch.tensor(bias)
        kernels = {"params": [part.weight for part in owners], "weight_decay": decay(spec)}
        biases = {"params": [part.bias for part in owners]}
        self.optimizer = torch.optim.SGD([kernels, biases], lr=self.recipe.learning_rate)

    def prepare(self, split):
        images = torch.tensor(floats(split.images)).reshape(-1, 1, 28, 28)
        return images, torch.tensor(split.labels, dtype=torch.int64)

    def train(self, data, epochs):
        size = self.recipe.batch_size
        images, labels = data
        for _ in range(epochs):
            if self.recipe.shuffle:
                order = torch.randperm(len(data[0]))
                images, labels = data[0][order], data[1][order]
            for start in range(0, len(images), size):
                outputs = self.network(images[start : start + size])
                cost = self._cost(outputs, labels[start : start + size])
                self.optimizer.zero_grad()
                cost.backward()
                self.optimizer.step()

    def _cost(self, outputs, labels):
        if self.recipe.cost == "log_likelihood":
            return functional.cross_entropy(outputs, labels)
        truth = functional.one_hot(labels, 10).float()
        total = functional.binary_cross_entropy_with_logits(outputs, truth, reduction="sum")
        return total / len(outputs)

    def answer(self, data):
        with torch.no_grad():
            return self.network(data[0]).argmax(dim=1).numpy()


def _layers(spec):
    for layer, shape in with_inputs(spec):
        if isinstance(layer, ConvPool):
            yield nn.Conv2d(shape[-1], layer.filters, layer.kernel)
            yield nn.MaxPool2d(layer.pool)
        else:
            yield nn.Flatten()
            yield nn.Linear(math.prod(shape), layer.units)
        # The costs take the weighted inputs of the last layer.
        if layer is not spec.layers[-1]:
            yield ACTIVATIONS[layer.activation]()

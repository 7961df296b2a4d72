"""JAX: a whole epoch as one compiled `lax.scan`."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import decay, floats
from zoo.spec import ConvPool


class Program:
    def __init__(self, spec, weights):
        self.spec = spec
        self.weights = jax.tree.map(jnp.asarray, weights)
        self.key = jax.random.key(0)
        self.epoch = jax.jit(self._epoch, donate_argnums=0)

    def prepare(self, split):
        return jnp.asarray(floats(split.images)), jnp.asarray(split.labels)

    def train(self, data, epochs):
        for _ in range(epochs):
            self.key, key = jax.random.split(self.key)
            self.weights = self.epoch(self.weights, key, *data)
        jax.block_until_ready(self.weights)

    def _epoch(self, weights, key, images, labels):
        if self.spec.recipe.shuffle:
            order = jax.random.permutation(key, len(images))
            images, labels = images[order], labels[order]
        size = self.spec.recipe.batch_size
        batches = images.reshape(-1, size, 28, 28, 1), labels.reshape(-1, size)
        return jax.lax.scan(self._step, weights, batches)[0]

    def _step(self, weights, batch):
        rate = self.spec.recipe.learning_rate
        gradients = jax.grad(self._cost)(weights, *batch)
        return jax.tree.map(lambda w, gradient: w - rate * gradient, weights, gradients), None

    def _cost(self, weights, images, labels):
        outputs = self._forward(weights, images)
        truth = jax.nn.one_hot(labels, 10)
        if self.spec.recipe.cost == "log_likelihood":
            costs = -truth * jax.nn.log_softmax(outputs)
        else:
            costs = jax.nn.softplus(outputs) - truth * outputs
        squares = sum(jnp.sum(kernel**2) for kernel, _ in weights)
        return jnp.sum(costs) / len(labels) + decay(self.spec) / 2 * squares

    def _forward(self, weights, x):
        for layer, (kernel, bias) in zip(self.spec.layers, weights, strict=True):
            if isinstance(layer, ConvPool):
                x = _pooled(_convolved(x, kernel) + bias, layer.pool)
            else:
                x = x.reshape(len(x), -1) @ kernel + bias
            # The costs take the weighted inputs of the last layer.
            if layer is not self.spec.layers[-1]:
                x = getattr(jax.nn, layer.activation)(x)
        return x

    def answer(self, data):
        return np.asarray(self._forward(self.weights, data[0]).argmax(axis=1))


def _convolved(x, kernel):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=layout)


def _pooled(x, pool):
    window = (1, pool, pool, 1)
    return jax.lax.reduce_window(x, -math.inf, jax.lax.max, window, window, "VALID")

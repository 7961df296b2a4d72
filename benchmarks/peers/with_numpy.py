"""NumPy, by equations BP1 to BP4 of chapter 2, one image after the other, as the book does.

For networks of sigmoid layers and the cross-entropy.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers import decay, floats


class Program:
    def __init__(self, spec, weights):
        self.recipe, self.shrink = spec.recipe, 1 - spec.recipe.learning_rate * decay(spec)
        self.kernels = [kernel.T.astype("float64") for kernel, _ in weights]
        self.biases = [bias.reshape(-1, 1).astype("float64") for _, bias in weights]
        self.generator = np.random.default_rng(0)

    def prepare(self, split):
        truth = np.eye(10)[split.labels].reshape(-1, 10, 1)
        return list(zip(floats(split.images).reshape(-1, 784, 1), truth, strict=True))

    def train(self, data, epochs):
        size = self.recipe.batch_size
        for _ in range(epochs):
            order = self.generator.permutation(len(data))
            for start in range(0, len(data), size):
                self._step([data[index] for index in order[start : start + size]])

    def _step(self, batch):
        kernel_sums = [np.zeros(kernel.shape) for kernel in self.kernels]
        bias_sums = [np.zeros(bias.shape) for bias in self.biases]
        for image, truth in batch:
            kernel_gradients, bias_gradients = self._gradients(image, truth)
            kernel_sums = [a + b for a, b in zip(kernel_sums, kernel_gradients, strict=True)]
            bias_sums = [a + b for a, b in zip(bias_sums, bias_gradients, strict=True)]
        rate = self.recipe.learning_rate / len(batch)
        pairs = zip(self.kernels, kernel_sums, strict=True)
        self.kernels = [self.shrink * kernel - rate * change for kernel, change in pairs]
        pairs = zip(self.biases, bias_sums, strict=True)
        self.biases = [bias - rate * change for bias, change in pairs]

    def _gradients(self, image, truth):
        activations = self._activations(image)
        delta = activations[-1] - truth  # BP1, for the cross-entropy (eq. 67)
        kernel_gradients, bias_gradients = [], []
        for layer in range(len(self.kernels) - 1, -1, -1):
            bias_gradients.insert(0, delta)  # BP3
            kernel_gradients.insert(0, np.dot(delta, activations[layer].T))  # BP4
            if layer:
                slope = activations[layer] * (1 - activations[layer])
                delta = np.dot(self.kernels[layer].T, delta) * slope  # BP2
        return kernel_gradients, bias_gradients

    def _activations(self, image):
        activations = [image]
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            weighted = np.dot(kernel, activations[-1]) + bias
            activations.append(1 / (1 + np.exp(-weighted)))
        return activations

    def answer(self, data):
        return np.array([self._activations(image)[-1].argmax() for image, _ in data])

"""PyTorch with the channels of images last in memory, which its convolutions like best."""

from __future__ import annotations

import torch

from benchmarks.peers import with_torch


class Program(with_torch.Program):
    def __init__(self, spec, weights):
        super().__init__(spec, weights)
        self.network.to(memory_format=torch.channels_last)

    def prepare(self, split):
        images, labels = super().prepare(split)
        return images.contiguous(memory_format=torch.channels_last), labels

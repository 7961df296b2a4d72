"""PyTorch with the network compiled by `torch.compile`, which needs a C++ compiler."""

from __future__ import annotations

import torch

from benchmarks.peers import with_torch


class Program(with_torch.Program):
    def __init__(self, spec, weights):
        super().__init__(spec, weights)
        self.plain = self.network
        self.network = torch.compile(self.network)

    def answer(self, data):
        with torch.no_grad():  # not compiled for one large batch, too
            return self.plain(data[0]).argmax(dim=1).numpy()

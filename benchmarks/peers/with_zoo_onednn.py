"""This project with oneDNN's convolutions, as it trains where a run is too short for XLA."""

from __future__ import annotations

import math
from unittest import mock

from benchmarks.peers import with_zoo
from zoo.nn import step_choice


class Program(with_zoo.Program):
    def train(self, data, epochs):
        with mock.patch.object(step_choice, "WORTH_COMPILING", math.inf):
            super().train(data, epochs)

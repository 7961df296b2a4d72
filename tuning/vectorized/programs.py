"""Which program trains a group of runs: one that is compiled already, where that costs less."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace

from tuning.vectorized.program import Program, ProgramKey
from tuning.vectorized.sizes import holds, rounded, unsized, weights

# A program takes half a second to compile or more, the time in which one network sees as many
# images.
WORTH_COMPILING = 200_000

# A program keeps what XLA compiled, some tens of megabytes.
MOST = 16


class Programs:
    """The programs of this process, each compiled by XLA at its first call.

    Those that were used last are kept, MOST of them. `compiled` counts all that there were.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[ProgramKey, Program] = OrderedDict()
        self.compiled = 0

    def get(self, key: ProgramKey) -> Program:
        """The program of a key."""
        if key not in self._kept:
            self._kept[key] = Program(key)
            self.compiled += 1
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return self._kept[key]

    def clear(self) -> None:
        """Forget all programs."""
        self._kept.clear()
        self.compiled = 0

    def cheapest(self, needed: ProgramKey, images: int, width: int | None = None) -> ProgramKey:
        """The program that trains some networks for the least: an existing one, or a new one.

        A larger one computes more, for networks and neurons that are not there.

        Args:
            needed: Of the smallest program that holds the networks.
            images: That each network is still to see.
            width: How many networks a new program is made for, where not just those needed.
        """
        smallest = _size(needed)

        def work(key: ProgramKey) -> float:
            return images * needed.networks * _size(key) / smallest

        def cost(key: ProgramKey) -> float:
            return work(key) + (0 if key in self._kept else WORTH_COMPILING)

        new = replace(needed, networks=width or needed.networks)
        roomy = replace(new, template=rounded(new.template))
        if self._sizes_vary(needed) and work(roomy) - work(new) <= WORTH_COMPILING:
            new = roomy  # which others will find
        return min([*(key for key in self._kept if _serves(key, needed)), new], key=cost)

    def _sizes_vary(self, needed: ProgramKey) -> bool:
        """Whether there are programs for other sizes of the same layers."""
        layers = unsized(needed.template)
        others = [key.template for key in self._kept if key.template != needed.template]
        return any(unsized(template) == layers for template in others)


def _serves(key: ProgramKey, needed: ProgramKey) -> bool:
    """Whether the program of a key can train what a smaller one is needed for."""
    return (
        key.shared == needed.shared
        and key.networks >= needed.networks
        and key.has_momentum >= needed.has_momentum
        and key.has_l1 >= needed.has_l1
        and holds(key.template, needed.template)
    )


def _size(key: ProgramKey) -> int:
    """How many weights all its networks have."""
    return key.networks * weights(key.template, math.prod(key.template.input.shape))


# Of the searches of this process.
PROGRAMS = Programs()

"""Diversity: how much the members of an ensemble differ in their errors."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from zoo.data import Split
from zoo.evaluation.scores import Predictions, Score, predict
from zoo.nn.voting import members

# Images that every member misses, as far as they are listed.
MOST_TOLD = 50


@dataclass(frozen=True)
class Diversity:
    """How the members of a vote answer a set of images, beside each other.

    `scores` has one entry a member; `disagreement` [members, members] is the share of the images
    that two members answer differently, in 0..1; `missed_by_all` the indices of the images that no
    member gets right.
    """

    vote: Score
    scores: tuple[Score, ...]
    disagreement: np.ndarray
    missed_by_all: np.ndarray

    @property
    def pairs(self) -> np.ndarray:
        """The disagreement of every two members, each pair once."""
        return self.disagreement[np.triu_indices(len(self.scores), k=1)]

    @property
    def oracle(self) -> Score:
        """The score of a vote that, wherever one member was right, had taken its word."""
        total = self.vote.total
        return Score(total - len(self.missed_by_all), total)

    def __str__(self) -> str:
        count = len(self.scores)
        lines = [f"member {number}: {score}" for number, score in enumerate(self.scores, start=1)]
        lines += [f"the vote: {self.vote}", f"any of them right: {self.oracle}"]
        if count > 1:
            pairs = self.pairs
            lines.append(
                f"two members disagree on {pairs.mean():.2%} of the images "
                f"({pairs.min():.2%} to {pairs.max():.2%})".replace("%", " %")
            )
        if len(self.missed_by_all):
            places = ", ".join(str(place) for place in self.missed_by_all[:MOST_TOLD])
            more = ", ..." if len(self.missed_by_all) > MOST_TOLD else ""
            lines.append(f"missed by every member: images {places}{more}")
        return "\n".join(lines)


def diversity(model: keras.Model, split: Split) -> Diversity:
    """Let an ensemble and each of its members classify every image of a split.

    Args:
        model: An ensemble, as `zoo.vote` or `zoo.load` returns one.
        split: The images, with their labels.

    Returns:
        The scores of members and ensemble, and how often members disagree.
    """
    answers: list[Predictions] = [predict(member, split) for member in members(model)]
    predicted = np.stack([each.predicted for each in answers])
    return Diversity(
        predict(model, split).score,
        tuple(each.score for each in answers),
        (predicted[:, None] != predicted[None]).mean(axis=2),
        np.flatnonzero((predicted != split.labels).all(axis=0)),
    )

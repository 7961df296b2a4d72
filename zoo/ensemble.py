"""Ensembles: networks that answer together as one Keras model, and how much their errors differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from zoo.conventions import Tally
from zoo.data import Split
from zoo.errors import SpecError
from zoo.evaluation import Answers, Score, answer
from zoo.layers import Vote
from zoo.models import load
from zoo.spec import IMAGE_SHAPE

# Images that every member misses, as far as they are listed.
MOST_TOLD = 50


def vote(
    members: Sequence[str | keras.Model],
    *,
    rule: str = "plurality",
    weights: Sequence[float] = (),
    name: str = "vote",
) -> keras.Model:
    """One model of several: pretrained networks by name, or models of your own.

    Each takes byte images and puts out ten numbers; so does the vote. `rule` and `weights` are
    those of `zoo.Vote`. Raises SpecError where they do not fit, and UnknownNameError.
    """
    if isinstance(members, str):
        raise SpecError(f"a vote takes a list of members, not the one name {members!r}")
    models = [load(member) if isinstance(member, str) else member for member in members]
    Vote([model.layers for model in models], rule, weights)  # checks rule and weights
    images = keras.Input(IMAGE_SHAPE, dtype="uint8", name="images")
    outputs = [
        keras.Model(model.inputs, model.outputs[0], name=f"member_{number}")(images)
        for number, model in enumerate(models, start=1)
    ]
    return keras.Model(images, Tally(rule, weights, name="tally_1")(outputs), name=name)


def members(model: keras.Model) -> list[keras.Model]:
    """The networks of a vote, each as a model of its own that shares its weights.

    Raises SpecError for a model that is no vote.
    """
    tally = _tally(model)
    if tally is None:
        raise SpecError(f"{model.name} is one network: only a vote has members")
    return [
        keras.Model(model.inputs, output, name=f"{model.name}_member_{number}")
        for number, output in enumerate(tally.input, start=1)
    ]


def detailed(model: keras.Model) -> keras.Model:
    """The same model with named outputs: what programs that serve it, and people, ask for.

    `digit` is the answer, int64 [n]; `probabilities` float32 [n, 10], of a vote the members' mean;
    a vote also has `votes`, the share of the votes for each digit, [n, 10].
    """
    output = model.outputs[0]
    outputs = {"digit": ops.argmax(output, axis=-1), "probabilities": output}
    if tally := _tally(model):
        outputs["votes"], outputs["probabilities"] = tally.count(tally.input)
    outputs["digit"] = ops.cast(outputs["digit"], "int64")
    return keras.Model(model.inputs, outputs, name=model.name)


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
    def oracle(self) -> Score:
        """The score of a vote that, wherever one member was right, had taken its word."""
        total = self.vote.total
        return Score(total - len(self.missed_by_all), total)

    def __str__(self) -> str:
        count = len(self.scores)
        lines = [f"member {number}: {score}" for number, score in enumerate(self.scores, start=1)]
        lines += [f"the vote: {self.vote}", f"any of them right: {self.oracle}"]
        if count > 1:
            pairs = self.disagreement[np.triu_indices(count, k=1)]
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
    """Let a vote and each of its members classify every image of a split."""
    answers: list[Answers] = [answer(member, split) for member in members(model)]
    predicted = np.stack([each.predicted for each in answers])
    return Diversity(
        answer(model, split).score,
        tuple(each.score for each in answers),
        (predicted[:, None] != predicted[None]).mean(axis=2),
        np.flatnonzero((predicted != split.labels).all(axis=0)),
    )


def _tally(model: keras.Model) -> Tally | None:
    return next((layer for layer in model.layers if isinstance(layer, Tally)), None)

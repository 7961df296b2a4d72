"""Voting: the layer that makes several networks' outputs one answer, and its members."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.errors import SpecError
from zoo.nn.block_model import BlockModel
from zoo.nn.nested import output_activation
from zoo.spec.counting import shares_of, tie_break

# Activations that put out nothing below 0.
NOT_NEGATIVE = ("softmax", "sigmoid", "relu", "relu6", "hard_sigmoid", "softplus", "exponential")


def members(model: keras.Model) -> list[keras.Model]:
    """The networks of a vote, each as a model of its own that shares its weights.

    Raises SpecError for a model that is no vote.
    """
    tally = _tally(model)
    if tally is None:
        raise SpecError(f"{model.name} is one network: only a vote has members")
    return [
        BlockModel(model.inputs, output, name=f"{model.name}_member_{number}")
        for number, output in enumerate(tally.input, start=1)
    ]


def with_named_outputs(model: keras.Model, digit: str = "int64") -> keras.Model:
    """The same model with named outputs: what programs that serve it, and people, ask for.

    Args:
        model: A model of the zoo with one output, [n, classes].
        digit: The type of the answer.

    Returns:
        A model that puts out `digit`, the class with the largest output, [n]; `probabilities`
        float32 [n, classes], of a vote the members' mean; and of a vote also `votes`, the share of
        the votes for each class, [n, classes].
    """
    output = model.outputs[0]
    outputs = {"digit": ops.argmax(output, axis=-1), "probabilities": output}
    if tally := _tally(model):
        outputs["votes"], outputs["probabilities"] = tally.count(tally.input)
    outputs["digit"] = ops.cast(outputs["digit"], digit)
    return keras.Model(model.inputs, outputs, name=model.name)


def _tally(model: keras.Model) -> Tally | None:
    return next((layer for layer in model.layers if isinstance(layer, Tally)), None)


def is_signed(model: keras.Model) -> bool:
    """Whether a model may put out numbers below 0, or nobody knows.

    Args:
        model: One with a single output.
    """
    is_vote = isinstance(model.layers[-1], Tally)
    return not is_vote and output_activation(model) not in NOT_NEGATIVE


@keras.saving.register_keras_serializable("zoo")
class Tally(keras.layers.Layer):
    """Several networks' outputs made one answer: [n, 10] from each of them, [n, 10] in all.

    By 'plurality' it is the shares of the votes, moved towards the mean probabilities by a
    thousandth, or less where that could outweigh a vote, which decides ties; the author's program
    takes the network that came first. By 'mean' it is the mean probabilities. Outputs of sigmoids
    are divided by their sum first, so that networks of both kinds can vote together. `signed` says
    that outputs may be below 0, as those of tanh neurons: of each image the least counts as 0 then.
    """

    def __init__(
        self,
        rule: str = "plurality",
        weights: Sequence[float] = (),
        signed: bool = False,
        **layer_options,
    ):
        super().__init__(**layer_options)
        self.rule = rule
        self.shares = weights
        self.signed = signed

    def call(self, inputs):
        """Return the vote's outputs [n, classes] from a list of the members' [n, classes]."""
        votes, probabilities = self.count(inputs)
        if self.rule == "mean":
            return probabilities
        step = tie_break(shares_of(self.shares, len(inputs)))
        return (votes + step * probabilities) / (1 + step)

    def count(self, outputs):
        """The shares of the votes, and the mean probabilities: [n, 10] each."""
        weights = np.array(shares_of(self.shares, len(outputs)), dtype="float32")
        weights = ops.reshape(weights, (-1, 1, 1))
        outputs = ops.stack(list(outputs))
        ballots = ops.one_hot(ops.argmax(outputs, axis=-1), outputs.shape[-1], dtype=outputs.dtype)
        if self.signed:  # not of all: numbers of eight bits would lose by it
            outputs = outputs - ops.minimum(ops.min(outputs, axis=-1, keepdims=True), 0.0)
        totals = ops.maximum(ops.sum(outputs, axis=-1, keepdims=True), keras.config.epsilon())
        probabilities = outputs / totals
        return ops.sum(weights * ballots, axis=0), ops.sum(weights * probabilities, axis=0)

    def compute_output_shape(self, input_shape):
        """Return the shape of one member's outputs: the vote has the same."""
        return input_shape[0]

    def get_config(self):
        """Return what a saved model needs to make this layer again."""
        own = {"rule": self.rule, "weights": list(self.shares), "signed": self.signed}
        return {**super().get_config(), **own}

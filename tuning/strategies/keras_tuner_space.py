"""A search space in the terms of keras-tuner, which is imported when a space is converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuning.space import Choice, LogUniform, SearchSpace, Uniform
from zoo.errors import SpecError

if TYPE_CHECKING:
    import keras_tuner


def check_convertible(space: SearchSpace) -> None:
    """SpecError for choices that keras-tuner cannot hold."""
    for name, kind in space.ranges:
        if isinstance(kind, Choice):
            _held(name, kind)


def hyperparameters(space: SearchSpace) -> keras_tuner.HyperParameters:
    """A space in keras-tuner's terms; SpecError for choices that it cannot hold."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    for name, kind in space.ranges:
        ask(hp, name, kind)
    return hp


def ask(hp: keras_tuner.HyperParameters, name: str, kind: Any) -> Any:
    """Ask keras-tuner for a value of a range, as a model that is built does.

    Args:
        hp: It notes the range, where it is new.
        name: The setting.
        kind: Its range; one that is none of the others is taken for whole numbers.

    Raises:
        SpecError: keras-tuner cannot hold a choice.
    """
    if isinstance(kind, Choice):
        return hp.Choice(name, _held(name, kind))
    if isinstance(kind, LogUniform):
        return hp.Float(name, kind.low, kind.high, sampling="log")
    if isinstance(kind, Uniform):
        return hp.Float(name, kind.low, kind.high)
    return hp.Int(name, kind.low, kind.high)


def _held(name: str, choice: Choice) -> list[Any]:
    kinds = {type(value) for value in choice.values}
    if kinds == {int, float}:
        return [float(value) for value in choice.values]
    if len(kinds) > 1 or not kinds <= {bool, int, float, str}:
        raise SpecError(f"{name}: keras-tuner chooses among numbers and words alone")
    return list(choice.values)

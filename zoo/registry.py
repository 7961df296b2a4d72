"""The registry: from a name to its declaration, without importing Keras, so that it is instant."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, overload

from zoo.errors import SpecError, UnknownNameError, nearest
from zoo.networks import NETWORK3, NETWORKS
from zoo.quoted_networks import QUOTED_NETWORKS
from zoo.spec import IMAGE_SHAPE, Claim, FunctionSpec, InputSpec, NetworkSpec, Recipe, Shape
from zoo.spec.function import reference_of, register_function
from zoo.spec.validation import as_tuple, shown, whole_number

if TYPE_CHECKING:
    import keras

ModelFunction = Callable[[], "keras.Model"]

_SPECS: dict[str, NetworkSpec] = {}


@overload
def register(spec: NetworkSpec) -> NetworkSpec: ...
@overload
def register(
    spec: str,
    *,
    recipe: Recipe = ...,
    claim: Claim | None = ...,
    summary: str = ...,
    input_shape: Shape = ...,
    classes: int = ...,
) -> Callable[[ModelFunction], ModelFunction]: ...
def register(spec, *, recipe=NETWORK3, claim=None, summary="", input_shape=IMAGE_SHAPE, classes=10):
    """Add a network of your own, so that it joins every loop, table and command.

    Give it a declaration; or write `@register("my_net")` above a function that takes nothing and
    returns a Keras model, from bytes of `input_shape` to one probability a class.

    Args:
        spec: A declaration, or the name of the network that the function below builds.
        recipe: How the function's network is trained; network3.py's unless given.
        claim: What the book reports for it.
        summary: What it is; the first line of the function's docstring unless given.
        input_shape: Height, width and channels of the images that the function's model takes.
        classes: The number of its outputs.

    Returns:
        The declaration, or a decorator that returns the function as it is.

    Raises:
        SpecError: The name is taken.

    >>> import zoo
    >>> from dataclasses import replace
    >>> _ = zoo.register(replace(zoo.get_spec("mlp30"), name="mlp30.brief",
    ...                          recipe=replace(zoo.get_spec("mlp30").recipe, epochs=3)))
    >>> zoo.get_spec("mlp30.brief").recipe.epochs
    3
    >>> zoo.unregister("mlp30.brief")
    """
    if isinstance(spec, str):

        def declare(function: ModelFunction) -> ModelFunction:
            words = summary or (function.__doc__ or "").partition("\n")[0].strip(" .")
            images = InputSpec(input_shape)
            register(FunctionSpec(spec, function, recipe, claim, words, images, classes))
            return function

        return declare
    if not isinstance(spec, NetworkSpec):
        raise SpecError(
            "register takes a declaration, such as a zoo.ModelSpec, or the name for a function "
            f"below, not {shown(spec)}"
        )
    if spec.name in _SPECS:
        raise SpecError(f"the name {spec.name!r} is taken: choose another, or unregister it first")
    if isinstance(spec, FunctionSpec):
        _check_reference(spec)
        register_function(spec.function)
    _SPECS[spec.name] = spec
    return spec


def _check_reference(spec: FunctionSpec) -> None:
    """Raise SpecError where JSON could not tell the function from that of another network.

    Functions that a loop or another function makes have one name: their runs would be mixed up.
    """
    name = reference_of(spec.function)
    others = (other for other in _SPECS.values() if isinstance(other, FunctionSpec))
    for other in others:
        if other.function is not spec.function and reference_of(other.function) == name:
            raise SpecError(
                f"the function of {spec.name!r} is called {name}, as another one of "
                f"{other.name!r} is: files know functions by their names. Define each by a "
                "def of its own"
            )


def unregister(name: str | NetworkSpec) -> None:
    """Take a network out of the registry again.

    Args:
        name: Of a registered network, or its declaration.

    Raises:
        UnknownNameError: There is no network of that name, or the registry has another declaration
            under it.
    """
    spec = get_spec(name)
    if _SPECS.get(spec.name) != spec:
        raise UnknownNameError(
            f"the registry has no such declaration of {spec.name!r}: give the name of a network"
        )
    del _SPECS[spec.name]


def get_spec(name: str | NetworkSpec) -> NetworkSpec:
    """The declaration of a network of the registry.

    Args:
        name: Of a registered network; a spec is handed back as it is.

    Returns:
        The declaration.

    Raises:
        UnknownNameError: There is no network of that name; the error names the nearest one.

    >>> get_spec("conv2").parameters
    85670
    """
    if isinstance(name, NetworkSpec):
        return name
    if not isinstance(name, str) or name not in _SPECS:
        raise UnknownNameError(
            f"there is no network {shown(name)}.{nearest(str(name), _SPECS)} "
            "`python -m zoo list` shows them all."
        )
    return _SPECS[name]


def list_models(
    pattern: str = "*", *, chapter: int | None = None, exclude: str | Iterable[str] = ()
) -> list[str]:
    """The names that match a pattern, in the order of the book.

    Args:
        pattern: A name with the wildcards * and ?, as in "conv2_*".
        chapter: Of the book, 1 to 6; None for all.
        exclude: A pattern, or several, of names that are left out.

    Returns:
        The names; none where nothing matches.

    Raises:
        SpecError: A pattern is no text, or the chapter no whole number from 1 up.

    >>> list_models("mlp30*", chapter=5)
    ['mlp30', 'mlp30x2', 'mlp30x3', 'mlp30x4']
    >>> list_models("conv2_relu*", exclude=["*fc*", "*x5*", "*.long", "*.half"])
    ['conv2_relu', 'conv2_relu.expanded', 'conv2_relu_dropout', 'conv2_relu_dropout.fast']
    """
    dropped = (exclude,) if isinstance(exclude, str) else as_tuple(exclude)
    if dropped is None or not all(isinstance(each, str) for each in (pattern, *dropped)):
        raise SpecError(f"a pattern is text, as in 'conv2_*', not {shown((pattern, exclude))}")
    if chapter is not None:
        chapter = whole_number(chapter, "chapter")
    return [
        name
        for name, spec in _SPECS.items()
        if fnmatch.fnmatchcase(name, pattern)
        and not any(fnmatch.fnmatchcase(name, drop) for drop in dropped)
        and (chapter is None or (spec.claim is not None and spec.claim.chapter == chapter))
    ]


for _spec in (*NETWORKS, *QUOTED_NETWORKS):
    register(_spec)

"""Commands that look things up: networks, images, and the methods to beat."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import fields

from zoo.cli.options import load_images
from zoo.errors import UnknownNameError, nearest
from zoo.registry import get_spec, list_models
from zoo.spec import IMAGE_SHAPE, Layer, ModelSpec, walk
from zoo.utils.tensorflow import import_tensorflow


def list_networks(options: argparse.Namespace) -> None:
    """The networks, their size, the book's figure."""
    names = list_models(options.pattern, chapter=options.chapter)
    if options.json:
        print(json.dumps([get_spec(name).to_plain() for name in names], indent=2))
        return
    if options.names:
        print("\n".join(names))
        return
    if not names:
        raise UnknownNameError(
            f"no network matches {options.pattern!r}.{nearest(options.pattern, list_models())}"
        )
    width = max(len(name) for name in names)
    print(f"{'network':{width}}  parameters  the book  what it is")
    for name in names:
        spec = get_spec(name)
        parameters = "Keras" if spec.is_function else f"{spec.parameters:,}"
        figure = f"{spec.claim.accuracy:.2f} %" if spec.claim and spec.claim.accuracy else "-"
        print(f"{name:{width}}  {parameters:>10}  {figure:>8}  {spec.summary}")


def show(options: argparse.Namespace) -> None:
    """One network: layers, recipe, claim, spec."""
    spec = get_spec(options.name)
    if options.json:
        print(spec.to_json(indent=2))
        return
    print(f"{spec.name}: {spec.summary}\n")
    for text, shape, parameters in _layer_rows(spec):
        print(f"  {text:54}{shape:>10}{parameters:>12}")
    print("\nrecipe")
    for field in fields(spec.recipe):
        print(f"  {field.name:16} {getattr(spec.recipe, field.name)}")
    print(f"\nthe book: {spec.claim or 'no figure'}")
    if spec.claim and spec.claim.note:
        print(f"          {spec.claim.note}")
    print(f"hash      {spec.hash}\n\n{spec.to_json()}")


def _layer_rows(spec: ModelSpec) -> list[tuple[str, str, str]]:
    if spec.is_function:
        return [(str(spec.layers[0]), "", "")]
    rows = [("bytes / 256", "28x28x1", ""), *_rows(spec.layers)]
    if spec.is_vote:
        members = spec.layers[0].members
        for layers in dict.fromkeys(members):  # those that are alike are shown once
            like = [str(number) for number, other in enumerate(members, 1) if other == layers]
            rows += [(f"member {', '.join(like)}", "", ""), *_rows(layers, "  ")]
    return [*rows, ("", "in all", f"{spec.parameters:,}")]


def _rows(layers: Sequence[Layer], indent: str = "") -> list[tuple[str, str, str]]:
    return [
        (f"{indent}{layer}", "x".join(map(str, shape)), f"{parameters:,}")
        for layer, shape, parameters in walk(layers, IMAGE_SHAPE)
    ]


def data(options: argparse.Namespace) -> None:
    """Get a set of images ready, and count them."""
    images = load_images(options)
    print(f"{images.name}, fingerprint {images.fingerprint}")
    print(f"{'split':12}{'images':>8}   images of each digit, 0 to 9")
    for name in ("train", "validation", "test"):
        split = getattr(images, name)
        counts = "".join(f"{(split.labels == digit).sum():>7,}" for digit in range(10))
        print(f"{name:12}{len(split):>8,}   {counts}")


def baseline(options: argparse.Namespace) -> None:
    """Score a method of chapter 1 that is no neural network."""
    import_tensorflow()
    from zoo.evaluation.baselines import BASELINES
    from zoo.evaluation.scores import confusion_table

    method = BASELINES[options.method]
    answers = method(load_images(options))
    print(f"{options.method}: {answers.score}\n\n{confusion_table(answers.confusion())}")

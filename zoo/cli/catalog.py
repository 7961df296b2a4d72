"""Commands that look things up: networks, images, and the methods to beat."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from zoo.cli.figures import answers_record, print_json
from zoo.cli.options import load_images
from zoo.errors import UnknownNameError, nearest
from zoo.registry import get_spec, list_models
from zoo.spec import EnsembleSpec, ModelSpec, NetworkSpec, Shape
from zoo.utils.tensorflow import import_tensorflow

if TYPE_CHECKING:
    from zoo.data import Data


def list_networks(options: argparse.Namespace) -> None:
    """The networks, their size, the book's figure."""
    names = list_models(options.pattern, chapter=options.chapter)
    if not names:
        of = f" of chapter {options.chapter}" if options.chapter is not None else ""
        hint = nearest(options.pattern, list_models()) or " `python -m zoo list` shows them all."
        if options.chapter is not None:
            hint = f" Chapters with networks: {', '.join(map(str, _chapters()))}."
        raise UnknownNameError(f"no network{of} matches {options.pattern!r}.{hint}")
    if options.json:
        print(json.dumps([get_spec(name).to_plain() for name in names], indent=2))
        return
    if options.names:
        print("\n".join(names))
        return
    width = max(len(name) for name in names)
    print(f"{'network':{width}}  parameters  the book  what it is")
    for name in names:
        spec = get_spec(name)
        parameters = "Keras" if spec.parameters is None else f"{spec.parameters:,}"
        figure = f"{spec.claim.accuracy:.2f} %" if spec.claim and spec.claim.accuracy else "-"
        print(f"{name:{width}}  {parameters:>10}  {figure:>8}  {spec.summary}")


def _chapters() -> list[int]:
    """The chapters of the book that have a network."""
    claims = [get_spec(name).claim for name in list_models()]
    return sorted({claim.chapter for claim in claims if claim})


def show(options: argparse.Namespace) -> None:
    """One network: layers, recipe, claim, spec."""
    spec = get_spec(options.name)
    if options.json:
        print(spec.to_json(indent=2))
        return
    print(f"{spec.name}: {spec.summary}\n")
    rows = _layer_rows(spec)
    width = max(54, *(len(text) + 1 for text, _, _ in rows))
    for text, shape, parameters in rows:
        print(f"  {text:{width}}{shape:>10}{parameters:>12}")
    print("\nrecipe")
    settings = [field.name for field in fields(spec.recipe)]
    for name in settings:
        print(f"  {name:{max(map(len, settings))}} {getattr(spec.recipe, name)}")
    print(f"\nthe book: {spec.claim or 'no figure'}")
    if spec.claim and spec.claim.note:
        print(f"          {spec.claim.note}")
    print(f"hash      {spec.hash}\n\n{spec.to_json()}")


@singledispatch
def _layer_rows(spec: NetworkSpec) -> list[tuple[str, str, str]]:
    """What a network consists of: text, output shape and parameters of each part."""
    return [(str(spec), _size(spec.input.shape), "")]


@_layer_rows.register
def _(spec: ModelSpec) -> list[tuple[str, str, str]]:
    rows = [(str(spec.input), _size(spec.input.shape), ""), *_rows(spec)]
    return [*rows, ("", "in all", f"{spec.parameters:,}")]


@_layer_rows.register
def _(spec: EnsembleSpec) -> list[tuple[str, str, str]]:
    rows = [(str(spec.input), _size(spec.input.shape), "")]
    rows.append((str(spec), str(spec.output_classes), f"{spec.parameters:,}"))
    for layers in dict.fromkeys(spec.member_layers):  # those that are alike are shown once
        alike = [n for n, member in enumerate(spec.members, 1) if member.layers == layers]
        rows.append((f"member {', '.join(map(str, alike))}", "", ""))
        rows += _rows(spec.members[alike[0] - 1], "  ")
    return [*rows, ("", "in all", f"{spec.parameters:,}")]


def _rows(spec: ModelSpec, indent: str = "") -> list[tuple[str, str, str]]:
    return [
        (f"{indent}{layer}", _size(shape), f"{parameters:,}")
        for layer, shape, parameters in spec.walk()
    ]


def _size(shape: Shape) -> str:
    return "x".join(map(str, shape))


def data(options: argparse.Namespace) -> None:
    """Get a set of images ready, and count them."""
    images = load_images(options)
    if options.json:
        print_json(_data_record(images))
        return
    print(f"{images.name}, fingerprint {images.fingerprint}")
    parts = ("train", "validation", "test")
    splits = [getattr(images, part) for part in parts]
    if images.class_names == tuple("0123456789"):
        print(f"{'split':12}{'images':>8}   images of each digit, 0 to 9")
        for name, split in zip(parts, splits, strict=True):
            counts = "".join(f"{(split.labels == digit).sum():>7,}" for digit in range(10))
            print(f"{name:12}{len(split):>8,}   {counts}")
    else:
        print(f"{images.classes} classes, images of {_size(images.shape)}")
        width = max(map(len, (*images.class_names, "all classes")))
        print(f"{'class':{width}}" + "".join(f"{part:>12}" for part in parts))
        print(f"{'all classes':{width}}" + "".join(f"{len(split):>12,}" for split in splits))
        for label, name in enumerate(images.class_names):
            counts = "".join(f"{(split.labels == label).sum():>12,}" for split in splits)
            print(f"{name:{width}}{counts}")
    if images.skipped:
        print(f"{len(images.skipped)} file(s) left out")
    for line in images.skipped:
        print(f"  {line}")


def _data_record(images: Data) -> dict[str, Any]:
    splits = {part: getattr(images, part) for part in ("train", "validation", "test")}
    return {
        "name": images.name,
        "fingerprint": images.fingerprint,
        "shape": list(images.shape),
        "class_names": list(images.class_names),
        "images": {part: len(split) for part, split in splits.items()},
        "images_of_each_class": {
            part: [int((split.labels == label).sum()) for label in range(images.classes)]
            for part, split in splits.items()
        },
        "skipped": list(images.skipped),
    }


def baseline(options: argparse.Namespace) -> None:
    """Score a method of chapter 1 that is no neural network."""
    data = load_images(options)
    import_tensorflow()
    from zoo.evaluation.baselines import BASELINES
    from zoo.evaluation.scores import confusion_table

    method = BASELINES[options.method]
    answers = method(data)
    if options.json:
        print_json({"method": options.method, "test": answers_record(answers)})
        return
    print(f"{options.method}: {answers.score}\n\n{confusion_table(answers.confusion())}")

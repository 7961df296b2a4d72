"""What each command of `python -m zoo` does: it asks the library, and prints the answer.

TensorFlow is imported only by the commands that need it, so that looking things up is instant.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields

from zoo.errors import SpecError, UnknownNameError, nearest
from zoo.quiet import import_tensorflow
from zoo.registry import get_spec, list_models
from zoo.spec import ModelSpec


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
        print(f"  {text:52}{shape:>10}{parameters:>12}")
    print("\nrecipe")
    for field in fields(spec.recipe):
        print(f"  {field.name:14} {getattr(spec.recipe, field.name)}")
    print(f"\nthe book: {spec.claim or 'no figure'}")
    if spec.claim and spec.claim.note:
        print(f"          {spec.claim.note}")
    print(f"hash      {spec.hash}\n\n{spec.to_json()}")


def baseline(options: argparse.Namespace) -> None:
    """Score a method of chapter 1 that is no neural network."""
    import_tensorflow()
    from zoo.baselines import BASELINES
    from zoo.evaluation import confusion_table

    method = BASELINES[options.method]
    answers = method(_load(options))
    print(f"{options.method}: {answers.score}\n\n{confusion_table(answers.confusion())}")


def reproduce(options: argparse.Namespace) -> None:
    """Train a network by its recipe with several seeds, and add the runs to the results."""
    spec = get_spec(options.name)
    import_tensorflow()
    from zoo import reproduction, results

    print(f"the book: {spec.claim or 'no figure'}")
    for row in reproduction.reproduce(
        spec.name,
        range(options.first_seed, options.first_seed + options.seeds),
        jobs=options.jobs,
        results=options.results,
        progress=not options.quiet,
    ):
        print(f"seed {row.seed}: {results.summary(row, spec.claim)}")


def table(options: argparse.Namespace) -> None:
    """Print the table of results, or write it into the README."""
    from zoo import results

    text = results.table(results.read(options.results))
    if options.write is None:
        print(text)
    else:
        results.write_table(text, options.write)
        print(f"written into {options.write}")


def _layer_rows(spec: ModelSpec) -> list[tuple[str, str, str]]:
    if spec.is_function:
        return [(str(spec.layers[0]), "", "")]
    rows = [("bytes / 256", "28x28x1", "")]
    for layer, shape, parameters in spec.walk():
        rows.append((str(layer), "x".join(map(str, shape)), f"{parameters:,}"))
    return [*rows, ("", "in all", f"{spec.parameters:,}")]


def train(options: argparse.Namespace) -> None:
    """Train a network, and show how it does."""
    spec = get_spec(options.name).with_settings(**_settings(options))
    data = _load(options)
    import_tensorflow()
    from zoo import training
    from zoo.models import load
    from zoo.report import present
    from zoo.reproduction import run_folder
    from zoo.runs import discard

    out = options.out or run_folder(spec.name, options.seed)
    if options.overwrite:
        discard(out)
    result = training.train(
        spec,
        data,
        seed=options.seed,
        monitor={"test": data.test},
        start=load(options.name) if options.pretrained else None,
        out=out,
        jobs=options.jobs,
        progress=not options.quiet,
    )
    present(result, data, out)


def evaluate(options: argparse.Namespace) -> None:
    """Score a pretrained network, or one that was trained here."""
    spec = get_spec(options.name)
    import_tensorflow()
    from zoo.models import load
    from zoo.report import present_model
    from zoo.reproduction import RUNS, run_folder
    from zoo.runs import load_run

    if options.run is None and options.seed is None:
        present_model(spec, load(spec.name), _load(options), RUNS / f"{spec.name}-pretrained")
        return
    run = options.run or run_folder(spec.name, options.seed)
    trained, model = load_run(run)
    if trained.name != spec.name:
        raise SpecError(f"{run} holds a run of {trained.name}, not of {spec.name}")
    present_model(trained, model, _load(options), run)


def publish(options: argparse.Namespace) -> None:
    """Make a network's best run the pretrained weights of its architecture."""
    get_spec(options.name)
    import_tensorflow()
    from zoo import publishing

    entry = publishing.publish(options.name, options.runs, _load(options))
    print(f"{entry.name}: {entry.score} on the test images, by {entry.spec['name']}")
    print(f"{entry.file}: {entry.precision}, {entry.size:,} bytes")


def data(options: argparse.Namespace) -> None:
    """Get a set of images ready, and count them."""
    images = _load(options)
    print(f"{images.name}, fingerprint {images.fingerprint}")
    print(f"{'split':12}{'images':>8}   images of each digit, 0 to 9")
    for name in ("train", "validation", "test"):
        split = getattr(images, name)
        counts = "".join(f"{(split.labels == digit).sum():>7,}" for digit in range(10))
        print(f"{name:12}{len(split):>8,}   {counts}")


def _load(options: argparse.Namespace):
    from zoo.data import load_data

    quiet = getattr(options, "quiet", False)
    return load_data(options.data, source=options.source, progress=not quiet)


def _settings(options: argparse.Namespace) -> dict:
    settings = {}
    for told in options.set:
        name, equals, value = told.partition("=")
        if not equals:
            raise SpecError(f"--set takes SETTING=VALUE, as in learning_rate=0.5, not {told!r}")
        try:
            settings[name] = json.loads(value.lower() if value in ("True", "False") else value)
        except json.JSONDecodeError:
            settings[name] = value  # a word, as in cost=quadratic
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    if options.limit is not None:
        settings["images"] = options.limit
    return settings

"""Commands about runs: train, reproduce, score, publish, vote, and the table of results."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cli.checks import check_images, check_runs, check_source, check_voters, check_weights
from zoo.cli.figures import claim_record, print_json
from zoo.cli.options import load_images, settings
from zoo.errors import SpecError
from zoo.registry import get_spec
from zoo.spec import NetworkSpec
from zoo.spec.limits import check_size
from zoo.spec.serialization import parse_json
from zoo.utils.tensorflow import import_tensorflow

if TYPE_CHECKING:
    from zoo.data import Data


def train(options: argparse.Namespace) -> None:
    """Train a network, and show how it does."""
    from zoo.training.devices import check_devices  # imported late: it takes NumPy
    from zoo.training.run_files import check_pictures

    spec = _asked_for(options).with_settings(**settings(options))
    check_devices(options.devices, spec.recipe, os.environ.get("KERAS_BACKEND") or "tensorflow")
    check_size(spec)
    if options.jobs > 1 and not spec.members:
        raise SpecError(f"--jobs is for the members of a vote, and {spec.name} is one network")
    if options.freeze and not options.pretrained:
        raise SpecError("--freeze body goes with --pretrained: what is drawn afresh has to learn")
    if options.pretrained:
        check_weights(spec)
        if options.data != "mnist" and options.size is None:
            options.size = spec.input.shape[:2]  # of the trained weights
    if options.out:
        check_pictures(options.out)
    data = load_images(options)
    if options.best:
        _note_other_images(options.best, data)
    import_tensorflow()
    from zoo.cli.presenting import present
    from zoo.reproduction.reproduce import run_folder
    from zoo.training import train as training

    out = options.out or run_folder(spec.name, options.seed)
    result = training.train(
        spec,
        data,
        seed=options.seed,
        monitor={"test": data.test},
        start=_start(spec, data, options) if options.pretrained else None,
        out=out,
        overwrite=options.overwrite,
        jobs=options.jobs,
        devices=options.devices,
        progress=not options.quiet,
    )
    present(result, data, out, as_json=options.json)


def evaluate(options: argparse.Namespace) -> None:
    """Score a pretrained network, or one that was trained here."""
    spec = get_spec(options.name)
    run = options.run
    if run and options.seed is not None:
        raise SpecError("--seed and --run both name a run: give one of them")
    if run is None and options.seed is not None:
        run = Path("runs") / f"{spec.name}-seed{options.seed}"
    check_source(spec, run)
    data = load_images(options, run)
    check_images(spec, run, data)
    import_tensorflow()
    from zoo.cli.presenting import present_model, print_devices
    from zoo.pretrained.manifest import entry_of
    from zoo.pretrained.models import load
    from zoo.reproduction.reproduce import RUNS
    from zoo.training.run_folder import load_run
    from zoo.training.run_record import read_run

    if run is None:
        model, entry = load(spec.name), entry_of(spec.name)
        record = {"trained_by": entry.spec["name"], "seed": entry.seed}
        if not options.json:
            print(f"{entry.name}, trained by {entry.spec['name']} with seed {entry.seed}")
        folder = RUNS / f"{spec.name}-pretrained"
        present_model(spec, model, data, folder, run=record if options.json else None)
        return
    trained, model = load_run(run)
    devices = read_run(run / "run.json").devices
    if not options.json:
        print_devices(devices)
    present_model(trained, model, data, run, run={"devices": [*devices]} if options.json else None)


def publish(options: argparse.Namespace) -> None:
    """Make a network's best run the pretrained weights."""
    spec = get_spec(options.name)
    check_runs(spec, options.runs)
    from zoo.pretrained.best_run import best_run
    from zoo.pretrained.manifest import publishing_folder

    publishing_folder()
    data = load_images(options)
    best_run(spec, options.runs, data)  # raises before TensorFlow is imported
    import_tensorflow()
    from zoo.pretrained import publish as publishing

    entry = publishing.publish(options.name, options.runs, data)
    if options.json:
        print_json(asdict(entry))
        return
    print(f"{entry.name}: {entry.score} on the test images, by {entry.spec['name']}")
    print(f"{entry.file}: {entry.precision}, {entry.size:,} bytes")


def reproduce(options: argparse.Namespace) -> None:
    """Train a network by its recipe with several seeds, and add the runs to the results."""
    spec = get_spec(options.name)
    check_size(spec)
    from zoo.reproduction.results import read, summary

    read(options.results)  # one that is damaged is told before hours of training
    import_tensorflow()
    from zoo.reproduction import reproduce as reproduction

    rows = []
    if not options.json:
        print(f"the book: {spec.claim or 'no figure'}")
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    settings = {"results": options.results, "progress": not options.quiet}
    try:
        for row in reproduction.reproduce(spec.name, seeds, jobs=options.jobs, **settings):
            rows.append(asdict(row))
            if not options.json:
                print(f"seed {row.seed}: {summary(row, spec.claim)}")
    finally:  # also of the others, where a seed diverged
        if options.json:
            print_json({"name": spec.name, "book": claim_record(spec.claim), "runs": rows})


def vote(options: argparse.Namespace) -> None:
    """Let trained runs of one recipe vote, drawn in many ways, and tell how the votes do."""
    from zoo.training.run_record import read_run

    check_voters(get_spec(options.name), options.of, options.seeds, options.runs)
    chosen = {f"{options.name}-seed{seed}" for seed in options.seeds or ()}
    records = sorted(options.runs.glob(f"{options.name}-seed*/run.json"))
    records = [path for path in records if not chosen or path.parent.name in chosen]
    if not options.resize and len({read_run(path).resize for path in records}) > 1:
        raise SpecError("the pictures of these runs came to their size in several ways: --resize")
    data = load_images(options, records[0].parent if records else None)
    import_tensorflow()
    from zoo.reproduction.ensembles import sample_ensembles

    found = sample_ensembles(
        options.name,
        data,
        options.seeds,
        of=options.of,
        rule=options.rule,
        most=options.draws,
        runs=options.runs,
    )
    print(json.dumps(found.to_plain(), indent=2) if options.json else found)


def table(options: argparse.Namespace) -> None:
    """Print the table of results, or write it into a document between its marks."""
    from zoo.reproduction import results, tables

    if options.json and (options.headlines or options.write):
        raise SpecError("--json prints all results: leave out --headlines and --write")
    rows = results.read(options.results)
    if options.json:
        print_json([asdict(row) for row in rows])
        return
    text = tables.headlines(rows) if options.headlines else tables.table(rows)
    if options.write is None:
        print(text)
    else:
        tables.write_table(text, options.write, "headlines" if options.headlines else "results")
        print(f"written into {options.write}")


def _start(spec: NetworkSpec, data, options: argparse.Namespace):
    """The pretrained network for the classes and channels of the data."""
    from zoo.data.dataset import DIGIT_NAMES
    from zoo.pretrained.models import load

    return load(
        spec.name,
        seed=options.seed,
        freeze=options.freeze,
        fresh_head=data.class_names != DIGIT_NAMES,
        classes=data.classes,
        input_shape=data.shape,
    )


def _asked_for(options: argparse.Namespace) -> NetworkSpec:
    if (options.name is None) == (options.best is None):
        raise SpecError("train takes a network's name, or --from the best.json of a search")
    if options.name is not None:
        return get_spec(options.name)
    try:
        plain = _best(options.best)["spec"]
    except SpecError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise SpecError(f"{options.best} is no best.json of a search: it has no spec") from error
    return NetworkSpec.from_plain(plain)


def _best(path: Path) -> dict[str, Any]:
    return parse_json(path.read_text(encoding="utf-8"), "a best.json")


def _note_other_images(path: Path, data: Data) -> None:
    searched = _best(path).get("data")
    if searched and searched != data.fingerprint:
        print(f"zoo: {path} was found on other images than {data.name}: to train on those, give "
              "--data and its options as to the search", file=sys.stderr)  # fmt: skip

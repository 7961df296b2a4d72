"""The command line, `python -m zoo`: it parses and prints, and leaves the work to the library."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from zoo.cli import book, catalog, inference, lab, predict, runs
from zoo.cli.checks import check_backend
from zoo.cli.command_parser import CommandParser
from zoo.cli.completion import add_completion
from zoo.cli.draw import add_draw
from zoo.cli.exit_codes import run_command
from zoo.cli.figures import add_json_option
from zoo.cli.options import (
    add_command,
    add_data_options,
    add_recipe_options,
    count,
    import_module,
    path,
    picture,
    seed,
    seeds,
)
from zoo.cli.predict import RESIZE
from zoo.cli.refusals import open_closed_streams
from zoo.cli.serve import add_serve
from zoo.export import FORMATS
from zoo.reproduction.results import RESULTS
from zoo.spec import limits
from zoo.utils.tensorflow import be_verbose
from zoo.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    open_closed_streams()
    options = _parser().parse_args(arguments)
    if options.max_parameters is not None:
        os.environ[limits.VARIABLE] = str(options.max_parameters)

    def command() -> int | None:
        check_backend()
        if options.verbose:
            be_verbose()
        for module in options.modules:
            import_module(module)
        return options.command(options)

    return run_command("zoo", command, debug=options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="zoo",
        description="The networks of 'Neural Networks and Deep Learning' (M. Nielsen) in Keras.",
    )
    parser.add_argument("--version", action="version", version=f"zoo {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument(
        "--import",
        dest="modules",
        metavar="MODULE",
        action="append",
        default=[],
        help="a module of yours that registers networks; may be given again",
    )
    parser.add_argument(
        "--max-parameters",
        type=count,
        metavar="N",
        help=f"refuse networks with more (default {limits.MOST_PARAMETERS:,})",
    )
    choices = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_lookups(choices)
    _add_train(choices)
    _add_results(choices)
    _add_serving(choices)
    lab.add_lab(choices)
    add_serve(choices)
    add_draw(choices)
    book.add_commands(choices)
    _add_scoring(choices)
    add_completion(choices, parser)
    return parser


def _add_scoring(choices) -> None:
    command = add_command(choices, "evaluate", runs.evaluate, "score a trained network")
    command.add_argument("name")
    command.add_argument(
        "--seed", type=seed, metavar="S", help="the run in runs/NAME-seedN, not the pretrained one"
    )
    command.add_argument("--run", type=path, metavar="DIR", help="the run in this folder")
    add_data_options(command)
    add_json_option(command)

    command = add_command(choices, "publish", runs.publish, "make the best run the pretrained one")
    command.add_argument("name")
    command.add_argument("--runs", type=path, default=Path("runs"), help="default runs")
    add_data_options(command)
    add_json_option(command)

    command = add_command(choices, "baseline", catalog.baseline, "score chapter 1's baselines")
    command.add_argument("method", choices=["random", "darkness", "svm", "svm_tuned"])
    add_data_options(command)
    add_json_option(command)

    command = add_command(choices, "data", catalog.data, "prepare the images, and count them")
    add_data_options(command)
    add_json_option(command)


def _add_lookups(choices) -> None:
    command = add_command(choices, "list", catalog.list_networks, "the networks, and their figures")
    command.add_argument("pattern", nargs="?", default="*", help="as in 'conv2*'")
    command.add_argument("--chapter", type=int, help="only the networks of this chapter")
    command.add_argument("--names", action="store_true", help="the names alone")
    command.add_argument("--json", action="store_true", help="the specs as JSON")

    summary = "one network: layers, recipe, the book's figure, spec"
    command = add_command(choices, "show", catalog.show, summary)
    command.add_argument("name")
    command.add_argument("--json", action="store_true", help="the spec alone, as JSON")


def _add_train(choices) -> None:
    command = add_command(choices, "train", runs.train, "train by the book's recipe, and score")
    command.add_argument("name", nargs="?")
    command.add_argument(
        "--from", dest="best", type=path, metavar="FILE", help="the best.json of a search, for NAME"
    )
    add_recipe_options(command)
    command.add_argument("--out", type=path, help="folder for the run (default runs/NAME-seedN)")
    command.add_argument("--overwrite", action="store_true", help="drop a run that --out holds")
    command.add_argument("--pretrained", action="store_true", help="start from trained weights")
    summary = "train the last layer alone, over the trained ones"
    command.add_argument("--freeze", choices=["body"], default="", help=summary)
    _jobs_option(command, "members of a vote at a time")
    summary = "graphics cards, or cores, that share each mini-batch (default 1)"
    command.add_argument("--devices", type=count, default=1, metavar="N", help=summary)
    add_json_option(command)
    add_data_options(command)


def _add_results(choices) -> None:
    summary = "train with several seeds, and record the results"
    command = add_command(choices, "reproduce", runs.reproduce, summary)
    command.add_argument("name")
    command.add_argument("--seeds", type=count, default=3, metavar="N", help="how many (default 3)")
    command.add_argument("--first-seed", type=seed, default=0, metavar="S", help="default 0")
    _jobs_option(command, "processes at a time")
    add_json_option(command)
    _results_option(command)

    summary = "let runs of one recipe vote, drawn in many ways"
    command = add_command(choices, "vote", runs.vote, summary)
    command.add_argument("name")
    command.add_argument("--of", type=count, default=5, metavar="K", help="members (default 5)")
    command.add_argument(
        "--seeds", type=seeds, metavar="LIST", help="as in 0-9,12 (default all in --runs)"
    )
    command.add_argument("--rule", choices=["plurality", "mean"], default="plurality")
    command.add_argument(
        "--draws", type=count, default=1000, metavar="N", help="if there are more (default 1000)"
    )
    command.add_argument("--runs", type=path, default=Path("runs"), help="default runs")
    command.add_argument("--json", action="store_true", help="every draw, as JSON")
    add_data_options(command)

    command = add_command(choices, "table", runs.table, "print the book's figures beside ours")
    command.add_argument("--headlines", action="store_true", help="a few of them, for the README")
    command.add_argument("--write", type=path, metavar="FILE", help="into this document")
    add_json_option(command)
    _results_option(command)


def _add_serving(choices) -> None:
    command = add_command(choices, "predict", predict.predict, "say what a picture shows")
    command.add_argument("name")
    command.add_argument("files", nargs="+", type=picture, metavar="FILE")
    command.add_argument("--run", type=path, metavar="DIR", help="the run in this folder")
    command.add_argument("--json", action="store_true", help="answers and probabilities as JSON")
    command.add_argument(
        "--resize", choices=RESIZE, help="how pictures are resized (default: as in training)"
    )
    command.add_argument("--all", action="store_true", help="several digits, each with its box")
    command.add_argument("--show", type=path, metavar="DIR", help="write what the network saw")
    command.add_argument("--overwrite", action="store_true", help="replace what --show has written")

    summary = "write a SavedModel, ONNX or LiteRT file"
    command = add_command(choices, "export", inference.export, summary)
    command.add_argument("name")
    command.add_argument("--format", choices=FORMATS, default="saved_model")
    command.add_argument("--run", type=path, metavar="DIR", help="the run in this folder")
    command.add_argument("--version", type=count, metavar="N", help="of a SavedModel")
    command.add_argument("--out", type=path, help="default saved_models, or exported in --run")
    command.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    add_json_option(command)
    add_data_options(command)

    summary = "upload to the Hugging Face hub, or write a folder like it"
    command = add_command(choices, "push", inference.push, summary)
    command.add_argument("name")
    command.add_argument("repo", help="owner/name, or a folder, as in ./conv2_relu")
    command.add_argument("--run", type=path, metavar="DIR", help="the run in this folder")
    command.add_argument("--private", action="store_true", help="for its owner alone")
    command.add_argument("--overwrite", action="store_true", help="on the hub: a new version")
    command.add_argument("--json", action="store_true", help="name and place as JSON")

    summary = "check that all export formats answer alike"
    command = add_command(choices, "verify", inference.verify, summary)
    command.add_argument("name")
    command.add_argument("--version", type=count, metavar="N", help="a SavedModel, too")
    command.add_argument("--out", type=path, help="its folder (default saved_models)")
    add_json_option(command)
    add_data_options(command)


def _jobs_option(command: argparse.ArgumentParser, help: str) -> None:
    command.add_argument("--jobs", type=count, default=1, metavar="K", help=help)


def _results_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=path, default=RESULTS, help=f"default {RESULTS}")

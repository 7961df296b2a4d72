"""The command line, `python -m zoo`: it parses and prints, and leaves the work to the library.

Exit codes: 0 done; 1 it could not be done, and one line says why; 2 the command was wrong (a name
or setting that does not exist); 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo.cli import book, catalog, inference, lab, predict, runs
from zoo.cli.draw import add_draw
from zoo.cli.options import add_picture_options, count, nonempty, path, seeds
from zoo.cli.refusals import open_closed_streams, system_error_text
from zoo.cli.serve import add_serve
from zoo.errors import SpecError, UnknownNameError, ZooError
from zoo.export import FORMATS
from zoo.reproduction.results import RESULTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    open_closed_streams()
    options = _parser().parse_args(arguments)
    try:
        for module in options.modules:
            _import(module)
        code = options.command(options) or 0
        sys.stdout.flush()  # what cannot be written is told here, not after the end
        return code
    except BrokenPipeError:
        # Whoever read the output has seen enough, as in `... | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ZooError, OSError) as error:
        if options.debug:
            raise
        told = error if isinstance(error, ZooError) else system_error_text(error)
        print(f"zoo: {told}", file=sys.stderr)
        return 2 if isinstance(error, SpecError | UnknownNameError) else 1
    except KeyboardInterrupt:
        print("\nzoo: stopped; the same command goes on where it was", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m zoo",
        description="The networks of 'Neural Networks and Deep Learning' (M. Nielsen) in Keras.",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument(
        "--import",
        dest="modules",
        metavar="MODULE",
        action="append",
        default=[],
        help="a module of yours that registers networks; may be given again",
    )
    choices = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_lookups(choices)
    _add_train(choices)
    _add_results(choices)
    _add_serving(choices)
    _add_lab(choices)
    add_serve(choices)
    add_draw(choices)
    book.add_commands(choices)

    command = _command(choices, "evaluate", runs.evaluate, "score a pretrained network")
    command.add_argument("name")
    command.add_argument("--seed", type=int, help="the run in runs/NAME-seedN instead")
    command.add_argument("--run", type=path, help="the run in this folder instead")
    _data_options(command)

    command = _command(choices, "publish", runs.publish, "make the best run the pretrained one")
    command.add_argument("name")
    command.add_argument("--runs", type=path, default=Path("runs"), help="default runs")
    _data_options(command)

    command = _command(choices, "baseline", catalog.baseline, "the methods to beat (chapter 1)")
    command.add_argument("method", choices=["random", "darkness", "svm", "svm_tuned"])
    _data_options(command)

    command = _command(choices, "data", catalog.data, "get the images ready, and count them")
    _data_options(command)
    return parser


def _add_lookups(choices) -> None:
    command = _command(choices, "list", catalog.list_networks, "the networks, and their figures")
    command.add_argument("pattern", nargs="?", default="*", help="as in 'conv2*'")
    command.add_argument("--chapter", type=int, help="only the networks of this chapter")
    command.add_argument("--names", action="store_true", help="the names alone")
    command.add_argument("--json", action="store_true", help="the specs as JSON")

    command = _command(choices, "show", catalog.show, "one network: layers, recipe, claim, spec")
    command.add_argument("name")
    command.add_argument("--json", action="store_true", help="the spec alone, as JSON")


def _add_train(choices) -> None:
    command = _command(choices, "train", runs.train, "train by the book's recipe, and score")
    command.add_argument("name", nargs="?")
    command.add_argument(
        "--from", dest="best", type=path, metavar="FILE", help="the best.json of a search, for NAME"
    )
    _recipe_options(command)
    command.add_argument("--out", type=path, help="folder for the run (default runs/NAME-seedN)")
    command.add_argument("--overwrite", action="store_true", help="drop a run that --out holds")
    command.add_argument("--pretrained", action="store_true", help="start from trained weights")
    _jobs_option(command, "members of a vote at a time")
    command.add_argument("--quiet", action="store_true", help="no progress")
    _data_options(command)


def _recipe_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--epochs", type=int, help="in place of the recipe's")
    command.add_argument("--limit", type=int, metavar="N", help="the first N training images only")
    command.add_argument(
        "--set",
        metavar="SETTING=VALUE",
        action="append",
        default=[],
        help="change a setting of the recipe, as in learning_rate=0.5; may be given again",
    )


def _add_results(choices) -> None:
    command = _command(choices, "reproduce", runs.reproduce, "several seeds, as results")
    command.add_argument("name")
    command.add_argument("--seeds", type=count, default=3, metavar="N", help="how many (default 3)")
    command.add_argument("--first-seed", type=int, default=0, metavar="S", help="start here")
    _jobs_option(command, "processes at a time")
    command.add_argument("--quiet", action="store_true", help="no progress")
    _results_option(command)

    told = "let runs of one recipe vote, drawn in many ways"
    command = _command(choices, "vote", runs.vote, told)
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
    _data_options(command)

    command = _command(choices, "table", runs.table, "the book's figures beside ours")
    command.add_argument("--headlines", action="store_true", help="eight of them, for the README")
    command.add_argument("--write", type=path, metavar="FILE", help="into this document")
    _results_option(command)


def _add_serving(choices) -> None:
    command = _command(choices, "predict", predict.predict, "read the digit in a picture")
    command.add_argument("name")
    command.add_argument("files", nargs="+", type=path, metavar="FILE")
    command.add_argument("--json", action="store_true", help="digits and probabilities as JSON")
    command.add_argument("--all", action="store_true", help="several digits, each with its box")
    command.add_argument("--show", type=path, metavar="DIR", help="write what the network saw")

    command = _command(choices, "export", inference.export, "a SavedModel, ONNX or LiteRT file")
    command.add_argument("name")
    command.add_argument("--format", choices=FORMATS, default="saved_model")
    command.add_argument("--run", type=path, metavar="DIR", help="the run in this folder instead")
    command.add_argument("--version", type=count, metavar="N", help="of a SavedModel")
    command.add_argument("--out", type=path, help="folder (default saved_models)")
    command.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    _data_options(command)

    command = _command(choices, "verify", inference.verify, "do all the exports answer alike?")
    command.add_argument("name")
    command.add_argument("--version", type=count, metavar="N", help="a SavedModel, too")
    command.add_argument("--out", type=path, help="its folder (default saved_models)")
    _data_options(command)


def _add_lab(choices) -> None:
    lab_command = choices.add_parser("lab", help="the book's experiments and figures, live")
    commands = lab_command.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = _command(commands, "list", lab.list_experiments, "the experiments")
    command.add_argument("pattern", nargs="?", default="*", help="as in 'ch3_*'")

    command = _command(commands, "run", lab.run, "run some, print what they found, draw them")
    command.add_argument("names", nargs="+", metavar="NAME", help="or a pattern, as in 'ch3_*'")
    _lab_options(command)

    command = _command(commands, "report", lab.report, "all of them, as one HTML page")
    command.add_argument("pattern", nargs="?", default="*", help="as in 'ch3_*'")
    command.add_argument("--lang", default="en", help="of titles and labels: en (default) or zh")
    _lab_options(command)

    command = _command(commands, "pages", lab.pages, "the neuron, the softmax, the game, to play")
    command.add_argument("--out", type=path, default=Path("runs/lab-pages"), help="folder")
    command.add_argument("--lang", default="en", help="en (default) or zh")

    told = "train, and watch cost and accuracy of any network after every epoch"
    command = _command(commands, "monitor", lab.monitor, told)
    command.add_argument("name")
    _recipe_options(command)
    command.add_argument("--on", choices=["validation", "test"], default="validation")
    command.add_argument("--json", action="store_true", help="print the curves as JSON")
    command.add_argument("--tensorboard", action="store_true", help="write events for TensorBoard")
    command.add_argument("--show", action="store_true", help="a window with the curves, too")
    command.add_argument("--out", type=path, help="folder (default runs/NAME-monitored-seedN)")
    command.add_argument("--quiet", action="store_true", help="no progress")
    _data_options(command)


def _lab_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--fast", action="store_true", help="a smaller form of each")
    command.add_argument("--out", type=path, help="folder (default runs/lab, or runs/lab-fast)")
    command.add_argument("--quiet", action="store_true", help="no progress")


def _jobs_option(command: argparse.ArgumentParser, help: str) -> None:
    command.add_argument("--jobs", type=count, default=1, metavar="K", help=help)


def _results_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=path, default=RESULTS, help=f"default {RESULTS}")


def _command(choices, name: str, run, help: str) -> argparse.ArgumentParser:
    command = choices.add_parser(name, help=help, description=help)
    command.set_defaults(command=run)
    return command


def _data_options(command: argparse.ArgumentParser) -> None:
    told = "mnist, a folder of pictures (a sub-folder a class) or IDX files, .npz, or a TFDS name"
    command.add_argument("--data", type=nonempty, default="mnist", help=told)
    add_picture_options(command)
    command.add_argument(
        "--source", type=path, metavar="DIR", help="folder that holds MNIST's four files already"
    )


def _import(module: str) -> None:
    sys.path.insert(0, str(Path.cwd()))
    try:
        importlib.import_module(module)
    except (ImportError, ValueError, TypeError) as error:  # no such module; no name; `.name`
        raise UnknownNameError(f"--import {module}: {error}") from error

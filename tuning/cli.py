"""The command line, `python -m tuning`: it parses and prints, and leaves the work to the library.

Exit codes are those of `python -m zoo`. TensorFlow is imported by the processes that train, after
everything that can be refused without it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuning.kerastuner.chief import HEARTBEAT_TIMEOUT, await_chief, endpoint
from tuning.options import space_of, spec_of, strategy_of
from tuning.outcome import show
from tuning.report import command as report
from tuning.store.database import check_url
from tuning.store.trials import ENDLESS, Budget
from tuning.strategies.registry import StrategyEntry, count, strategies
from zoo.cli.checks import check_backend
from zoo.cli.command_parser import CommandParser
from zoo.cli.completion import add_completion
from zoo.cli.exit_codes import run_command
from zoo.cli.figures import add_json_option
from zoo.cli.options import (
    add_data_options,
    add_output_options,
    data_words,
    import_module,
    load_images,
    nonempty,
    path,
    seed,
)
from zoo.cli.refusals import open_closed_streams
from zoo.errors import SpecError
from zoo.utils.extras import check_extras
from zoo.utils.tensorflow import be_verbose
from zoo.version import __version__

if TYPE_CHECKING:
    from tuning.kerastuner.chief import Endpoint
    from tuning.progress import SearchProgress
    from tuning.search import Search
    from zoo.data import Data


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    open_closed_streams()
    first = _first_options(arguments)

    def command() -> None:
        check_backend()
        for module in first.modules:  # the strategies that they register are commands, too
            import_module(module)
        options = _parser().parse_args(arguments)
        if getattr(options, "verbose", False):
            be_verbose()
        options.command(options)

    return run_command("tuning", command, debug=first.debug)


def search(options: argparse.Namespace) -> None:
    """Search, show how it goes, and keep the best point."""
    spec, space = spec_of(options), space_of(options.space)
    space.check(spec)
    project = options.project or Path("runs") / f"{options.strategy.name}-{spec.name}"
    say = (lambda text: None) if options.quiet else _say
    place = endpoint()
    if place and options.workers > 1:
        raise SpecError("--workers is for one machine: across machines, start each worker itself")
    storage = check_url(options.storage) if options.storage else ""
    if bool(place) + bool(storage) + bool(options.ray) > 1:
        raise SpecError("keras-tuner's variables, --storage and --ray are ways across machines: "
                        "choose one")  # fmt: skip
    if options.ray:
        check_extras("ray")
        if options.workers > 1:
            raise SpecError("--workers is for one machine: with --ray, the cluster's cores count")
    if place and not place.is_chief:
        options.start_from = None  # the chief has those points, and a worker asks it for all
    strategy = strategy_of(options, spec, space, project, say, storage)
    from tuning.progress import SearchProgress
    from tuning.search import Search
    from zoo.training.fitting import fitted

    batch = 1 if place else options.batch_trials
    found = Search(project, spec, space, strategy, options.executions, options.seed, batch, storage)
    if place and not place.is_chief:
        await_chief(place, options.heartbeat_timeout)
    data = load_images(options)
    if (there := fitted(spec, data)) != spec:
        # Of fewer images or other classes, lambda, reduced problems and sizes are others.
        strategy = strategy_of(options, there, space, project, storage=storage)
        found = replace(found, spec=there, strategy=strategy)
    budget = options.budget
    progress = SearchProgress(_total(found, budget), budget.seconds, quiet=options.quiet)
    _run(options, found, data, progress, place)
    progress.close()
    if not place or place.is_chief:
        show(found, as_json=options.json, images=data_words(options), modules=options.modules)


def _run(
    options: argparse.Namespace,
    found: Search,
    data: Data,
    progress: SearchProgress,
    place: Endpoint | None,
) -> None:
    if place:
        from zoo.utils.tensorflow import import_tensorflow

        import_tensorflow()
        from tuning.kerastuner.tuner import search_across

        timeout = options.heartbeat_timeout
        search_across(found, data, options.budget, timeout, lambda: progress.show(found), _say)
        return
    seconds, most = options.budget.seconds, options.budget.trials
    if options.ray:
        from tuning import ray_cluster

        ray_cluster.run(found, data, options.ray, seconds=seconds, most=most, watch=progress.show)
        return
    from tuning.workers import run

    run(found, data, workers=options.workers, seconds=seconds, most=most, watch=progress.show)


def _say(text: str) -> None:
    print(f"tuning: {text}", file=sys.stderr, flush=True)


def _total(found: Search, budget: Budget) -> int | None:
    known = [total for total in (found.strategy.total, budget.trials) if total is not None]
    return min(known, default=None)


# --- the parser -----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="tuning", description="Search the hyper-parameters of a network of the zoo."
    )
    parser.add_argument("--version", action="version", version=f"tuning {__version__}")
    _add_first(parser)
    choices = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for entry in strategies().values():
        command = choices.add_parser(entry.name, help=entry.help, description=entry.help)
        command.set_defaults(command=search, strategy=entry)
        _add_common(command, entry)
        for option in entry.options:
            option.add_to(command)
    report.add(choices)
    add_completion(choices, parser)
    return parser


def _add_first(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import",
        dest="modules",
        metavar="MODULE",
        action="append",
        default=[],
        help="a module of yours that registers networks or strategies; may be given again",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _add_common(command: argparse.ArgumentParser, entry: StrategyEntry) -> None:
    command.add_argument("name", help="of the network")
    command.add_argument("--space", type=path, metavar="FILE", help="the space, as JSON")
    command.add_argument(
        "--start-from", type=path, metavar="PROJECT",
        help="another search, whose best points are tried first",
    )  # fmt: skip
    command.add_argument("--project", type=path, help="folder (default runs/STRATEGY-NAME)")
    command.add_argument(
        "--budget", type=_budget, default=ENDLESS, metavar="20m",
        help="of training in all; a number without s, m or h is one of trials",
    )  # fmt: skip
    command.add_argument(
        "--storage", metavar="URL",
        help="a PostgreSQL database as the record of the search, for nodes without a common disk",
    )  # fmt: skip
    command.add_argument(
        "--ray", type=nonempty, metavar="ADDRESS", help="a Ray cluster that runs the trials"
    )
    command.add_argument("--executions", type=count, default=1, help="seeds a point")
    command.add_argument("--workers", type=count, default=1, metavar="K", help="processes")
    command.add_argument(
        "--batch-trials", type=count, default=entry.batch_trials, metavar="K",
        help="trials in one program, where the network allows (default %(default)s)",
    )  # fmt: skip
    command.add_argument("--seed", type=seed, default=0, metavar="S", help="default 0")
    command.add_argument("--epochs", type=count, help="in place of the recipe's")
    command.add_argument("--limit", type=count, metavar="N", help="training images")
    command.add_argument("--patience", type=count, metavar="N", help="stop without improvement")
    add_data_options(command)
    command.add_argument(
        "--heartbeat-timeout", type=_seconds, default=HEARTBEAT_TIMEOUT, metavar="20s",
        help="across machines: when a silent worker or chief is presumed dead",
    )  # fmt: skip
    add_output_options(command)
    add_json_option(command, "the best point and all trials as JSON")
    # Names of earlier versions.
    hidden: dict[str, Any] = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
    command.add_argument("--together", type=count, dest="batch_trials", **hidden)
    command.add_argument("--silence", type=_seconds, dest="heartbeat_timeout", **hidden)


def _budget(text: str) -> Budget:
    """A time such as 20m, or a number of trials."""
    if text.isdecimal():
        return Budget(trials=count(text))
    try:
        return Budget(seconds=_seconds(text))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(
            f"must be a time as 90s, 20m or 1.5h, or a number of trials, not {text!r}"
        ) from error


def _seconds(text: str) -> float:
    """A time such as 90s, 20m or 1.5h, in seconds."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smh])", text)
    if not match or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"must be a time as 90s, 20m or 1.5h, not {text!r}")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


# --- before the parser ----------------------------------------------------------------------------


def _first_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What is read before the strategies' own parsers are known."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_first(first)
    return first.parse_known_args(arguments)[0]

"""The command line, `python -m tuning`: it parses and prints, and leaves the work to the library.

Exit codes are those of `python -m zoo`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuning.kerastuner.chief import SILENCE, await_chief, endpoint
from tuning.report import command as report
from tuning.space import Choice, LogUniform, SearchSpace
from tuning.store.trials import ENDLESS, Budget
from tuning.strategies.base import Strategy
from tuning.strategies.broad import Broad
from tuning.strategies.grid import Grid
from tuning.strategies.random import Random
from zoo.errors import SpecError, UnknownNameError, ZooError
from zoo.registry import get_spec
from zoo.spec import ModelSpec
from zoo.utils.tensorflow import import_tensorflow

# Wide enough that a search has something to find: from far too small to far too large.
SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.001, 10.0), l2=LogUniform(0.01, 100.0), batch_size=Choice(5, 10, 20)
)

# Where neither --trials nor a budget is given.
TRIALS = 20

# Trials in one program: benchmarks/vectorized.csv. keras-tuner's strategies learn from each trial
# before the next, and would choose worse.
TOGETHER = {"broad": 8, "grid": 8, "random": 8}

STRATEGIES = {
    "broad": "the book's strategy: from no signal to the full problem, saying why at every step",
    "grid": "every combination",
    "random": "random points",
    "hyperband": "many points for few epochs, the best of them for more (keras-tuner's)",
    "bayesian": "where a model of the trials so far hopes for most (keras-tuner's)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (ZooError, OSError) as error:
        print(f"tuning: {error}", file=sys.stderr)
        return 2 if isinstance(error, SpecError | UnknownNameError) else 1
    except KeyboardInterrupt:
        print("\ntuning: stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


def search(options: argparse.Namespace) -> None:
    """Search, show how it goes, and keep the best point."""
    spec = get_spec(options.name)
    changes = {"epochs": options.epochs, "images": options.limit, "patience": options.patience}
    spec = spec.with_settings(**{name: value for name, value in changes.items() if value})
    space = SearchSpace.from_json(options.space.read_text()) if options.space else SPACE
    project = options.project or Path("runs") / f"{options.strategy}-{spec.name}"
    here = endpoint()
    if here and options.workers > 1:
        raise SpecError("--workers is for one machine: across machines, start each worker itself")
    if here and not here.is_chief:
        await_chief(here, options.silence)
    import_tensorflow()
    from tuning.progress import SearchProgress
    from tuning.search import Search
    from zoo.data import load_data

    data = load_data(options.data, progress=not options.quiet)
    strategy = _strategy(options, spec, space)
    together = 1 if here else options.together
    found = Search(project, spec, space, strategy, options.executions, options.seed, together)
    line = SearchProgress(
        _total(strategy, options.budget), options.budget.seconds, quiet=options.quiet
    )
    _run(options, found, data, line.show, bool(here))
    line.close()
    if not here or here.is_chief:
        _report(found)


def _run(options: argparse.Namespace, found, data, watch, across: bool) -> None:
    if across:
        from tuning.kerastuner.tuner import search_across

        search_across(found, data, options.budget, options.silence, lambda: watch(found), _say)
        return
    from tuning.workers import run

    seconds, most = options.budget.seconds, options.budget.trials
    run(found, data, workers=options.workers, seconds=seconds, most=most, watch=watch)


def _say(text: str) -> None:
    print(f"tuning: {text}", file=sys.stderr, flush=True)


def _total(strategy: Strategy, budget: Budget) -> int | None:
    known = [count for count in (strategy.total, budget.trials) if count is not None]
    return min(known, default=None)


def _report(found) -> None:
    from tuning.store.results import keep_best, table

    print(table(found.trials()))
    best = found.best()
    path = keep_best(found, best)
    print(f"\nbest: trial {best.number}, {best.result['score']:.2%} on the validation images")
    print(f"{path}: python -m zoo train --from {path}")


def _strategy(options: argparse.Namespace, spec: ModelSpec, space: SearchSpace) -> Strategy:
    if options.strategy == "grid":
        return Grid(space, options.steps)
    if options.strategy == "broad":
        return Broad(spec, space, dict(options.start))
    if options.strategy == "hyperband":
        from tuning.strategies.hyperband import Hyperband

        epochs, rounds = spec.recipe.epochs, options.iterations
        return Hyperband(space, epochs, options.factor, rounds, options.seed)
    trials = options.trials or (None if options.budget != ENDLESS else TRIALS)
    if options.strategy == "bayesian":
        from tuning.strategies.bayesian import Bayesian

        return Bayesian(space, trials, options.seed)
    return Random(space, trials, options.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tuning", description="Search the hyper-parameters of a network of the zoo."
    )
    choices = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for strategy, help in STRATEGIES.items():
        command = choices.add_parser(strategy, help=help, description=help)
        command.set_defaults(command=search, strategy=strategy)
        command.add_argument("name", help="of the network")
        command.add_argument("--space", type=Path, metavar="FILE", help="the space, as JSON")
        command.add_argument("--project", type=Path, help="folder (default runs/STRATEGY-NAME)")
        command.add_argument(
            "--budget", type=_budget, default=ENDLESS, metavar="20m",
            help="of training in all; a number without s, m or h is one of trials",
        )  # fmt: skip
        command.add_argument("--executions", type=_count, default=1, help="seeds a point")
        command.add_argument("--workers", type=_count, default=1, metavar="K", help="processes")
        command.add_argument(
            "--together", type=_count, default=TOGETHER.get(strategy, 1), metavar="K",
            help="trials in one program, where the network allows (default %(default)s)",
        )  # fmt: skip
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--epochs", type=_count, help="in place of the recipe's")
        command.add_argument("--limit", type=_count, metavar="N", help="training images")
        command.add_argument(
            "--patience", type=_count, metavar="N", help="stop without improvement"
        )
        command.add_argument("--data", default="mnist", help="as for python -m zoo")
        command.add_argument(
            "--silence", type=_seconds, default=SILENCE, metavar="20s",
            help="across machines: when a worker or the chief is given up",
        )  # fmt: skip
        command.add_argument("--quiet", action="store_true", help="no progress")
        _add_own(strategy, command)
    report.add(choices)
    return parser


def _add_own(strategy: str, command: argparse.ArgumentParser) -> None:
    if strategy == "broad":
        command.add_argument(
            "--start",
            type=_setting,
            action="append",
            default=[],
            metavar="SETTING=VALUE",
            help="default learning_rate=10, l2=1000: hopeless",
        )
    elif strategy == "grid":
        command.add_argument("--steps", type=_count, default=5, help="points of a range")
    elif strategy == "hyperband":
        command.add_argument("--factor", type=_count, default=3, help="of epochs, rung by rung")
        command.add_argument("--iterations", type=_count, default=1, help="of all brackets")
    else:
        told = f"how many points (default {TRIALS}, or what the budget allows)"
        command.add_argument("--trials", type=_count, help=told)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        if equals:
            return name, value
        raise argparse.ArgumentTypeError(f"must be SETTING=VALUE, not {text!r}") from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, not {text!r}")
    return int(text)


def _budget(text: str) -> Budget:
    """A time such as 20m, or a number of trials."""
    if text.isdecimal():
        return Budget(trials=_count(text))
    try:
        return Budget(seconds=_seconds(text))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(
            f"must be a time as 90s, 20m or 1.5h, or a number of trials, not {text!r}"
        ) from error


def _seconds(text: str) -> float:
    """A time such as 90s, 20m or 1.5h, in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not match or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"must be a time as 90s, 20m or 1.5h, not {text!r}")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]

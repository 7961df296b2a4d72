"""Commands of the lab: its experiments, their report, the pages, and the monitors of a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from zoo.cli.figures import add_json_option, print_json
from zoo.cli.options import (
    add_command,
    add_data_options,
    add_recipe_options,
    load_images,
    path,
    settings,
)
from zoo.utils.html_page import check_ours
from zoo.utils.tensorflow import import_tensorflow


def add_lab(choices) -> None:
    """Add the commands of the lab to the command line."""
    lab_command = choices.add_parser("lab", help="the book's experiments and figures, live")
    commands = lab_command.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = add_command(commands, "list", list_experiments, "the experiments")
    command.add_argument("pattern", nargs="?", default="*", help="as in 'ch3_*'")

    command = add_command(commands, "run", run, "run experiments: results, figures")
    command.add_argument("names", nargs="+", metavar="NAME", help="or a pattern, as in 'ch3_*'")
    add_json_option(command)
    _lab_options(command)

    command = add_command(commands, "report", report, "all of them, as one HTML page")
    command.add_argument("pattern", nargs="?", default="*", help="as in 'ch3_*'")
    command.add_argument("--lang", default="en", help="of titles and labels: en (default) or zh")
    _lab_options(command)

    command = add_command(commands, "pages", pages, "write the pages to play with")
    command.add_argument("--out", type=path, default=Path("runs/lab-pages"), help="folder")
    command.add_argument("--lang", default="en", help="en (default) or zh")

    summary = "train, and watch cost and accuracy of any network after every epoch"
    command = add_command(commands, "monitor", monitor, summary)
    command.add_argument("name")
    add_recipe_options(command)
    command.add_argument("--on", choices=["validation", "test"], default="validation")
    command.add_argument("--json", action="store_true", help="print the curves as JSON")
    command.add_argument("--tensorboard", action="store_true", help="write events for TensorBoard")
    command.add_argument("--show", action="store_true", help="a window with the curves, too")
    command.add_argument("--out", type=path, help="folder (default runs/NAME-monitored-seedN)")
    add_data_options(command)


def _lab_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--fast", action="store_true", help="a smaller form of each")
    command.add_argument("--out", type=path, help="folder (default runs/lab, or runs/lab-fast)")


def list_experiments(options: argparse.Namespace) -> None:
    """Print the experiments, with what they show."""
    from zoo.lab import experiments

    for each in experiments(options.pattern):
        print(f"{each.name:28} {each.title}")


def run(options: argparse.Namespace) -> None:
    """Run experiments by name or pattern, and print what they found."""
    from zoo.lab import experiments

    chosen = list(dict.fromkeys(each for name in options.names for each in experiments(name)))
    if options.json:
        print_json([_record(done) for done in _all_done(chosen, options)])
        return
    for done in _all_done(chosen, options):
        print(f"{done.experiment.name}: {done.experiment.title}. {done.result.verdict}")
        for check in done.result.checks:
            book = "" if check.book is None else f", {check.source} {_short(check.book)}"
            differs = "  differs" if check.agrees is False else ""
            print(f"  {check.what}: {_short(check.ours)}{book}{differs}")
        if done.result.remark:
            print(f"  {done.result.remark}")
        print(f"  {done.picture}")


def _record(done) -> dict[str, Any]:
    return {
        "name": done.experiment.name,
        "title": done.experiment.title,
        "verdict": done.result.verdict,
        "checks": [
            {
                "what": check.what,
                "ours": check.ours,
                "book": check.book,
                "source": check.source,
                "agrees": check.agrees,
            }
            for check in done.result.checks
        ],
        "remark": done.result.remark,
        "picture": str(done.picture),
        "seconds": done.seconds,
    }


def report(options: argparse.Namespace) -> None:
    """Run all experiments that have not run yet, and write the page."""
    from zoo.lab import experiments
    from zoo.lab.core.language import translator
    from zoo.lab.core.report import GENERATOR, write_report
    from zoo.lab.core.running import folder_of

    # What can be refused is before anything is measured.
    translator(options.lang)
    page = folder_of(options.out, options.fast) / "index.html"
    check_ours(page, GENERATOR)
    chosen, done = experiments(options.pattern), []
    for each in _all_done(chosen, options):
        done.append(each)
        line = f"[{len(done)}/{len(chosen)}] {each.experiment.name}: {each.result.verdict}"
        print(f"{line}, {each.seconds:.0f} s", file=sys.stderr)
    write_report(done, page, fast=options.fast, language=options.lang)
    print(page)


def pages(options: argparse.Namespace) -> None:
    """Write the interactive pages."""
    from zoo.lab.pages import write_pages

    for page in write_pages(options.out, options.lang):
        print(page)


def monitor(options: argparse.Namespace) -> None:
    """Train a network, and measure cost and accuracy after every epoch."""
    from zoo.registry import get_spec
    from zoo.spec.limits import check_size

    spec = get_spec(options.name).with_settings(**settings(options))
    check_size(spec)
    data = load_images(options)
    import_tensorflow()
    from zoo.lab.core import live, monitoring

    ending = "-test" if options.on == "test" else ""
    out = options.out or Path("runs") / f"{spec.name}-monitored-seed{options.seed}{ending}"
    show = live.window(f"{spec.name}, seed {options.seed}") if options.show else None
    if not options.quiet:
        print(f"the curves as they grow: {out / 'live.html'}", file=sys.stderr)
    run = monitoring.train_monitored(
        spec,
        data,
        out=out,
        seed=options.seed,
        on=options.on,
        tensorboard=options.tensorboard,
        show=show,
        progress=not options.quiet,
    )
    if options.json:
        print_json(run.to_plain())
        return
    print("\t".join(run.rows[0]))
    for row in run.rows:
        print("\t".join(f"{value:g}" for value in row.values()))


def _all_done(chosen, options: argparse.Namespace):
    import_tensorflow()
    from zoo.lab.core.running import run_all

    out: Path | None = options.out
    return run_all(chosen, fast=options.fast, out=out, progress=not options.quiet)


def _short(value: float | str) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)

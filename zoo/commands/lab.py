"""Commands of the lab: list its experiments, run some, report on all, write the pages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from zoo.quiet import import_tensorflow


def list_experiments(options: argparse.Namespace) -> None:
    """Print the experiments, with what they show."""
    from zoo.lab import experiments

    for each in experiments(options.pattern):
        print(f"{each.name:28} {each.title}")


def run(options: argparse.Namespace) -> None:
    """Run experiments by name or pattern, and print what they found."""
    from zoo.lab import experiments

    chosen = [each for pattern in options.names for each in experiments(pattern)]
    for done in _all_done(chosen, options):
        print(f"{done.experiment.name}: {done.experiment.title}. {done.outcome.verdict}")
        for check in done.outcome.checks:
            book = "" if check.book is None else f", the book {_short(check.book)}"
            differs = "  differs" if check.agrees is False else ""
            print(f"  {check.what}: {_short(check.ours)}{book}{differs}")
        if done.outcome.remark:
            print(f"  {done.outcome.remark}")
        print(f"  {done.picture}")


def report(options: argparse.Namespace) -> None:
    """Run all experiments that have not run yet, and write the page."""
    from zoo.lab import experiments
    from zoo.lab.report import write_report

    chosen, done = experiments(options.pattern), []
    for each in _all_done(chosen, options):
        done.append(each)
        told = f"[{len(done)}/{len(chosen)}] {each.experiment.name}: {each.outcome.verdict}"
        print(f"{told}, {each.seconds:.0f} s", file=sys.stderr)
    page = done[0].picture.parent.parent / "index.html"
    write_report(done, page, fast=options.fast)
    print(page)


def pages(options: argparse.Namespace) -> None:
    """Write the interactive pages."""
    from zoo.lab.pages import write_pages

    for path in write_pages(options.out):
        print(path)


def _all_done(chosen, options: argparse.Namespace):
    import_tensorflow()
    from zoo.lab.running import run_all

    out: Path | None = options.out
    return run_all(chosen, fast=options.fast, out=out, progress=not options.quiet)


def _short(value: float | str) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)

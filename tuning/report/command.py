"""The command `python -m tuning report`: it reads a project, and writes what there is to see."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import time

from tuning.report.record import Record, read_record
from tuning.store.results import has_end, keep_best, keep_trials, score_text
from tuning.strategies.registry import count
from zoo.cli.options import path
from zoo.errors import RunError, SpecError
from zoo.utils.tensorflow import import_tensorflow


def add(commands) -> None:
    """Add the command to those of a parser."""
    help = "a page about a search, over or not: its charts, its decisions and its trials"
    command = commands.add_parser("report", help=help, description=help)
    command.set_defaults(command=report)
    command.add_argument(
        "projects", type=path, nargs="+", metavar="PROJECT",
        help="the folder of the search; several are compared on one page",
    )  # fmt: skip
    command.add_argument(
        "--out", type=path, metavar="FILE",
        help="of the page (default PROJECT/report.html; needed for several)",
    )  # fmt: skip
    command.add_argument(
        "--watch", type=count, metavar="SECONDS",
        help="write the page again and again until the search is over or ^C",
    )  # fmt: skip
    command.add_argument(
        "--tensorboard", action="store_true", help="PROJECT/tensorboard, for its HParams, as well"
    )


def report(options: argparse.Namespace) -> None:
    """Write the page, all trials as CSV, the best point, and TensorBoard's files if asked to."""
    if len(options.projects) > 1:
        _compare(options)
        return
    record = read_record(options.projects[0])
    if options.watch:
        record = _watch(record, options)
    from tuning.report.page import write_page

    print(
        f"{write_page(record, options.out or record.project / 'report.html')}: {_summary(record)}"
    )
    try:
        print(keep_trials(record))
        if record.best:
            print(keep_best(record, record.best))
    except OSError as error:
        if not options.out:
            raise
        # The page of a project that may only be read lies elsewhere.
        print(
            f"tuning: trials.csv and best.json are left as they are in {record.project} "
            f"({error.strerror})",
            file=sys.stderr,
        )
    if options.tensorboard:
        import_tensorflow()  # which TensorBoard would import, too, and not quietly
        from tuning.report.events import write_events

        folder = write_events(record)
        print(f"{folder}: tensorboard --logdir {shlex.quote(str(folder))}")


def _compare(options: argparse.Namespace) -> None:
    """Write the page that compares several searches."""
    if not options.out or options.watch or options.tensorboard:
        raise SpecError("several searches are compared on one page: give --out FILE, and no more")
    from tuning.report.comparison import write_comparison

    records = [read_record(project) for project in options.projects]
    print(f"{write_comparison(records, options.out)}: {len(records)} searches")


def _watch(record: Record, options: argparse.Namespace) -> Record:
    """Write the page of a search that runs until no trial is left; the record at the end."""
    from tuning.report.page import write_page

    out = options.out or record.project / "report.html"
    with contextlib.suppress(KeyboardInterrupt):
        while not _over(record):
            path = write_page(record, out, refresh=options.watch)
            print(f"{path}: {_summary(record)}", flush=True)
            time.sleep(options.watch)
            record = read_record(record.project)
    return record


def _over(record: Record) -> bool:
    """Whether all trials have ended, and no more follow: by the strategy, or a spent budget."""
    if not record.all or not all(trial.result for trial in record.all):
        return False
    # `python -m tuning` notes its end, as with a spent budget, and drops the note to go on.
    if record.strategy is None or has_end(record):
        return True
    with contextlib.suppress(RunError):  # where a package is missing that it suggests with
        return record.strategy.suggest(record.all) is None
    return False


def _summary(record: Record) -> str:
    if not record.all:
        return "no trial has begun yet"
    count = len(record.ended)
    message = f"{count} trial{'' if count == 1 else 's'} ended"
    best = record.best
    return f"{message}, the best is {best.number}, {score_text(best)}" if best else message

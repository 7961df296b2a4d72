"""The command `python -m tuning report`: it reads a project, and writes what there is to see."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from pathlib import Path

from tuning.report.record import Record, read_record
from tuning.store.results import score_text
from tuning.strategies.registry import count
from tuning.trial import Trial
from zoo.cli.options import path
from zoo.errors import SpecError
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
    from tuning.store.results import keep_trials

    print(
        f"{write_page(record, options.out or record.project / 'report.html')}: {_summary(record)}"
    )
    print(keep_trials(record))
    if record.best:
        print(_keep_best(record, record.best))
    if options.tensorboard:
        import_tensorflow()  # which TensorBoard would import, too, and not quietly
        from tuning.report.events import write_events

        folder = write_events(record)
        print(f"{folder}: tensorboard --logdir {folder}")


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
    if record.strategy is None or record.strategy.suggest(record.all) is None:
        return True
    # `python -m tuning` writes the table when its budget is spent, after the last event.
    table, journal = (record.project / name for name in ("trials.csv", "journal.jsonl"))
    with contextlib.suppress(OSError):
        return table.stat().st_mtime_ns >= journal.stat().st_mtime_ns
    return False


def _summary(record: Record) -> str:
    if not record.all:
        return "no trial has begun yet"
    count = len(record.ended)
    message = f"{count} trial{'' if count == 1 else 's'} ended"
    best = record.best
    return f"{message}, the best is {best.number}, {score_text(best)}" if best else message


def _keep_best(record: Record, best: Trial) -> Path:
    """The file of the best point; one that is damaged, or of another trial, is written again."""
    from tuning.store.results import keep_best

    path = record.project / "best.json"
    with contextlib.suppress(FileNotFoundError, ValueError, RecursionError):
        there = json.loads(path.read_bytes())
        if isinstance(there, dict) and there.get("trial") == best.number:
            return path
    return keep_best(record, best)

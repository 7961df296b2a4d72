"""The trials of a search as TensorBoard's event files, for its HParams and its curves."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuning.report.record import Record
from tuning.space import Choice, Integer, Range
from tuning.store.results import as_cell
from tuning.trial import Execution, Trial
from zoo.errors import RunError
from zoo.utils.atomic import atomic_directory
from zoo.utils.extras import naming_extras

ACCURACY, COST = "validation accuracy", "training cost"

# In a folder of ours, the names of the files that we wrote there.
MARKER = ".written-by-report.json"


def write_events(record: Record) -> Path:
    """Write PROJECT/tensorboard anew: the space, and a run an execution; return the folder.

    Values that are neither numbers nor words, which HParams cannot hold, become words.

    Raises:
        RunError: TensorBoard is not installed, or there is something in the folder that no report
            wrote.
    """
    with naming_extras():
        from tensorboard.plugins.hparams import api
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder = record.project / "tensorboard"
    with _renewed(folder) as temporary:
        writer = EventFileWriter(str(temporary))
        settings = [_setting(api, name, kind) for name, kind in record.space.ranges]
        metrics = [api.Metric(tag, display_name=tag) for tag in (ACCURACY, COST)]
        _add(writer, api.hparams_config_pb(settings, metrics), 0.0)
        writer.close()
        for trial in record.ended:
            for execution in trial.executions:
                name = f"trial{trial.number:04}-seed{execution.seed}"
                writer = EventFileWriter(str(temporary / name))
                _write_run(api, writer, trial, execution, record.began.get(trial.number, 0.0))
                writer.close()
    return folder


@contextlib.contextmanager
def _renewed(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside one of ours, and put it in its place if the block succeeds."""
    _check_ours(folder)
    old = None
    try:
        with atomic_directory(folder) as temporary:
            yield temporary
            names = [str(path.relative_to(temporary)) for path in _files(temporary)]
            (temporary / MARKER).write_text(json.dumps(names) + "\n", encoding="utf-8")
            _check_ours(folder)
            if folder.exists():
                old = folder.rename(temporary.with_name(f"{temporary.name}.old"))
    finally:
        if old and folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        elif old:
            old.rename(folder)


def _check_ours(folder: Path) -> None:
    """RunError where a folder holds a file that no report wrote there."""
    if not folder.exists() and not folder.is_symlink():
        return
    try:
        ours = {MARKER, *json.loads((folder / MARKER).read_bytes())}
    except (OSError, ValueError, TypeError):
        ours = set()
    there = _files(folder) if folder.is_dir() and not folder.is_symlink() else [folder]
    for path in there:
        if path == folder or str(path.relative_to(folder)) not in ours:
            raise RunError(
                f"{path} was not written by a report, which would replace all of {folder}: move it "
                "to another place, or delete it"
            )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _write_run(api: Any, writer: Any, trial: Trial, execution: Execution, began: float) -> None:
    """One execution: its values, its curves, and how it ended."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, summary

    values = {name: as_cell(value) for name, value in trial.values.items()}
    _add(writer, api.hparams_pb(values, trial_id=f"trial {trial.number}"), began)
    moment = began
    for epoch, (accuracy, cost) in enumerate(zip(execution.curve, execution.costs, strict=True), 1):
        moment = began + epoch * execution.seconds_an_epoch
        for tag, value in ((ACCURACY, accuracy), (COST, cost)):
            if value is not None:
                point = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
                _add(writer, point, moment, epoch)
    status = api_pb2.STATUS_FAILURE if execution.diverged else api_pb2.STATUS_SUCCESS
    _add(writer, summary.session_end_pb(status, end_time_secs=moment), moment)


def _setting(api: Any, name: str, kind: Range) -> Any:
    """A setting as HParams tells of it; what was tried may lie outside of it."""
    if not isinstance(kind, Choice):
        interval = api.IntInterval if isinstance(kind, Integer) else api.RealInterval
        number = int if isinstance(kind, Integer) else float
        return api.HParam(name, interval(number(kind.low), number(kind.high)))
    held = [as_cell(value) for value in kind.values]
    # One choice is of one type there: numbers where all are, and words otherwise.
    alike = len({type(value) for value in held}) == 1
    return api.HParam(name, api.Discrete(held if alike else [str(value) for value in held]))


def _add(writer: Any, summary: Any, moment: float, step: int = 0) -> None:
    from tensorboard.compat.proto.event_pb2 import Event

    # TensorBoard makes some messages of its own classes and some of TensorFlow's: the bytes agree.
    event = Event(wall_time=moment, step=step)
    event.summary.ParseFromString(summary.SerializeToString())
    writer.add_event(event)

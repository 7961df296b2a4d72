"""Boundaries of what the project keeps of its own work: searches, runs, the lab's results."""

from __future__ import annotations

import gzip
import json
from argparse import Namespace
from pathlib import Path

import numpy as np

from tests.campaigns.boundaries import Boundary, _entry, _idx, _photo, _read_idx, _read_photo
from tests.campaigns.mutations import mutated_json, mutated_line

ROWS = [{"epoch": n, "seconds": 0.5, "loss": 0.3, "val_accuracy": 0.9} for n in (1, 2)]


def _space_json() -> bytes:
    ranges = {"learning_rate": {"log_uniform": [0.01, 1]}, "momentum": {"uniform": [0, 0.9]}}
    return json.dumps({**ranges, "l2": {"choice": [0.0, 5.0]}, "units": {"whole": [2, 9]}}).encode()


def _read_space(path: Path) -> object:
    from tuning.options import space_of

    return space_of(path).to_json()


def _journal() -> bytes:
    from tuning.fidelity import Fidelity
    from tuning.store.events import ended_event, started_event
    from tuning.trial import Execution, Trial, TrialResult

    events = []
    for number in range(4):
        whole = Execution(0, 0.9, 2, 2, False, 1.5, (0.8, 0.9), (0.4, 0.3), 0.75)
        trial = Trial(number, {"learning_rate": 0.1, "l2": 5.0}, None, Fidelity(until=2))
        events += [started_event(trial), ended_event(number, TrialResult(0.9, (whole,), 1.5))]
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def _search_json() -> bytes:
    from tuning.store.identity import SearchIdentity

    space = {"learning_rate": {"log_uniform": [0.01, 1]}, "l2": {"choice": [0.0, 5.0]}}
    strategy = {"kind": "random", "trials": 4, "seed": 0}
    identity = SearchIdentity("mlp30", _entry()["spec"], space, 1, 0, strategy, "data")
    return json.dumps(identity.to_plain()).encode()


def _read_search(path: Path) -> object:
    from tuning.report.page import page
    from tuning.report.record import read_record

    others = {"search.json": _search_json(), "journal.jsonl": _journal()}
    for name in others.keys() - {path.name}:
        if not (path.parent / name).exists():
            (path.parent / name).write_bytes(others[name])
    return page(read_record(path.parent))


def _best_json() -> bytes:
    return json.dumps({"spec": _entry()["spec"], "values": {}, "score": 0.9, "trial": 1}).encode()


def _read_best(path: Path) -> object:
    from zoo.cli.runs import _asked_for

    return _asked_for(Namespace(name=None, best=path)).hash


def _checkpoint() -> bytes:
    return json.dumps(
        {"spec_hash": "0" * 64, "seed": 0, "data": "x", "rows": ROWS, "best_epoch": 1, "start": ""}
    ).encode()


def _read_checkpoint(path: Path) -> object:
    from zoo.training.run_record import read_checkpoint

    return read_checkpoint(path.read_text(errors="replace"), path)


def _history() -> bytes:
    lines = [",".join(ROWS[0]), *(",".join(map(str, row.values())) for row in ROWS)]
    return "\r\n".join(lines).encode()


def _read_history(path: Path) -> object:
    from zoo.training.run_record import read_history

    return read_history(path)


def _network2() -> bytes:
    weights = [np.full((3, 784), 0.5).tolist(), np.full((2, 3), 0.5).tolist()]
    biases = [np.zeros((3, 1)).tolist(), np.zeros((2, 1)).tolist()]
    plain = {"sizes": [784, 3, 2], "weights": weights, "biases": biases, "cost": "QuadraticCost"}
    return json.dumps(plain).encode()


def _read_network2(path: Path) -> object:
    from zoo.book import network2

    return network2.load(path)


def _outcome() -> bytes:
    from zoo.lab.core.experiment import Result, check_expected

    outcome = Result({"curve": [1, 2]}, [check_expected("a", 1.0, 1.0, 0.1)]).to_plain()
    plain = {"experiment": "x", "code": "x", "fast": False, "seconds": 1.0, "outcome": outcome}
    plain["origin"] = {"date": "2026-11-28", "processor": "x", "versions": "keras 3"}
    return json.dumps(plain).encode()


def _read_result(path: Path) -> object:
    from zoo.lab.core.running import read_result

    return read_result(path)


_MEASURED = {"on": "test", "spec_hash": "ab", "seed": 1, "data": "cd"}


def _monitors() -> bytes:
    lines = (_MEASURED, *({"epoch": n, "cost": 0.5} for n in (1, 2, 3)))
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _read_monitors(path: Path) -> object:
    from zoo.lab.core.monitoring import _read

    return _read(path.parent, _MEASURED)


def _image_set() -> bytes:
    labels = {name: [0, 1] for name in ("train", "validation", "test")}
    plain = {"version": 1, "name": "set", "shape": [2, 2, 1], "labels": labels}
    return json.dumps({**plain, "class_names": ["a", "b"], "skipped": []}).encode()


def _read_image_set(path: Path) -> object:
    from zoo.data.storage import stored

    (path.parent / "images.bin").write_bytes(bytes(24))
    return stored(path.parent.parent, path.parent.name)


STATE = {
    "space": Boundary("space.json", _space_json, _read_space, mutated_json),
    "journal": Boundary("journal.jsonl", _journal, _read_search, mutated_line),
    "search.json": Boundary("search.json", _search_json, _read_search, mutated_json),
    "best.json": Boundary("best.json", _best_json, _read_best, mutated_json),
    "checkpoint": Boundary("checkpoint.safetensors", _checkpoint, _read_checkpoint, mutated_json),
    "history.csv": Boundary("history.csv", _history, _read_history),
    "network2": Boundary("net.json", _network2, _read_network2, mutated_json),
    "outcome.json": Boundary("outcome.json", _outcome, _read_result, mutated_json),
    "monitors": Boundary("monitors.jsonl", _monitors, _read_monitors, mutated_line),
    "image set": Boundary("set.json", _image_set, _read_image_set, mutated_json),
    "IDX, gzipped": Boundary(
        "images-idx3-ubyte.gz", lambda: gzip.compress(_idx(), 1, mtime=0), _read_idx
    ),
    "WebP": Boundary("digit.webp", lambda: _photo("WEBP"), _read_photo),
    "TIFF": Boundary("digit.tiff", lambda: _photo("TIFF"), _read_photo),
    "GIF": Boundary("digit.gif", lambda: _photo("GIF"), _read_photo),
    "BMP": Boundary("digit.bmp", lambda: _photo("BMP"), _read_photo),
}

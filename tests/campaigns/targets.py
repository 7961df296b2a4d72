"""What is killed: commands, the files that must be whole at any moment, and what must come out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.paths import ROOT

Role = Callable[[Path, Path], Any]


def _nothing(*_: Path) -> Any:
    return None


@dataclass(frozen=True)
class Target:
    """Commands that run at once in a folder of their own.

    Attributes:
        roles: Each is called in a process of its own, with its folder and what is shared.
        fault: What is wrong with the files after a kill; nothing where all are whole.
        result: What must be the same with and without kills; it raises where something is missing.
        share: Makes what all the runs read.
        variables: Of the environment, a mapping a role.
        times: How often the commands are killed, at most, before they go on to the end.
        finished_before: What a command says that had finished when it was killed.
        warm: Whether TensorFlow is imported before the commands are forked.
        weight: Its share of a campaign's time.
    """

    roles: tuple[Role, ...]
    fault: Callable[[Path], str]
    result: Callable[[Path], Any]
    share: Callable[[Path], Any] = _nothing
    variables: Callable[[Path, Path], list[dict[str, str]]] = lambda *_: [{}] * 9
    times: int = 1
    finished_before: tuple[str, ...] = ()
    warm: bool = True
    weight: float = 1


def _zoo(*call: str) -> Role:
    def run(place: Path, shared: Path) -> int:
        from zoo.cli.main import main

        return main([part.format(shared=shared) for part in call])

    return run


def _tuning(*call: str) -> Role:
    def run(place: Path, shared: Path) -> int:
        from tuning.cli import main

        return main([part.format(shared=shared) for part in call])

    return run


def _bars(shared: Path) -> None:
    """Made-up digits as a folder of four IDX files."""
    import numpy as np

    from tests.conftest import _bars as made_up
    from zoo.data.idx import to_idx
    from zoo.data.mnist_files import SHA256

    train, test = made_up(720, 0), made_up(120, 1)
    arrays = [train.images[..., 0], train.labels, test.images[..., 0], test.labels]
    (shared / "bars").mkdir()
    for name, array in zip(SHA256, arrays, strict=True):
        (shared / "bars" / name).write_bytes(to_idx(array.astype(np.uint8)))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- training -------------------------------------------------------------------------------------


def _run_fault(folder: Path) -> str:
    """Whether every file of a run that is there can be read."""
    from zoo.errors import ZooError
    from zoo.training import weights
    from zoo.training.run_record import read_checkpoint, read_history, read_run

    try:
        for path in (folder / "checkpoint.safetensors", folder / "weights.safetensors"):
            if path.exists():
                metadata = weights.read(path)[1]
                if path.name.startswith("checkpoint"):
                    read_checkpoint(metadata.get("run"), path)
        if (folder / "history.csv").exists():
            read_history(folder / "history.csv")
        if (folder / "run.json").exists():
            read_run(folder / "run.json")
            if not (folder / "weights.safetensors").exists():
                return "run.json without its weights"
    except (ZooError, OSError) as error:
        return str(error)
    return ""


def _run_result(folder: Path) -> Any:
    from zoo.training import weights
    from zoo.training.run_record import read_run

    tensors, _ = weights.read(folder / "weights.safetensors")
    rows = [{**row, "seconds": 0} for row in read_run(folder / "run.json").history]
    return {name: array.tobytes() for name, array in tensors.items()}, rows


TRAIN = ("train", "linear", "--limit", "300", "--epochs", "4", "--data", "{shared}/bars")
TRAINED = Target(
    (_zoo(*TRAIN, "--quiet", "--out", "run"),),
    lambda place: _run_fault(place / "run"),
    lambda place: _run_result(place / "run"),
    _bars,
    times=8,
    weight=6,
)


# --- reproduction and publishing ------------------------------------------------------------------

MODULE = """
from dataclasses import replace
import zoo
spec = zoo.get_spec("linear").with_settings(epochs=2, images=300)
zoo.register(replace(spec, name="campaign", claim=None))
"""


def _results(place: Path) -> list[tuple]:
    from zoo.reproduction.results import read

    rows = read(place / "results.csv")
    return [(row.seed, row.validation, row.test, row.best_epoch) for row in rows]


def _campaign_network(place: Path, *call: str) -> int:
    """A command about a small network of a module in its folder."""
    from zoo.cli.main import main

    (place / "campaign_network.py").write_text(MODULE)
    return main(["--import", "campaign_network", *call])


def _reproduce(place: Path, shared: Path) -> int:
    call = ("reproduce", "campaign", "--seeds", "2", "--quiet", "--results", "results.csv")
    return _campaign_network(place, *call)


def _reproduction_fault(place: Path) -> str:
    if (place / "results.csv").exists():
        _results(place)
    faults = [_run_fault(run) for run in place.glob("runs/*")]
    return next(filter(None, faults), "")


def _runs(shared: Path) -> None:
    """A finished run to publish."""
    _bars(shared)
    call = ("train", "campaign", "--quiet", "--data", "bars", "--out", "runs/campaign-seed0")
    assert _campaign_network(shared, *call) == 0


def _in_child(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """What is made by TensorFlow is made in a process of its own: after it, forks would hang."""

    def share(shared: Path) -> None:
        process = os.fork()
        if not process:
            try:
                os.chdir(shared)
                os.dup2(os.open("log.txt", os.O_WRONLY | os.O_CREAT), 1)
                make(shared)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(process, 0)[1] == 0

    return share


def _publish(place: Path, shared: Path) -> int:
    home = place / "home" / "saved_models"
    if not home.exists():
        shutil.copytree(ROOT / "saved_models" / "linear", home / "linear")
        shutil.copy(ROOT / "saved_models" / "manifest.json", home)
    call = ("publish", "campaign", "--runs", f"{shared}/runs", "--data", f"{shared}/bars")
    return _campaign_network(place, *call)


def _published(place: Path) -> Any:
    entries = _json(place / "home/saved_models/manifest.json")
    return len(entries), entries["campaign"]["sha256"]


def _published_fault(place: Path) -> str:
    path = place / "home/saved_models/manifest.json"
    return "" if not path.exists() or _json(path) else "an empty manifest"


# --- exports, data, the lab, pages, tables --------------------------------------------------------


def _export(format: str, file: str) -> Target:
    def result(place: Path) -> Any:
        metadata = _json(place / f"mlp30/{file}.json")
        return metadata["spec_hash"], metadata["sha256"] == _sha256(place / f"mlp30/{file}")

    def fault(place: Path) -> str:
        there = (place / f"mlp30/{file}").exists()
        return "a model without its metadata" if there and not all(result(place)) else ""

    command = _zoo("export", "mlp30", "--format", format, "--out", ".")
    return Target((command,), fault, result, finished_before=("exists already",), weight=2)


def _saved_model(place: Path) -> Any:
    folder = place / "mlp30/1"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return _json(folder / "metadata.json")["spec_hash"], files


def _saved_model_fault(place: Path) -> str:
    needed = {"saved_model.pb", "metadata.json", "variables/variables.index"}
    there = (place / "mlp30/1").exists()
    return "a part is missing" if there and not needed <= _saved_model(place)[1] else ""


def _mnist_fault(place: Path) -> str:
    from zoo.data.mnist_files import SHA256

    prepared = place / "data/book_mnist_files/1.0.0"
    bad = [path.name for path in prepared.glob("[!.]*") if _sha256(path) != SHA256[path.name]]
    return f"{bad[0]} is not whole" if bad else ""


def _share_mnist(shared: Path) -> None:
    from zoo.data.sources import mnist_files

    for name, raw in mnist_files(progress=False).items():
        (shared / name).write_bytes(raw)


def _share_pictures(shared: Path) -> None:
    import numpy as np
    from PIL import Image

    generator = np.random.default_rng(0)
    for label in "abc":
        (shared / "pictures" / label).mkdir(parents=True)
        for number in range(80):
            pixels = generator.integers(0, 255, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(shared / "pictures" / label / f"{number}.png")


def _sets(place: Path) -> Any:
    from zoo.data.storage import stored

    (folder,) = (place / "cache").glob("[!.]*")
    data = stored(place / "cache", folder.name)
    return data.fingerprint, data.class_names


def _sets_fault(place: Path) -> str:
    return "a set that is not whole" if list(place.glob("cache/[!.]*")) and not _sets(place) else ""


def _lab(place: Path) -> Any:
    from zoo.lab.core.running import read_result

    found = {path.parent.name: read_result(path) for path in place.glob("lab/*/outcome.json")}
    pictures = sorted(path.parent.name for path in place.glob("lab/*/figure.png"))
    return {name: outcome[3] for name, outcome in found.items()}, pictures


def _lab_fault(place: Path) -> str:
    outcomes, pictures = _lab(place)
    return "a result without its picture" if not set(outcomes) <= set(pictures) else ""


# The first is in the index itself.
DRAWN = ("mlp30", "linear", "mlp30x2")


def _page(place: Path) -> Any:
    return {path.name: _sha256(path) for path in (place / "page").glob("[!.]*")}


def _page_fault(place: Path) -> str:
    whole = {"index.html", "digits.js", *(f"{name}.js" for name in DRAWN[1:])}
    there = set(_page(place)) if (place / "page/index.html").exists() else whole
    return "" if whole <= there else f"a page without {whole - there}"


DOCUMENT = "before\n<!-- results: written by `make table` -->\n<!-- end of results -->\nafter\n"


def _table(place: Path, shared: Path) -> int:
    if not (place / "table.md").exists():
        (place / "table.md").write_text(DOCUMENT)
    results = str(ROOT / "benchmarks/results.csv")
    return _zoo("table", "--results", results, "--write", "table.md")(place, shared)


def _table_fault(place: Path) -> str:
    path = place / "table.md"
    text = path.read_text() if path.exists() else ""
    return "" if not text or text.endswith("<!-- end of results -->\nafter\n") else text[-60:]


# --- searches -------------------------------------------------------------------------------------


def _trials(project: Path) -> Any:
    """Trials by their values, with what came of them: their order is that in which they began."""
    from tuning.report.record import read_record

    trials = read_record(project).all
    assert all(trial.result for trial in trials), "a trial has not ended"
    return sorted(
        (sorted(trial.values.items()), [execution.curve for execution in trial.executions])
        for trial in trials
    )


def _search_fault(project: Path) -> str:
    from tuning.report.record import read_record
    from zoo.errors import ZooError

    try:
        if (project / "search.json").exists():
            read_record(project)
        if (project / "best.json").exists():
            _json(project / "best.json")
    except (ZooError, ValueError) as error:
        return str(error)
    runs = project.glob("trials/*/seed*")
    return next(filter(None, map(_run_fault, runs)), "")


def _work(place: Path, shared: Path) -> int:
    from tests.conftest import _bars as made_up
    from tests.tuning.test_search import search
    from zoo.data import Data

    search(place).work(Data("bars", made_up(300, 0), made_up(300, 1), made_up(300, 2)))
    return 0


SEARCH = ("random", "linear", "--trials", "3", "--epochs", "2", "--limit", "300", "--quiet")
SEARCH += ("--space", "{shared}/space.json", "--data", "{shared}/bars", "--project", "search")


def _share_search(shared: Path) -> None:
    _bars(shared)
    (shared / "space.json").write_text('{"learning_rate": {"log_uniform": [0.01, 1]}}')


def _whole_search(place: Path) -> Any:
    rows = (place / "search/trials.csv").read_text().splitlines()
    return _trials(place / "search"), len(rows), _json(place / "search/best.json")["values"]


def _chief(place: Path, shared: Path) -> list[dict[str, str]]:
    from tuning.kerastuner.chief import VARIABLES

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    names = ("chief", "worker1", "worker2")
    return [dict(zip(VARIABLES, (name, "127.0.0.1", port), strict=True)) for name in names]


# Long enough for a chief that imports TensorFlow while other campaigns run.
_ACROSS = _tuning(*SEARCH, "--heartbeat-timeout", "60s")

TARGETS = {
    "train": TRAINED,
    "reproduce": Target((_reproduce,), _reproduction_fault, _results, times=6, weight=4),
    "publish": Target(
        (_publish,), _published_fault, _published, _in_child(_runs),
        lambda place, _: [{"ZOO_HOME": str(place / "home")}], times=4, weight=2,
    ),
    "export SavedModel": Target(
        (_zoo("export", "mlp30", "--version", "1", "--out", "."),), _saved_model_fault,
        _saved_model, finished_before=("exists already",), weight=2,
    ),
    "export ONNX": _export("onnx", "mlp30.onnx"),
    "export LiteRT": _export("litert", "mlp30.tflite"),
    "data, MNIST": Target(
        (_zoo("data", "--source", "{shared}"),), _mnist_fault,
        lambda place: len(list((place / "data/book_mnist_files/1.0.0").iterdir())),
        _share_mnist, lambda place, _: [{"TFDS_DATA_DIR": str(place / "data")}], times=4,
        warm=False, weight=2,
    ),
    "data, pictures": Target(
        (_zoo("data", "--data", "{shared}/pictures", "--cache", "cache"),), _sets_fault, _sets,
        _share_pictures, times=4, warm=False, weight=2,
    ),
    "lab": Target(
        (_zoo("lab", "run", "ch4_bump", "ch4_step_1d", "--out", "lab", "--quiet"),), _lab_fault,
        _lab, times=4, weight=2,
    ),
    "draw": Target(
        (_zoo("draw", *DRAWN, "--static", "page"),), _page_fault, _page, warm=False, weight=2,
    ),
    "table": Target(
        (_table,), _table_fault, lambda place: _sha256(place / "table.md"), times=8, warm=False,
        weight=2,
    ),
    "search, two processes": Target(
        (_work, _work), lambda place: _search_fault(place / "search"),
        lambda place: _trials(place / "search"), times=4, weight=6,
    ),
    "search, two mains": Target(
        (_tuning(*SEARCH), _tuning(*SEARCH)), lambda place: _search_fault(place / "search"),
        _whole_search, _share_search, weight=6,
    ),
    "search, workers": Target(
        (_tuning(*SEARCH, "--workers", "2"),), lambda place: _search_fault(place / "search"),
        _whole_search, _share_search, times=2, weight=6,
    ),
    "search, chief and workers": Target(
        (_ACROSS,) * 3, lambda place: _search_fault(place / "search"), _whole_search,
        _share_search, _chief, weight=6,
    ),
}  # fmt: skip

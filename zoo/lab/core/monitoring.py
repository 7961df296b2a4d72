"""The instruments of network2.py for any network: cost and accuracy, after every epoch.

    from zoo import lab
    watched = lab.train_monitored("mlp30", out="runs/watched")
    watched.curves["evaluation cost"]

Four curves as there: on the training images and on those for evaluation. `live.html` shows them as
they grow, in any browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError, SpecError
from zoo.lab.core import live
from zoo.utils.atomic import atomic_write
from zoo.utils.extras import check_extras
from zoo.utils.html_page import check_ours
from zoo.utils.regular import readable

if TYPE_CHECKING:
    import keras

    from zoo.data import Data, Split
    from zoo.spec import NetworkSpec
    from zoo.training.job import TrainResult

Row = dict[str, float]


def cost_and_accuracy(model: keras.Model, split: Split, images: int) -> tuple[float, float]:
    """A network's cost and its accuracy on a split, as network2.py monitors them.

    Keras' cost has lambda / 2n with n = `images`. The `total_cost` of network2.py divides lambda by
    the number of images it is measured on instead.

    Args:
        model: A compiled model of the zoo.
        split: The images to measure on.
        images: The number of images the network was trained on.

    Returns:
        The mean cost per image, and the accuracy in per cent.
    """
    from zoo.evaluation.scores import EVALUATION_BATCH

    metrics = model.evaluate(
        split.images, split.labels, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True
    )
    penalty = float(sum(model.losses))
    cost = float(metrics["loss"]) + penalty * (images / len(split) - 1)
    return cost, 100 * float(metrics["accuracy"])


def monitor(
    splits: Mapping[str, Split], images: int, tell: Callable[[Row], Any]
) -> keras.callbacks.Callback:
    """A Keras callback that measures each split after every epoch.

    Args:
        splits: What to measure on, by name.
        images: The number of images the network is trained on.
        tell: Given each row: the epoch, from 0 as in the book, and '<split> cost' and
            '<split> accuracy', in per cent.
    """
    import keras

    class Monitor(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            row: Row = {"epoch": epoch}
            for name, split in splits.items():
                cost, accuracy = cost_and_accuracy(self.model, split, images)
                row[f"{name} cost"] = round(cost, 6)
                row[f"{name} accuracy"] = round(accuracy, 2)
            tell(row)

    return Monitor()


@dataclass(frozen=True)
class MonitoredRun:
    """A run under the instruments: what training returned, and a row an epoch."""

    result: TrainResult
    rows: tuple[Row, ...]
    folder: Path

    @property
    def curves(self) -> dict[str, list[float]]:
        """By name of the monitor, and the epochs."""
        return {name: [row[name] for row in self.rows] for name in self.rows[0]}

    def to_plain(self) -> dict[str, Any]:
        """For JSON: the network, its seed, its settings and the curves."""
        spec = self.result.spec
        record = {"network": spec.name, "seed": self.result.seed}
        record["recipe"] = spec.to_plain()["recipe"]
        return record | {name.replace(" ", "_"): curve for name, curve in self.curves.items()}


def train_monitored(
    network: str | NetworkSpec,
    data: Data | None = None,
    *,
    out: str | Path,
    seed: int = 0,
    on: str = "validation",
    tensorboard: bool = False,
    show: Callable[[list[Row]], Any] | None = None,
    progress: bool = True,
) -> MonitoredRun:
    """Train a network with all four monitors of network2.py, into a folder of its own.

    Beside what `zoo.train` keeps there, `monitors.jsonl` has a line that says what is measured and
    a row an epoch, and `live.html` the curves, drawn anew after each epoch. The same call resumes
    an interrupted run.

    Args:
        network: A name or a declaration.
        data: The book's MNIST unless given.
        out: The folder.
        seed: As for `zoo.train`.
        on: 'validation' or 'test', the images of two of the monitors; the network is trained and
            its best epoch chosen alike with either.
        tensorboard: Whether to add an event file that TensorBoard reads.
        show: Given all rows after each epoch.
        progress: Whether to show how far it is.

    Raises:
        SpecError: The network is an ensemble, whose members train on their own; or `on` is neither
            of the two.
        RunError: The folder holds another run, one that was not watched, or one that was watched on
            other images.
    """
    import zoo

    if on not in ("validation", "test"):
        raise SpecError(f"on must be 'validation' or 'test', not {on!r}")
    spec, folder = zoo.get_spec(network), Path(out)
    if spec.members:
        raise SpecError(f"{spec.name} is a vote and has no epochs of its own: watch a member")
    data = data or zoo.load_data(progress=progress)
    training = training_images(spec, data)
    splits = {"training": training, "evaluation": getattr(data, on)}
    title = f"{spec.name}, seed {seed}, evaluated on the {on} images"
    measured = {"on": on, "spec_hash": spec.hash, "seed": seed, "data": data.fingerprint}
    known = _read(folder, measured)

    with ExitStack() as stack:
        scalars = _scalars(stack, folder / "tensorboard") if tensorboard else None

        def tell(row: Row) -> None:
            known[row["epoch"]] = row
            rows = _write(folder, measured, known)
            live.write_page(folder / "live.html", rows, title, spec.recipe.epochs)
            if scalars:
                scalars(row)
            if show:
                show(rows)

        callbacks = [monitor(splits, len(training), tell)]
        options = {"seed": seed, "callbacks": callbacks, "out": folder, "progress": progress}
        result = zoo.train(spec, data, **options)
    _check_watched(folder, known, len(result.history))
    rows = [known[epoch] for epoch in sorted(known)]
    live.write_page(folder / "live.html", rows, title)
    return MonitoredRun(result, tuple(rows), folder)


def _check_watched(folder: Path, known: Mapping[float, Row], epochs: int) -> None:
    if missed := set(range(epochs)) - known.keys():
        raise RunError(
            f"{folder} holds a run whose epoch {min(missed)} nothing watched: choose another folder"
        )


def training_images(spec: NetworkSpec, data: Data) -> Split:
    """The images that a network is trained on: as many as its recipe says, expanded if it does.

    Args:
        spec: Its recipe says how many images are taken, and whether they are expanded first.
        data: Its training images are used.
    """
    from zoo.data.expand import expand

    split = expand(data.train) if spec.recipe.expanded else data.train
    return split.take(min(spec.recipe.images, len(split)))


def _read(folder: Path, measured: Mapping[str, Any]) -> dict[float, Row]:
    """The rows by epoch; RunError where they are of something else than `measured` says.

    Nor is a page of the reader's own replaced by that of the run.
    """
    check_ours(folder / "live.html", live.GENERATOR)
    path = folder / "monitors.jsonl"
    lines = readable(path).read_bytes().splitlines() if path.exists() else []
    known = {}
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if number == 1 and "epoch" not in row:  # files of older versions begin with a row
                if row == measured:
                    continue
                other = ", ".join(name for name in measured if row.get(name) != measured[name])
                raise RunError(
                    f"{path} was measured with another {other}: choose another folder, or delete it"
                )
            if not all(isinstance(value, int | float) for value in row.values()):
                raise ValueError("a value that is no number")
            known[row["epoch"]] = row
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RunError(
                f"line {number} of {path} is damaged: delete that folder, and train again"
            ) from error
    return known


def _write(folder: Path, measured: Mapping[str, Any], known: dict[float, Row]) -> list[Row]:
    rows = [known[epoch] for epoch in sorted(known)]
    lines = "".join(json.dumps(line) + "\n" for line in (measured, *rows))
    with atomic_write(folder / "monitors.jsonl") as temporary:
        temporary.write_text(lines, encoding="utf-8")
    return rows


def _scalars(stack: ExitStack, folder: Path) -> Callable[[Row], None]:
    """A function that adds a row to an event file."""
    import tensorflow as tf

    try:
        writer = stack.enter_context(tf.summary.create_file_writer(str(folder)).as_default())
    except (ImportError, AttributeError) as error:
        check_extras("tensorboard")
        raise RunError(f"TensorBoard's writer cannot be used: {error}") from error

    def add(row: Row) -> None:
        for name in row.keys() - {"epoch"}:
            tf.summary.scalar(name.replace(" ", "/"), row[name], step=int(row["epoch"]))
        writer.flush()

    return add

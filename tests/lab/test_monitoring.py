"""The monitors of network2.py: against NumPy, stopped and taken up again, and in every form."""

from __future__ import annotations

import json
import re
import shutil

import matplotlib
import numpy as np
import pytest

import zoo
from tests.reference import COST, Dense, Network, one_hot
from zoo.cli.main import main
from zoo.errors import LabError, RunError, SpecError
from zoo.lab.core import live, monitoring
from zoo.lab.core.monitoring import train_monitored
from zoo.spec import FullyConnected, ModelSpec, Recipe

SMALL = ModelSpec(
    "small",
    (FullyConnected(4), FullyConnected(10)),
    Recipe(cost="cross_entropy", epochs=3, learning_rate=0.5, l2=3.0, images=60),
)


def train_silently(spec, data, out, **options):
    return train_monitored(spec, data, out=out, progress=False, **options)


def by_the_book(model, split, lmbda):
    """Cost and accuracy in NumPy, from the weights alone; lambda over the images at hand."""
    pairs = np.reshape(np.array([w.numpy() for w in model.weights], dtype=object), (-1, 2))
    network = Network([Dense(w.T.astype(float), b.astype(float)) for w, b in pairs])
    outputs = [network.feedforward(image / 256) for image in split.images]
    each = [
        COST["cross_entropy"](a, one_hot(y)) for a, y in zip(outputs, split.labels, strict=True)
    ]
    squares = sum(np.sum(layer.w**2) for layer in network.layers)
    right = np.mean([a.argmax() for a in outputs] == split.labels)
    return np.mean(each) + lmbda / (2 * len(split)) * squares, 100 * right


@pytest.fixture(scope="module")
def whole(bars, tmp_path_factory):
    """A run of three epochs, and its page as it was after each and at the end."""
    folder, pages = tmp_path_factory.mktemp("whole"), []
    page = folder / "live.html"
    watched = train_silently(
        SMALL, bars, folder, tensorboard=True, show=lambda rows: pages.append(page.read_text())
    )
    return watched, [*pages, page.read_text()]


def test_all_four_are_those_of_the_book(bars, tmp_path):
    # Of one epoch, so that the trained model is in the state that was measured; 1,100 training
    # images, so that they are measured in two batches.
    spec = SMALL.with_settings(epochs=1, images=1100)
    watched = train_silently(spec, bars, tmp_path, on="test", seed=2)
    (row,) = watched.rows
    for name, split in (("training", bars.train.take(1100)), ("evaluation", bars.test)):
        cost, accuracy = by_the_book(watched.result.model, split, 3.0)
        assert row[f"{name} cost"] == pytest.approx(cost, rel=1e-5)
        assert row[f"{name} accuracy"] == pytest.approx(accuracy, abs=0.01)


def test_the_training_images_are_those_that_are_trained_on(bars):
    few = bars.take(100)
    assert len(monitoring.training_images(SMALL, few)) == 60
    assert len(monitoring.training_images(SMALL.with_settings(images=5000), few)) == 100
    expanded = SMALL.with_settings(expanded=True, images=300)
    assert len(monitoring.training_images(expanded, few)) == 300


@pytest.mark.integration
def test_a_run_that_was_stopped_goes_on_and_tells_all_epochs(bars, tmp_path, whole):
    def stop(rows):
        if len(rows) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_silently(SMALL, bars, tmp_path, show=stop)
    gone_on = train_silently(SMALL, bars, tmp_path)
    assert gone_on.rows == whole[0].rows
    assert [row["epoch"] for row in gone_on.rows] == [0, 1, 2]
    assert train_silently(SMALL, bars, tmp_path).rows == gone_on.rows, "read back"


def test_an_epoch_that_is_stopped_while_it_is_measured_is_measured_again(
    bars, tmp_path, monkeypatch
):
    measure, calls = monitoring.cost_and_accuracy, []

    def stopped(*arguments):
        calls.append(arguments)
        if len(calls) == 4:  # the second set of the second epoch
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(monitoring, "cost_and_accuracy", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_silently(SMALL, bars, tmp_path)
    watched = train_silently(SMALL, bars, tmp_path)
    assert [row["epoch"] for row in watched.rows] == [0, 1, 2]


def test_the_page_loads_itself_anew_until_the_run_is_over(whole):
    pages = whole[1]
    lines = ["1 of 3 epochs", "2 of 3 epochs", "3 epochs, done", "3 epochs, done"]
    for text, expected in zip(pages, lines, strict=True):
        assert expected in text
        assert ('http-equiv="refresh"' in text) == ("done" not in expected)
        assert text.count("<svg") == 1
        assert not re.search(r"<(script|link|img)|@import|url\((?!#)", text), "nothing is fetched"


def test_curves_are_drawn_over_the_epochs_there_are():
    figure = live.Figure()
    rows = [{"epoch": e, "a cost": 2 / e, "b cost": 3 / e, "a accuracy": e} for e in (1, 2, 4)]
    live.draw(figure, rows, "small")
    cost, accuracy = figure.axes
    assert [line.get_xdata().tolist() for line in cost.lines] == [[1, 2, 4]] * 2
    assert accuracy.lines[0].get_ydata().tolist() == [1, 2, 4]
    live.draw(figure, rows)
    assert len(figure.axes) == 2, "drawn anew, not on top"


def test_tensorboard_reads_what_was_written(whole):
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(whole[0].folder / "tensorboard"))
    events.Reload()
    assert len(events.Tags()["tensors"]) == 4
    read = events.Tensors("evaluation/cost")
    assert [event.step for event in read] == [0, 1, 2]
    costs = [float(tf.make_ndarray(event.tensor_proto)) for event in read]
    assert costs == pytest.approx(whole[0].curves["evaluation cost"])


def test_what_cannot_be_watched_is_told(bars, tmp_path, whole):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "live.html").write_text("mine")
    with pytest.raises(RunError, match="was not written by `python -m zoo lab monitor`"):
        train_silently(SMALL, bars, tmp_path / "mine")
    assert (tmp_path / "mine" / "live.html").read_text() == "mine"
    with pytest.raises(SpecError, match="is a vote"):
        train_silently("conv2_relu_dropout_x5", bars, tmp_path)
    with pytest.raises(SpecError, match="on must be 'validation' or 'test', not 'tests'"):
        train_silently(SMALL, bars, tmp_path, on="tests")
    unwatched = tmp_path / "unwatched"
    shutil.copytree(whole[0].folder, unwatched)
    (unwatched / "monitors.jsonl").unlink()
    with pytest.raises(RunError, match="nothing watched: choose another folder"):
        train_silently(SMALL, bars, unwatched)
    kept = (whole[0].folder / "monitors.jsonl").read_text().splitlines()
    (unwatched / "monitors.jsonl").write_text("\n".join([*kept[:2], *kept[3:]]) + "\n")
    with pytest.raises(RunError, match="epoch 1 nothing watched: choose another folder"):
        train_silently(SMALL, bars, unwatched)
    with pytest.raises(RunError, match="was measured with another on: choose another folder"):
        train_silently(SMALL, bars, whole[0].folder, on="test")
    zoo.train(SMALL, bars, seed=1, out=unwatched, overwrite=True, progress=False)
    shutil.copy(whole[0].folder / "monitors.jsonl", unwatched)
    with pytest.raises(RunError, match="was measured with another seed"):
        train_silently(SMALL, bars, unwatched, seed=1)


def test_without_a_display_a_window_is_refused_in_one_line():
    kept = matplotlib.get_backend()
    matplotlib.use("agg")
    try:
        with pytest.raises(LabError, match=r"no window .*open live.html") as caught:
            live.window("small")
    finally:
        matplotlib.use(kept)
    assert "\n" not in str(caught.value)


def test_the_command_prints_json_and_a_table(mnist, tmp_path, capsys):
    command = ["lab", "monitor", "linear", "--limit", "300", "--epochs", "2", "--quiet"]
    command += ["--set", "l2=0.5", "--out", str(tmp_path)]
    assert main([*command, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["network"], printed["seed"], printed["epoch"]) == ("linear", 0, [0, 1])
    assert printed["recipe"]["l2"] == 0.5
    monitors = {"training_cost", "training_accuracy", "evaluation_cost", "evaluation_accuracy"}
    assert monitors < printed.keys()
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert float(lines[1].split("\t")[1]) == pytest.approx(printed["training_cost"][0], rel=1e-5)
    assert main(["lab", "monitor", "linaer", "--quiet"]) == 2
    assert "Did you mean 'linear'" in capsys.readouterr().err

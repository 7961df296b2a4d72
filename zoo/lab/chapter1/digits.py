"""The first networks that learn digits, and what the learning rate does to them."""

from __future__ import annotations

from statistics import mean
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import zoo
from zoo.lab import style
from zoo.lab.experiment import Bench, Check, Outcome, experiment, near
from zoo.results import prediction_interval
from zoo.spec import ModelSpec

SEEDS = 5
PROTOCOL = (
    f"The book's run agrees if it lies where 19 of 20 further runs of ours would, by {SEEDS}."
)


def _counts(bench: Bench, spec: ModelSpec, epochs: int, seed: int = 0) -> list[int]:
    """Test images answered rightly after each epoch."""
    result = bench.train(spec.with_settings(epochs=epochs), seed=seed)
    return [round(row["test_accuracy"] * len(bench.data.test)) for row in result.history]


def _beside_the_book(
    bench: Bench, spec: ModelSpec, label: str, printed: dict[int, int], epochs: int
) -> Outcome:
    """Several runs, and whether the counts that the book prints could be those of one more."""
    runs = [_counts(bench, spec, epochs, seed) for seed in range(SEEDS)]
    book = {epoch: count for epoch, count in printed.items() if epoch < epochs}
    checks = []
    for epoch, count in book.items():
        reached = [float(run[epoch]) for run in runs]
        low, high = prediction_interval(reached)
        what = f"right after epoch {epoch} ({max(low, 0):,.0f} to {min(high, 10_000):,.0f})"
        checks.append(Check(what, round(mean(reached)), count, bool(low <= count <= high)))
    curves = {f"seed {seed}": run for seed, run in enumerate(runs)}
    remark = f"{PROTOCOL} {epochs} of the book's 30 epochs." if bench.fast else PROTOCOL
    return Outcome({"curves": curves, "book": book, "settings": label}, tuple(checks), remark)


def draw_counts(data: dict[str, Any]) -> Figure:
    """Right answers over epochs, and the book's where it prints them."""
    drawn, axes = style.figure()
    for number, (label, counts) in enumerate(data["curves"].items()):
        epochs = range(len(counts))
        axes.plot(epochs, counts, marker="o", ms=3, **style.line(number, label=label))
    book = {int(epoch): count for epoch, count in data["book"].items()}
    if book:
        axes.plot(list(book), list(book.values()), **style.BOOK)
    told = f" ({data['settings']})" if "settings" in data else ""
    axes.set(xlabel=f"epoch{told}", ylabel="right, of 10,000 test images")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.legend_above(axes, columns=3)
    return drawn


@experiment("ch1_mnist_30h", "The first network learns digits", draw=draw_counts)
def mnist_30h(bench: Bench) -> Outcome:
    """784-30-10 with the quadratic cost, eta 3, mini-batches of 10: the book's first run."""
    printed = {0: 9129, 1: 9295, 2: 9348, 27: 9528, 28: 9542, 29: 9534}
    spec = zoo.get_spec("mlp30.quadratic")
    return _beside_the_book(bench, spec, "eta = 3", printed, bench.choose(30, 4))


@experiment("ch1_eta_too_small", "A learning rate that is too small", draw=draw_counts)
def eta_too_small(bench: Bench) -> Outcome:
    """784-100-10 with eta 0.001: each epoch helps a little, and thirty of them do not suffice."""
    printed = {0: 1139, 1: 1136, 2: 1135, 27: 2101, 28: 2123, 29: 2142}
    spec = zoo.get_spec("mlp100.quadratic").with_settings(learning_rate=0.001)
    return _beside_the_book(bench, spec, "eta = 0.001", printed, bench.choose(30, 3))


@experiment("ch1_eta_too_big", "A learning rate that is too large", draw=draw_counts)
def eta_too_big(bench: Bench) -> Outcome:
    """784-30-10 with eta 100: the network guesses, after one epoch as after thirty."""
    printed = {0: 1009, 1: 1009, 2: 1009, 3: 1009, 27: 982, 28: 982, 29: 982}
    spec = zoo.get_spec("mlp30.quadratic").with_settings(learning_rate=100.0)
    return _beside_the_book(bench, spec, "eta = 100", printed, bench.choose(30, 4))


@experiment("ch1_no_hidden", "No hidden layer", draw=draw_counts)
def no_hidden(bench: Bench) -> Outcome:
    """The exercise: 784 inputs, ten outputs and nothing between; the book gives no figure."""
    epochs = bench.choose(30, 5)
    rates = (0.1, 1.0, 3.0)
    spec = zoo.get_spec("linear.quadratic")
    curves = {
        f"eta = {rate:g}": _counts(bench, spec.with_settings(learning_rate=rate), epochs)
        for rate in rates
    }
    checks = tuple(Check(f"best, {label}", max(counts)) for label, counts in curves.items())
    remark = "With large initial weights some output neurons saturate and never learn their digit."
    return Outcome({"curves": curves, "book": {}}, checks, remark)


@experiment("ch1_online_learning", "Mini-batches of one", draw=draw_counts)
def online_learning(bench: Bench) -> Outcome:
    """Batches of 1 against 20, at the same learning rate an image: many noisy steps, or few."""
    epochs = bench.choose(30, 3)
    spec = zoo.get_spec("mlp30.quadratic")
    curves = {
        f"batches of {size}": _counts(
            bench, spec.with_settings(batch_size=size, learning_rate=0.3 * size), epochs
        )
        for size in (1, 20)
    }
    checks = tuple(Check(f"best, {label}", max(counts)) for label, counts in curves.items())
    return Outcome({"curves": curves, "book": {}}, checks)


def draw_baselines(data: dict[str, Any]) -> Figure:
    """A bar a method."""
    drawn, axes = style.figure(size=(7, 3))
    axes.barh(list(data["right"]), list(data["right"].values()), color=style.COLORS[0])
    for row, count in enumerate(data["right"].values()):
        axes.text(count, row, f" {count:,}", va="center")
    axes.set(xlabel="right, of 10,000 test images", xlim=(0, 11_000))
    axes.invert_yaxis()
    return drawn


@experiment("ch1_baselines", "The methods to beat", draw=draw_baselines)
def baselines(bench: Bench) -> Outcome:
    """Guessing, the nearest mean darkness, and a support vector machine with its old defaults."""
    from zoo import baselines as methods

    data = bench.data
    right = {
        "guessing": methods.random_guess(data).score.correct,
        "darkness": methods.average_darkness(data).score.correct,
    }
    checks = [
        near("right by guessing", right["guessing"], 1_000, within=90),  # 3 sqrt(n p q)
        near("right by darkness", right["darkness"], 2_225, within=0),
    ]
    if not bench.fast:
        right["support vector machine"] = methods.svm(data).score.correct
        checks.append(near("right by the machine", right["support vector machine"], 9_435, 0))
    remark = "The support vector machine takes minutes: full form only." if bench.fast else ""
    return Outcome({"right": right}, tuple(checks), remark)

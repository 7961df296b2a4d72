"""Pages about the networks, a page a chapter, from the registry, the results and the model cards.

`conf.py` calls `write` before Sphinx reads the pages, so that they are never out of date.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from zoo.cli.main import main
from zoo.lab import experiments
from zoo.pretrained.manifest import entry_of, manifest, weights_file
from zoo.registry import get_spec, list_models
from zoo.reproduction.results import Row, read
from zoo.reproduction.tables import table

TITLES = {
    1: "Using neural nets to recognize handwritten digits",
    3: "Improving the way neural networks learn",
    5: "Why are deep neural networks hard to train?",
    6: "Deep learning",
}
RESULTS = Path(__file__).resolve().parents[1] / "benchmarks/results.csv"

INTRODUCTION = {
    1: "The first networks of the book: sigmoid neurons, the quadratic cost, no regularization.",
    3: "The cross-entropy cost, overfitting on 1,000 images, L2 regularization, and the smaller "
    "initial weights: each network differs from the one before it in one setting.",
    5: "The recipe of chapter 3 with one to four hidden layers of 30 neurons each.",
    6: "Convolutional networks with softmax outputs, from a dense baseline to five dropout "
    "networks that vote; then the recipes of today that train them with fewer images, and the "
    "networks that the book quotes from the literature or describes without a program.",
}


def write(folder: Path) -> None:
    """Write a page and a picture for each chapter of networks, and the list of experiments.

    Args:
        folder: Where the pages go; it is created where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = read(RESULTS)
    named = {number: _names(number) for number in TITLES}
    for number, names in named.items():
        _draw(names, rows, folder / f"chapter{number}.svg")
        (folder / f"chapter{number}.md").write_text(_page(number, names, rows), encoding="utf-8")
    (folder / "experiments.md").write_text(_experiments(), encoding="utf-8")


def _names(chapter: int) -> list[str]:
    """The networks of a chapter: those with a figure of it, and those that come after one."""
    current, found = 1, []
    for name in list_models():
        claim = get_spec(name).claim
        current = claim.chapter if claim else current
        if current == chapter:
            found.append(name)
    return found


def _page(number: int, names: list[str], rows: list[Row]) -> str:
    lines = table(rows).splitlines()
    ours = [line for line in lines[2:] if re.match(r"\| `([^`]+)`", line)[1] in names]
    parts = [
        f"# Chapter {number}: {TITLES[number]}",
        INTRODUCTION[number],
        "Accuracies in per cent; [](../reproducing.md) explains the columns.",
        "\n".join([*lines[:2], *ours]),
        f"![The book's figures and the runs measured here, chapter {number}](chapter{number}.svg)",
        *(_section(name) for name in names),
    ]
    return "\n\n".join(parts) + "\n"


def _section(name: str) -> str:
    """One network: its layers and recipe as `zoo show` prints them, and its card."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if main(["show", name]):
            raise RuntimeError(f"python -m zoo show {name} failed")
    shown = printed.getvalue().partition("\nhash ")[0].rstrip()
    parts = [f"## {name}", f"```text\n{shown}\n```"]
    for entry in manifest().values():
        if entry.spec["name"] == name:
            parts.append(f"### Pretrained weights of {entry.name}\n\n{_card(entry.name)}")
    return "\n\n".join(parts)


def _card(name: str) -> str:
    """A model card without its front matter, title and limits, which all cards share."""
    text = weights_file(entry_of(name)).with_name("README.md").read_text(encoding="utf-8")
    body = text.split("\n---\n", 1)[1].partition("\n## Use, and limits")[0]
    body = re.sub(r"\A\s*# .*\n", "", body)
    return re.sub(r"^## ", "#### ", body, flags=re.MULTILINE).strip()


def _experiments() -> str:
    """The experiments of the lab as a table, in the book's order."""
    rows = [f"| {each.chapter} | `{each.name}` | {each.title} |" for each in experiments()]
    return "\n".join(["| chapter | name | title |", "| --- | --- | --- |", *rows]) + "\n"


def _draw(names: list[str], rows: list[Row], path: Path) -> None:
    """Every run of a chapter as a dot, and the book's figure as a cross, in per cent."""
    figure, axes = pyplot.subplots(figsize=(8, 0.6 + 0.32 * len(names)), layout="constrained")
    for place, name in enumerate(names):
        spec = get_spec(name)
        claim = spec.claim or get_spec("conv1_only").claim
        runs = [row.measured(claim) for row in rows if row.spec_hash == spec.hash]
        axes.plot(runs, [place] * len(runs), "o", color="tab:blue", alpha=0.5, label="runs here")
        if spec.claim and spec.claim.accuracy:
            axes.plot(spec.claim.accuracy, place, "x", color="tab:red", label="the book")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("accuracy, per cent")
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), loc="best")
    figure.savefig(path)
    pyplot.close(figure)

"""What the measurements say: medians over the rounds, as a table and as a chart."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.rows import Row
from zoo.registry import get_spec
from zoo.utils.atomic import atomic_write

NAMES = {
    "zoo_onednn": "zoo, oneDNN step",
    "keras_tuned": "keras, tuned",
    "torch_channels_last": "torch, channels last",
    "torch_compiled": "torch, compiled",
}

# Recipes, and the measurement that has their network and size of mini-batches.
RECIPES = {
    "mlp30": "mlp30",
    "conv2_relu": "conv2_relu",
    "conv2_relu_dropout": "conv2_relu_dropout",
    "conv2_relu_dropout_x5": "conv2_relu_dropout",
    "conv2_relu_dropout.fast": "conv2_relu_dropout:50",
    "conv2_relu_dropout_x5.fast": "conv2_relu_dropout:50",
}


def speed(rows: list[Row], net: str, peer: str) -> tuple[float, Any] | None:
    """Median images per second over the rounds, and the threads that gave it; None if not run."""
    by_threads: dict[Any, list[float]] = {}
    for row in rows:
        if (row["net"], row["peer"]) == (net, peer):
            by_threads.setdefault(row["threads"], []).append(row["images_per_second"])
    medians = [(statistics.median(speeds), threads) for threads, speeds in by_threads.items()]
    return max(medians, key=lambda median: median[0], default=None)


def table(rows: list[Row], plan: Mapping[str, list[str]]) -> str:
    """A table for each net; `plan` says which peers were asked for, and in what order."""
    lines = []
    for net, peers in plan.items():
        lines += ["", f"{net:30}{'images/s':>10}{'s per 50,000':>15}   zoo is"]
        ours = speed(rows, net, "zoo")
        for peer in peers:
            measured = speed(rows, net, peer)
            if measured is None:
                lines.append(f"  {label(peer):28}{'not installed':>25}")
                continue
            fast, threads = measured
            line = f"  {label(peer, threads):28}{fast:10,.0f}{50_000 / fast:15.2f}"
            if ours and peer != "zoo":
                line += f"   {times(ours[0] / fast)}"
            lines.append(line)
    return "\n".join(lines)


def markdown(rows: list[Row]) -> str:
    """The same in Markdown: a line for each program, the fastest of a net first."""
    lines = ["| network | program | images a second | zoo is |", "| --- | --- | --- | --- |"]
    for net in dict.fromkeys(row["net"] for row in rows):
        ours, _ = speed(rows, net, "zoo")
        peers = {row["peer"] for row in rows if row["net"] == net}
        for fast, threads, peer in sorted(
            ((*speed(rows, net, peer), peer) for peer in peers), key=lambda each: -each[0]
        ):
            ratio = "" if peer == "zoo" else times(ours / fast)
            lines.append(f"| {title(net)} | {label(peer, threads)} | {fast:,.0f} | {ratio} |")
    return "\n".join(lines)


def durations(rows: list[Row]) -> str:
    """How long whole recipes train on one core, computed from the measured speeds, in Markdown."""
    lines = [
        "| recipe | images in all epochs | images a second | on one core |",
        "| --- | --- | --- | --- |",
    ]
    for name, net in RECIPES.items():
        if measured := speed(rows, net, "zoo"):
            spec = get_spec(name)
            images = len(spec.members or (spec,)) * spec.recipe.epochs * spec.recipe.images
            lasts = duration(images / measured[0])
            lines.append(f"| `{name}` | {images:,} | {measured[0]:,.0f} | {lasts} |")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(6.3), duration(343), duration(9_000)
    ('6 s', '6 minutes', '2.5 hours')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6_000 else f"{seconds / 3600:.1f} hours"


def title(net: str) -> str:
    """A network's name in Markdown, with the size of batches that are not of ten.

    >>> title("conv2_relu:50")
    '`conv2_relu`, batches of 50'
    """
    name, _, size = net.partition(":")
    return f"`{name}`, batches of {size}" if size else f"`{name}`"


def times(ratio: float) -> str:
    """How many times as fast, with two decimals where they matter.

    >>> times(1.254), times(18.94)
    ('1.25 x as fast', '18.9 x as fast')
    """
    return f"{ratio:.{2 if ratio < 2 else 1}f} x as fast"


def label(peer: str, threads: Any = "default") -> str:
    """A program's name in a table, with its number of threads where that is not its own choice."""
    name = NAMES.get(peer, peer)
    return name if threads == "default" else f"{name}, {threads} thread"


def draw(rows: list[Row], path: Path) -> None:
    """Horizontal bars of images per second, on a logarithmic scale, a panel for each net."""
    nets = list(dict.fromkeys(row["net"] for row in rows))
    peers_of = {net: {row["peer"] for row in rows if row["net"] == net} for net in nets}
    heights = [len(peers) + 1 for peers in peers_of.values()]
    figure = Figure(figsize=(7, 0.6 + 0.35 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(nets), squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    for axes, (net, peers) in zip(panels, peers_of.items(), strict=True):
        bars_of = sorted((*speed(rows, net, peer), peer) for peer in peers)
        bars = axes.barh(
            [label(peer, threads) for _, threads, peer in bars_of],
            [fast for fast, _, _ in bars_of],
            color=["black" if peer == "zoo" else "0.7" for *_, peer in bars_of],
        )
        axes.bar_label(bars, fmt="{:,.0f}", padding=3)
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter("")
        axes.margins(x=0.2)
        axes.set_title(title(net).replace("`", ""), loc="left")
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("images per second trained, in batches of 10 or as named", fontsize="medium")
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=150)


def serving_table(rows: list[Row]) -> str:
    """Latency and throughput of each form of each net."""
    lines = []
    for net in dict.fromkeys(row["net"] for row in rows):
        lines += ["", f"{net:22}{'p50 ms':>9}{'p99 ms':>9}{'images/s':>11}"]
        for row in rows:
            if row["net"] == net:
                numbers = f"{row['p50_ms']:9.3f}{row['p99_ms']:9.3f}{row['images_per_second']:11,}"
                lines.append(f"  {row['form']:20}{numbers}")
    return "\n".join(lines)


def serving_markdown(rows: list[Row]) -> str:
    """The same in Markdown."""
    lines = [
        "| network | form | one image, median | 99th percentile | images a second, by 500 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        p50, p99 = (f"{float(row[name]):.3f} ms" for name in ("p50_ms", "p99_ms"))
        batch = f"{float(row['images_per_second']):,.0f}"
        lines.append(f"| `{row['net']}` | {row['form']} | {p50} | {p99} | {batch} |")
    return "\n".join(lines)

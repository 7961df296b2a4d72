"""Fine-tuning against training from scratch: how many pictures of each class does it save?

    python -m benchmarks.letters letters
    python -m benchmarks.fine_tuning --letters letters

Three sets that are none of MNIST's: scikit-learn's digits (8x8, enlarged to 28x28), letters in
fonts that the training never saw (`benchmarks.letters`, brought to 28x28), and MNIST's digits in
colour on patches of photographs (28x28x3). Of each, 10, 100 and 1,000 pictures a class train
`conv2_relu`, from its pretrained body under a fresh head and from scratch, for equally many epochs
by one recipe. The digits train `shallow` at 8x8, too, which no pretrained network takes. A row a
run goes into `fine_tuning.csv` beside this file; what is there is not run again. Expect a quarter
of an hour of one core. `--write FILE` puts the table of what is there into a document, and draws
the plot into `images/` beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.parsers import command_parser
from benchmarks.rows import read_rows, write_rows
from zoo.data import Data, Split, load_data
from zoo.reproduction.tables import write_table
from zoo.utils.atomic import atomic_write

CSV = Path(__file__).resolve().parent / "fine_tuning.csv"
COLUMNS = ("set", "start", "per_class", "seed", "epochs", "correct", "total", "seconds")
NETWORK, AS_THEY_ARE = "conv2_relu", "shallow"
SETS = ("digits", "letters", "colour")

# Epochs by pictures a class: fewer pictures are seen more often.
EPOCHS = {10: 40, 100: 15, 1000: 3}
SEEDS = range(5)
VALIDATION, TEST = 300, 2000


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, and print or write the table."""
    parser = command_parser("benchmarks.fine_tuning", __doc__)
    parser.add_argument("--letters", type=Path, help="the folder of benchmarks.letters")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many (default 5)")
    parser.add_argument("--most", type=int, default=1000, help="pictures a class, at most")
    parser.add_argument("--out", type=Path, default=CSV)
    parser.add_argument("--table", action="store_true", help="train nothing")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table, into this document")
    asked = parser.parse_args(arguments)
    if not (asked.table or asked.write):
        data = {name: _set(name, asked.letters) for name in asked.sets}
        for seed in range(asked.seeds):
            for name, whole in data.items():
                measure(name, whole, seed, asked.out, asked.most)
    rows = read_rows(asked.out)
    if asked.write:
        write_table(table(rows), asked.write, "fine_tuning")
        draw(rows, asked.write.parent / "images" / "fine_tuning.svg")
    print(table(rows))
    return 0


# --- the sets -------------------------------------------------------------------------------------


def _set(name: str, letters: Path | None) -> Data:
    if name == "digits":
        return digits()
    if name == "letters":
        if letters is None:
            raise SystemExit("--letters FOLDER: make it by python -m benchmarks.letters FOLDER")
        return load_data(letters, size=(28, 28), progress=False)
    return coloured(load_data(progress=False))


def digits() -> Data:
    """scikit-learn's digits, 8x8 in 17 shades, as bytes."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = np.rint(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    return load_data((images, labels), test=1 / 3, validation=1 / 12, progress=False)


def coloured(mnist: Data) -> Data:
    """MNIST's digits in a colour of their own, on patches of two photographs of scikit-learn's.

    Ink is the patch's opposite, 255 less its colours, mixed with the patch where MNIST is grey. So
    it hardly stands out from middle greys.
    """
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    generator = np.random.default_rng(0)

    def on_patches(split: Split, count: int) -> Split:
        split = split.take(count)
        images = np.empty((count, 28, 28, 3), np.uint8)
        for image, digit in zip(images, split.images, strict=True):
            photograph = photographs[generator.integers(len(photographs))]
            row, column = (generator.integers(side - 28) for side in photograph.shape[:2])
            patch = photograph[row : row + 28, column : column + 28].astype(np.float32)
            ink = digit / np.float32(255)
            image[:] = np.rint(patch * (1 - ink) + (255 - patch) * ink)
        return Split(images, split.labels)

    return Data(
        "colour",
        on_patches(mnist.train, 12_000),
        on_patches(mnist.validation, VALIDATION),
        on_patches(mnist.test, TEST),
    )


def enlarged(data: Data) -> Data:
    """The set with images of 28x28, as the pretrained networks take them."""
    from zoo.data.pictures import PictureFormat

    form = PictureFormat((28, 28))

    def bring(split: Split) -> Split:
        return Split(np.stack([form.bring(image) for image in split.images]), split.labels)

    parts = (bring(split) for split in (data.train, data.validation, data.test))
    return Data(data.name, *parts, data.class_names)


def sample(data: Data, per_class: int, seed: int) -> Data:
    """A set with so many training images of each class, drawn by a seed, or all there are."""
    generator = np.random.default_rng([seed, per_class])
    order = generator.permutation(len(data.train))
    labels = data.train.labels[order]
    chosen = [order[labels == label][:per_class] for label in range(data.classes)]
    places = generator.permutation(np.concatenate(chosen))
    train = Split(data.train.images[places], data.train.labels[places])
    rest = [
        split.take(min(count, len(split)))
        for split, count in ((_mixed(data.validation), VALIDATION), (_mixed(data.test), TEST))
    ]
    return Data(data.name, train, *rest, data.class_names)


def _mixed(split: Split) -> Split:
    order = np.random.default_rng(0).permutation(len(split))
    return Split(split.images[order], split.labels[order])


# --- the runs -------------------------------------------------------------------------------------


def measure(name: str, data: Data, seed: int, out: Path, most: int) -> None:
    """Add the rows of one set and seed that are missing."""
    rows = read_rows(out)
    done = {(row["set"], row["start"], row["per_class"], row["seed"]) for row in rows}
    small = name == "digits"
    large = enlarged(data) if small else data
    smallest = int(np.bincount(data.train.labels).min())
    for per_class in (each for each in EPOCHS if each <= min(most, smallest)):
        starts = ("pretrained", "scratch", *(("scratch at 8x8",) if small else ()))
        for start in starts:
            if (name, start, str(per_class), str(seed)) in done:
                continue
            chosen = sample(data if start.endswith("8x8") else large, per_class, seed)
            rows.append({"set": name, **run(chosen, start, per_class, seed)})
            write_rows(rows, out, COLUMNS)
            print(rows[-1], flush=True)


def run(data: Data, start: str, per_class: int, seed: int) -> dict:
    """Train once, and count what is right of the test images."""
    import zoo

    network = AS_THEY_ARE if start.endswith("8x8") else NETWORK
    epochs, model = EPOCHS[per_class], None
    if start == "pretrained":
        settings = {"classes": data.classes, "input_shape": data.shape, "seed": seed}
        model = zoo.load(network, fresh_head=True, **settings)
    spec = zoo.get_spec(network).with_settings(shuffle=True, partial_batch=True)
    began = time.perf_counter()
    result = zoo.train(spec, data, seed=seed, epochs=epochs, start=model, progress=False)
    score = zoo.evaluate(result.model, data.test)
    return {
        "start": start,
        "per_class": per_class,
        "seed": seed,
        "epochs": epochs,
        "correct": score.correct,
        "total": score.total,
        "seconds": round(time.perf_counter() - began, 1),
    }


# --- the table and the plot -----------------------------------------------------------------------


def _accuracies(rows: list[dict]) -> Iterator[tuple[str, str, int, list[float]]]:
    keys = dict.fromkeys((row["set"], row["start"], int(row["per_class"])) for row in rows)
    for name, start, per_class in sorted(keys, key=lambda key: (SETS.index(key[0]), *key[1:])):
        mine = [
            100 * int(row["correct"]) / int(row["total"])
            for row in rows
            if (row["set"], row["start"], int(row["per_class"])) == (name, start, per_class)
        ]
        yield name, start, per_class, mine


def table(rows: list[dict]) -> str:
    """The means and standard deviations over the seeds, in Markdown."""
    found = {(name, start, count): runs for name, start, count, runs in _accuracies(rows)}
    head = "".join(f" {count:,} a class |" for count in EPOCHS)
    lines = [f"| set | start | seeds |{head}", "| --- | --- | ---: |" + " ---: |" * len(EPOCHS)]
    for name, start in dict.fromkeys(key[:2] for key in found):
        cells = [found.get((name, start, count)) for count in EPOCHS]
        texts = "".join(f" {_mean(runs) if runs else '-'} |" for runs in cells)
        seeds = max(len(runs) for runs in cells if runs)
        lines.append(f"| {name} | {start} | {seeds} |{texts}")
    return "\n".join(lines)


def _mean(runs: list[float]) -> str:
    spread = f" ± {statistics.stdev(runs):.1f}" if len(runs) > 1 else ""
    return f"{statistics.mean(runs):.1f}{spread}"


def draw(rows: list[dict], path: Path) -> None:
    """Accuracy over pictures a class: every run as a dot, and lines through the means."""
    names = [name for name in SETS if any(row["set"] == name for row in rows)]
    figure = Figure(figsize=(1 + 3 * len(names), 3.2), layout="constrained")
    styles = {"pretrained": ("#1f4e79", "-"), "scratch": ("#c1440e", "--")}
    grid = figure.subplots(1, len(names), sharey=True, squeeze=False)
    for axes, name in zip(grid[0], names, strict=True):
        for start, (colour, dash) in styles.items():
            points = [row[2:] for row in _accuracies(rows) if row[:2] == (name, start)]
            for count, runs in points:
                axes.plot([count] * len(runs), runs, "o", color=colour, alpha=0.4, ms=4)
            means = [statistics.mean(runs) for _, runs in points]
            axes.plot([count for count, _ in points], means, dash, color=colour, label=start)
        axes.set(title=name, xscale="log", xlabel="pictures a class", xticks=list(EPOCHS))
        axes.set_xticklabels([f"{count:,}" for count in EPOCHS])
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("right of the test images, per cent")
    figure.axes[0].legend(frameon=False, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The same rows make the same file, identifiers and all.
    with atomic_write(path) as temporary, rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    raise SystemExit(main())

"""Accuracy setting by setting, and over two settings at once as a random forest sees it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from tuning.report.charts import scatter
from tuning.report.drawing import at, escaped, framed, mark
from tuning.report.importance import FEWEST, Importance, comparable, places_of
from tuning.report.record import Record
from tuning.report.scales import Scale, padded
from tuning.trial import Trial

# Squares a side of a contour plot, and settings of which each pair is drawn.
SQUARES, PAIRED = 16, 3


def slices(record: Record) -> list[str]:
    """A chart a setting: the score of every trial by its value."""
    axes = places_of(record, record.ended)
    return [
        scatter(record, Scale(scale.label, scale.ticks, _same), _at(scale, name))
        for name, scale in axes
        if len({scale.place(trial.values[name]) for trial in record.ended}) > 1
    ]


def contours(record: Record, found: Importance | str) -> list[str]:
    """A chart for each pair of the settings that matter most; none with too few trials.

    A square is the darker, the better the accuracy that a random forest predicts there, averaged
    over what the trials had in the other settings.

    Args:
        record: The search.
        found: The importance of its settings.
    """
    if not isinstance(found, Importance) or found.trials < FEWEST:
        return []
    _, trials = comparable(record)
    axes = dict(places_of(record, trials))
    ranked = sorted(found.points, key=lambda name: -found.points[name])[:PAIRED]
    predicted = _forest(trials, {name: axes[name] for name in found.points})
    return [
        _contour(trials, axes, pair, predicted(pair)) for pair in itertools.combinations(ranked, 2)
    ]


def _contour(
    trials: list[Trial], axes: dict[str, Scale], pair: tuple[str, str], grid: np.ndarray
) -> str:
    x, y = (padded(axes[name]) for name in pair)
    low, span = float(grid.min()), float(np.ptp(grid)) or 1.0
    inside = []
    for across, up in itertools.product(range(SQUARES), repeat=2):
        left, bottom = at(_inner(across), _inner(up))
        right, top = at(_inner(across + 1), _inner(up + 1))
        value = float(grid[across, up])
        inside.append(
            f'<rect class="level" x="{left:.1f}" y="{top:.1f}" width="{right - left + 0.3:.1f}" '
            f'height="{bottom - top + 0.3:.1f}" fill-opacity="{0.85 * (value - low) / span:.2f}">'
            f"<title>{escaped(f'{100 * value:.2f} % expected')}</title></rect>"
        )
    best = max(trials, key=lambda trial: (trial.score, -trial.number))
    for trial in trials:
        first, second = (trial.values[name] for name in pair)
        point = at(x.place(first), y.place(second))
        kind = "best" if trial is best else "dot"
        inside.append(mark(point, kind, f"trial {trial.number}: {trial.score:.2%}", trial.number))
    return framed(f"expected accuracy by {pair[0]} and {pair[1]}", x, y, inside)


def _inner(square: int) -> float:
    """The edge of a square on an axis that is padded as those of all charts."""
    return padded(Scale("", (), _same)).place(square / SQUARES)


def _forest(trials: list[Trial], axes: dict[str, Scale]) -> Callable[[tuple[str, str]], np.ndarray]:
    """What a random forest expects over a grid of two settings."""
    from sklearn.ensemble import RandomForestRegressor

    table = np.array([[axes[name].place(t.values[name]) for name in axes] for t in trials])
    forest = RandomForestRegressor(50, random_state=0).fit(table, [t.score for t in trials])

    def predicted(pair: tuple[str, str]) -> np.ndarray:
        first, second = (list(axes).index(name) for name in pair)
        middles = (np.arange(SQUARES) + 0.5) / SQUARES
        every = np.repeat(table[None], SQUARES**2, axis=0)
        every[:, :, first] = np.repeat(middles, SQUARES)[:, None]
        every[:, :, second] = np.tile(middles, SQUARES)[:, None]
        expected = forest.predict(every.reshape(-1, len(axes))).reshape(SQUARES**2, len(trials))
        return expected.mean(1).reshape(SQUARES, SQUARES)

    return predicted


def _at(scale: Scale, name: str) -> Callable[[Trial], float]:
    return lambda trial: scale.place(trial.values[name])


def _same(place: float) -> float:
    return place

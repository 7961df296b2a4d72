"""What a race of search strategies says: curves over seeds, and the cost of random search's end.

Cost is image presentations: a training image that went forward and backward once. A busy machine
changes none of it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.rows import Row
from zoo.utils.atomic import atomic_write

YARDSTICK = "random"

# The race is about the first; the others run after all problems have had these. In tables and
# plots all stand in this order, in whatever order they ended.
FIRST = (YARDSTICK, "broad", "halving", "tpe")
OTHERS = ("cmaes", "hyperband", "bayesian")
# Of the budget: where the table looks.
SHARES = {"1/10": 0.1, "1/3": 1 / 3, "1": 1.0}
DRAWS = 2_000

# A run: what it had cost at the end of each trial, and the best on the full problem by then.
Run = tuple[np.ndarray, np.ndarray]


def table(rows: Sequence[Row]) -> str:
    """A line a problem and strategy, in Markdown.

    The best accuracy at the end of the budget, which is the median cost of random search, is the
    median over seeds, with its quartiles. Regret is how far the median is below the best of all
    runs of the problem, at three shares of the budget. The cost is that at which the median
    reaches random's final median, as a share of the budget, with a 95 % interval by bootstrap over
    seeds; and p is Mann-Whitney's, of a third of the budget against random's end.
    """
    heads = ("problem", "strategy", "seeds", "best at the end (quartiles)",
             *(f"regret at {share}" for share in SHARES), "cost of random's end", "p")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for problem, strategies in races(rows).items():
        if YARDSTICK not in strategies:
            continue
        top = max(best.max() for runs in strategies.values() for _, best in runs)
        for name, runs in strategies.items():
            cells = (problem, name, str(len(runs)), *_cells(runs, strategies[YARDSTICK], top))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(runs: Sequence[Run], yardstick: Sequence[Run], top: float) -> Iterator[str]:
    budget = end_of(yardstick)[0]
    low, median, high = np.percentile(bests(runs, budget), (25, 50, 75))
    yield f"{_percent(median)} ({_percent(low)} to {_percent(high)})"
    for share in SHARES.values():
        reached = statistics.median(bests(runs, share * budget))
        yield f"{100 * (top - reached):.2f}" if reached else "none yet"
    yield _cost(runs, yardstick)
    yield _p(bests(runs, budget / 3), bests(yardstick, budget))


def races(rows: Sequence[Row]) -> dict[str, dict[str, list[Run]]]:
    """The runs by problem, in the order of the rows, and strategy, in the order of the race."""
    found: dict[str, dict[str, dict[str, list[tuple[float, float]]]]] = {}
    for row in rows:
        problem = found.setdefault(f"`{row['network']}`, {row['data']}", {})
        run = problem.setdefault(row["strategy"], {}).setdefault(str(row["seed"]), [])
        run.append((float(row["images"]), float(row["best"])))
    return {
        problem: {
            name: [(np.array(run)[:, 0], np.array(run)[:, 1]) for run in strategies[name].values()]
            for name in sorted(strategies, key=(*FIRST, *OTHERS).index)
        }
        for problem, strategies in found.items()
    }


def end_of(runs: Sequence[Run]) -> tuple[float, float]:
    """The median cost of runs, and the median of what they had reached by then."""
    budget = statistics.median(cost[-1] for cost, _ in runs)
    return budget, statistics.median(bests(runs, math.inf))


def bests(runs: Sequence[Run], cost: float) -> list[float]:
    """What each run had reached at a cost; 0 before its first full trial."""
    ended = [int(np.searchsorted(costs, cost, side="right")) for costs, _ in runs]
    return [float(best[n - 1]) if n else 0.0 for n, (_, best) in zip(ended, runs, strict=True)]


def costs_to(runs: Sequence[Run], drawn: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """The least cost at which the median of some of the runs reaches a goal, for many choices.

    Args:
        runs: All runs.
        drawn: Which of them count, [choices, n].
        goals: Accuracies in 0..1, [choices].

    Returns:
        [choices]; infinite where the median never gets there.
    """
    marks = np.unique(np.concatenate([costs for costs, _ in runs]))
    reached = np.array([bests(runs, mark) for mark in marks])
    # The best so far never falls, so the marks need not be tried one after another.
    low, high = np.zeros(len(goals), int), np.full(len(goals), len(marks))
    while (searched := low < high).any():
        middle = np.where(searched, (low + high) // 2, 0)
        enough = np.median(reached[middle[:, None], drawn], axis=1) >= goals
        high = np.where(searched & enough, middle, high)
        low = np.where(searched & ~enough, middle + 1, low)
    return np.append(marks, math.inf)[low]


def cost_interval(runs: Sequence[Run], yardstick: Sequence[Run]) -> tuple[float, float, float]:
    """The share of random's budget at which its end is reached, and its 95 % interval.

    By bootstrap: seeds of both are drawn again, so that the goal has its noise, too.
    """
    generator = np.random.default_rng(0)
    counts = len(runs), len(yardstick)
    draws = [[generator.integers(n, size=n) for n in counts] for _ in range(DRAWS)]
    ours, theirs = (
        np.stack([np.arange(n), *drawn])
        for n, drawn in zip(counts, zip(*draws, strict=True), strict=True)
    )
    budgets = np.median(np.array([costs[-1] for costs, _ in yardstick])[theirs], axis=1)
    goals = np.median(np.array([best[-1] for _, best in yardstick])[theirs], axis=1)
    share, *drawn = costs_to(runs, ours, goals) / budgets
    low, high = (sorted(drawn)[round(place * (DRAWS - 1))] for place in (0.025, 0.975))
    return float(share), float(low), float(high)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Median and quartiles of the best accuracy by cost, a panel a problem, a line a strategy."""
    from zoo.lab.core.style import COLORS, figure, line

    found = races(rows)
    rows_of_panels = math.ceil(len(found) / 2)
    drawn, axes = figure(rows_of_panels, 2, size=(13, 4.2 * rows_of_panels), squeeze=False)
    for panel in axes.flat[len(found) :]:
        panel.remove()
    for panel, (problem, strategies) in zip(axes.flat, found.items(), strict=False):
        yardstick = strategies.get(YARDSTICK) or next(iter(strategies.values()))
        budget = end_of(yardstick)[0]
        marks = np.linspace(0.01, 1, 200) * budget
        for name, runs in strategies.items():
            number = (*FIRST, *OTHERS).index(name)
            reached = 100 * np.array([bests(runs, mark) for mark in marks])
            low, middle, high = np.percentile(reached, (25, 50, 75), axis=1)
            seen = middle > 0
            cost = marks[seen] / 1e6
            panel.step(cost, middle[seen], where="post", **line(number, label=name))
            color = COLORS[number % len(COLORS)]
            panel.fill_between(cost, low[seen], high[seen], step="post", alpha=0.15, color=color)
        top = max(best.max() for runs in strategies.values() for _, best in runs)
        panel.set_ylim(*limits(yardstick, float(top)))
        panel.set_title(problem.replace("`", ""))
        panel.set_xlabel("image presentations (millions)")
        panel.set_ylabel("best validation accuracy (%)")
        panel.legend(frameon=False, loc="lower right")
    with atomic_write(path) as temporary:
        drawn.savefig(temporary, dpi=120)


def limits(yardstick: Sequence[Run], top: float) -> tuple[float, float]:
    """The range of accuracies that is drawn, in per cent.

    Args:
        yardstick: The runs of random search: what is lower than the worse of them at a tenth of
            the budget is left out, and so is what is 30 points below the best.
        top: The best accuracy of all, in 0..1.
    """
    budget, end = end_of(yardstick)
    low = float(np.percentile(bests(yardstick, budget / 10), 25)) or end / 2
    low = max(low, top - 0.3)
    margin = (top - low) / 20
    return 100 * (low - margin), 100 * (top + margin)


def _cost(runs: Sequence[Run], yardstick: Sequence[Run]) -> str:
    if min(len(runs), len(yardstick)) < 3:
        return "not enough runs"
    shares = cost_interval(runs, yardstick)
    middle, low, high = ("never" if math.isinf(share) else f"{share:.2f}" for share in shares)
    return middle if middle == low == high else f"{middle} ({low} to {high})"


def _p(ours: Sequence[float], theirs: Sequence[float]) -> str:
    from scipy.stats import mannwhitneyu  # slow to import

    if min(len(ours), len(theirs)) < 3:
        return "not enough runs"
    return f"{mannwhitneyu(ours, theirs).pvalue:.2g}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if share else "none"

"""The line that tells how a search goes: trials done, the best so far, the time left."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tqdm import tqdm

from tuning.store.results import best_of, duration, score_text
from tuning.strategies.base import Strategy
from tuning.trial import Trial

if TYPE_CHECKING:
    from tuning.search import Search


class SearchProgress:
    """A bar over trials, or over the budget of seconds where one is set.

    Where nobody looks, as in a log, it is a line of text at the end of every trial. The time left
    is told from the pace since this line began, by however many processes that was.
    """

    def __init__(
        self,
        trials: int | None,
        seconds: float | None,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.trials, self.seconds, self.quiet, self.clock = trials, seconds, quiet, clock
        self.paces = [RateEstimator(trials), RateEstimator(seconds)]
        total = seconds or trials
        self.bar = tqdm(
            total=total,
            bar_format="{percentage:3.0f} %|{bar:20}| {desc}" if total else "{desc}",
            disable=quiet or not sys.stderr.isatty(),
            dynamic_ncols=True,
        )
        self.bar.set_description_str("starting")
        self.decisions, self.ended = 0, 0

    def show(self, search: Search) -> None:
        """Bring the line up to date."""
        trials = search.trials()
        line = self.text(trials)
        ended = [trial for trial in trials if trial.result]
        if self.bar.disable:
            if not self.quiet and len(ended) > self.ended:
                print(line, file=sys.stderr, flush=True)
        else:
            done = _spent(ended) if self.seconds else len(ended)
            self.bar.n = min(done, self.bar.total) if self.bar.total else done
            self.bar.set_description_str(line)
        self.ended = len(ended)
        if not self.quiet:
            self._explain(search.strategy, trials)

    def text(self, trials: Sequence[Trial]) -> str:
        """What the line says of these trials, now."""
        ended = [trial for trial in trials if trial.result]
        spent, now = _spent(ended), self.clock()
        of = f" of {self.trials}" if self.trials else ""
        parts = [f"{len(ended)}{of} trials"]
        if running := len(trials) - len(ended):
            parts.append(f"{running} running")
        parts.append(_best(ended))
        of = f" of {duration(self.seconds)}" if self.seconds else ""
        parts.append(f"{duration(spent)}{of} of training")
        done = (len(ended), spent)
        known = [pace.left(each, now) for pace, each in zip(self.paces, done, strict=True)]
        left = [each for each in known if each is not None]
        if left and (running or min(left) >= 1):
            parts.append(_left(min(left)))
        elif not (self.trials or self.seconds):
            parts.append("how many more, the trials will tell")
        return ", ".join(parts)

    def _explain(self, strategy: Strategy, trials: Sequence[Trial]) -> None:
        decisions = strategy.explanation(trials)
        for decision in decisions[self.decisions :]:
            with contextlib.suppress(BrokenPipeError):  # nobody reads on, and the search goes on
                self.bar.write(f"{decision.stage}\n    {decision.text}")
        self.decisions = len(decisions)

    def close(self) -> None:
        """Leave the line as it stands."""
        self.bar.close()


class RateEstimator:
    """How fast something nears its total, by the clock, from when it was first looked at."""

    def __init__(self, total: float | None):
        self.total = total
        self.first: tuple[float, float] | None = None
        self.last: tuple[float, float] | None = None

    def left(self, done: float, now: float) -> float | None:
        """Seconds left, by the mean rate from the first look to the last step.

        Args:
            done: How much is done, in the units of the total; it must not fall.
            now: Seconds by any clock that does not go back.

        Returns:
            0 or more; None without a total, and before the first step was seen.
        """
        if self.total is None:
            return None
        self.first = self.first or (done, now)
        if self.last is None or done > self.last[0]:
            self.last = (done, now)
        progress, elapsed = done - self.first[0], self.last[1] - self.first[1]
        if progress <= 0 or elapsed <= 0:
            return None
        rest = max(self.total - done, 0.0) * elapsed / progress
        return max(rest - (now - self.last[1]), 0.0)


def _left(seconds: float) -> str:
    return f"about {duration(seconds)} left" if seconds >= 1 else "done at any moment"


def _best(ended: Sequence[Trial]) -> str:
    best = best_of(ended)
    return "nothing learned yet" if best is None else f"best {score_text(best)}"


def _spent(ended: Sequence[Trial]) -> float:
    return sum(trial.seconds for trial in ended)

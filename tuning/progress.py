"""The line that tells how a search goes: trials done, the best so far, the time left."""

from __future__ import annotations

import sys

from tqdm import tqdm

from tuning.broad import Broad
from tuning.course import Remark
from tuning.search import Search


class Line:
    """A bar over trials, or over the budget of seconds where one is set."""

    def __init__(self, trials: int | None, seconds: float | None, *, quiet: bool = False):
        self.seconds = seconds
        self.bar = tqdm(
            total=round(seconds) if seconds else trials,
            unit="s" if seconds else "trial",
            disable=quiet or not sys.stderr.isatty(),
        )
        self.told = 0

    def show(self, search: Search) -> None:
        """Bring the line up to date."""
        ended = [trial for trial in search.trials() if trial.result]
        spent = sum(trial.result["seconds"] for trial in ended)
        self.bar.n = min(round(spent), self.bar.total) if self.seconds else len(ended)
        if ended:
            best = max(trial.result["score"] for trial in ended)
            self.bar.set_postfix_str(f"{len(ended)} trials, best {best:.2%}", refresh=False)
        self.bar.refresh()
        if isinstance(search.strategy, Broad):
            self._tell(search.strategy.story(search.trials()))

    def _tell(self, story: list[Remark]) -> None:
        for remark in story[self.told :]:
            self.bar.write(f"{remark.stage}\n    {remark.text}")
        self.told = len(story)

    def close(self) -> None:
        """Leave the line as it stands."""
        self.bar.close()

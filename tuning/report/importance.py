"""How much each setting matters: a random forest predicts accuracy, and its values are shuffled.

Permutation importance (L. Breiman 2001), measured on trials that the forest has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tuning.report import fanova, scales
from tuning.report.record import Record
from tuning.trial import Trial

# With fewer trials a forest knows next to nothing.
FEWEST = 12

FOLDS, TREES, SHUFFLES = 5, 50, 10


@dataclass(frozen=True)
class Importance:
    """Of each setting, the points of accuracy by which predictions get worse without it.

    `explained` is the share of the differences among unseen trials that the forest foretells;
    at 0 or below it has learned nothing, and the importances mean nothing. `unvaried` settings had
    one value in all trials. `trials` and `problem` say what it was measured on. `shares` are
    those of the differences among scores, by functional ANOVA; empty without Optuna, and where the
    forest has learned nothing.
    """

    points: dict[str, float]
    explained: float
    unvaried: tuple[str, ...]
    trials: int
    problem: str
    shares: Mapping[str, fanova.Share] = field(default_factory=dict)


def importance(record: Record) -> Importance | str:
    """The importance of each setting; a sentence where there are too few trials to tell."""
    problem, trials = comparable(record)
    if len(trials) < FEWEST:
        return (
            f"Too few trials to tell: {len(trials)} that saw {problem} have ended, and it takes "
            f"{FEWEST}."
        )
    scores = np.array([100 * trial.score for trial in trials])
    if np.ptp(scores) == 0:
        return "All trials scored the same: nothing mattered."
    places = {
        name: np.array([scale.place(trial.values[name]) for trial in trials])
        for name, scale in places_of(record, trials)
    }
    varied = [name for name, column in places.items() if np.ptp(column) > 0]
    if not varied:
        return "All trials had the same values: there is nothing to compare."
    points, explained = _shuffled(np.stack([places[name] for name in varied], axis=1), scores)
    telling = explained > 0 and fanova.available()
    return Importance(
        dict(zip(varied, points, strict=True)),
        explained,
        tuple(name for name in places if name not in varied),
        len(trials),
        problem,
        fanova.shares({name: places[name] for name in varied}, scores) if telling else {},
    )


def comparable(record: Record) -> tuple[str, list[Trial]]:
    """The trials on the fullest problem that enough saw; on the one that most saw otherwise."""
    groups = [
        (str(problem), [t for t in record.ended if t.fidelity.rank == problem.rank])
        for problem in record.problems
    ]
    enough = [group for group in groups if len(group[1]) >= FEWEST]
    if enough:
        return enough[-1]
    return max(groups, key=lambda group: len(group[1]), default=("the problem", []))


def places_of(record: Record, trials: Sequence[Trial]) -> list[tuple[str, scales.Scale]]:
    """The axis of each setting, over all that these trials had.

    Args:
        record: With the space.
        trials: Each has a value of every setting.
    """
    return [
        (name, scales.of_setting(name, kind, [trial.values[name] for trial in trials]))
        for name, kind in record.space.ranges
    ]


def _shuffled(places: np.ndarray, scores: np.ndarray) -> tuple[list[float], float]:
    """The importance of each column, and the explained share, over folds of unseen trials."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold

    foretold, worse = np.empty_like(scores), []
    for seen, unseen in KFold(FOLDS, shuffle=True, random_state=0).split(places):
        forest = RandomForestRegressor(TREES, random_state=0).fit(places[seen], scores[seen])
        foretold[unseen] = forest.predict(places[unseen])
        measured = permutation_importance(
            forest,
            places[unseen],
            scores[unseen],
            scoring="neg_mean_absolute_error",
            n_repeats=SHUFFLES,
            random_state=0,
        )
        worse.append(measured.importances_mean)
    return [float(each) for each in np.mean(worse, axis=0)], float(r2_score(scores, foretold))

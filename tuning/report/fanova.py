"""The share of each setting in the differences among scores, by Optuna's functional ANOVA.

Source: F. Hutter, H. Hoos and K. Leyton-Brown, "An efficient approach for assessing hyperparameter
importance", 2014. The intervals are by bootstrap: trials are drawn again, with replacement.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from dataclasses import dataclass

import numpy as np

# Draws of all trials, trees of each forest, and the ends of the interval.
DRAWS, TREES, ENDS = 20, 16, (0.05, 0.95)


@dataclass(frozen=True)
class Share:
    """Of the differences among scores, the share of one setting alone, with a 90 % interval.

    The shares of all settings do not add up to 1: the rest is what several do together.
    """

    share: float
    low: float
    high: float


def available() -> bool:
    """Whether Optuna is installed."""
    return importlib.util.find_spec("optuna") is not None


def shares(places: dict[str, np.ndarray], scores: np.ndarray) -> dict[str, Share]:
    """The share of each setting.

    Args:
        places: Of each setting that varied, where each trial's value stands on its axis.
        scores: Of the same trials.
    """
    columns = tuple(tuple(column.tolist()) for column in places.values())
    return dict(zip(places, _shares(columns, tuple(scores.tolist())), strict=True))


@functools.lru_cache(maxsize=8)
def _shares(columns: tuple[tuple[float, ...], ...], scores: tuple[float, ...]) -> list[Share]:
    table, target = np.array(columns).T, np.array(scores)
    generator = np.random.default_rng(0)
    drawn = [generator.integers(len(target), size=len(target)) for _ in range(DRAWS)]
    known = [rows for rows in drawn if np.ptp(target[rows]) > 0 and np.ptp(table[rows], 0).all()]
    whole = _fanova(table, target)
    again = np.array([whole, *(_fanova(table[rows], target[rows]) for rows in known)])
    low, high = np.quantile(again, ENDS, axis=0)
    return [Share(float(whole[n]), float(low[n]), float(high[n])) for n in range(len(whole))]


def _fanova(table: np.ndarray, target: np.ndarray) -> list[float]:
    import optuna
    from optuna.distributions import BaseDistribution, FloatDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    low, high = float(table.min()), float(table.max())
    names = [str(column) for column in range(table.shape[1])]
    axes: dict[str, BaseDistribution] = {name: FloatDistribution(low, high) for name in names}
    study = optuna.create_study(direction="maximize")
    for row, value in zip(table.tolist(), target.tolist(), strict=True):
        point = dict(zip(names, row, strict=True))
        study.add_trial(create_trial(params=point, distributions=axes, value=value))
    evaluator = FanovaImportanceEvaluator(n_trees=TREES, max_depth=16, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # Else they would add up to all: what settings do together would be given to each alone.
        found = get_param_importances(study, evaluator=evaluator, normalize=False)
    return [float(found[name]) for name in names]

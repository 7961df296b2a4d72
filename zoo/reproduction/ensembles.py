"""Ensembles of runs: how votes do whose members are sampled from many trained runs.

A recipe trained with N seeds is a pool of N members, and any few of them make a vote. One vote's
score is luck to some part; the scores of all of them say what voting brings.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from zoo.data import Data, Split
from zoo.errors import RunError, SpecError
from zoo.evaluation.scores import Score, outputs_of
from zoo.nn.builder import build_model
from zoo.nn.voting import Tally
from zoo.registry import get_spec
from zoo.reproduction.reproduce import RUNS, run_folder
from zoo.spec import EnsembleSpec, ModelSpec, Rule
from zoo.training.fitting import fitted
from zoo.training.run_folder import load_run
from zoo.training.run_record import read_run
from zoo.utils.whole import whole_number

# Outputs of members that are counted in one go: 40 MB of them.
MOST_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Counts:
    """How many images of one set are classified correctly, of `total`.

    `members` has a number for each member of the pool, `votes` one for each ensemble; `full_pool`
    is the number of the ensemble of all members.
    """

    total: int
    members: np.ndarray
    votes: np.ndarray
    full_pool: int


@dataclass(frozen=True)
class EnsembleScores:
    """The scores of ensembles of one size, whose members are runs of one recipe.

    `subsets` [n, of] has the places of each ensemble's members in `seeds`, of `possible` subsets.
    `best` is the ensemble, as places, that the validation images choose: the members that are best
    on them, each on its own, and of equal ones those with the lower seeds. Ensembles share members,
    so their scores lie closer together than those of ensembles that share none.
    """

    network: str
    seeds: tuple[int, ...]
    rule: str
    subsets: np.ndarray
    possible: int
    best: tuple[int, ...]
    best_on_test: Score
    validation: Counts
    test: Counts

    @property
    def of(self) -> int:
        """Members of an ensemble."""
        return self.subsets.shape[1]

    def to_plain(self) -> dict[str, Any]:
        """Everything, each draw by its seeds, as plain data for a file."""
        record = {"network": self.network, "rule": self.rule, "of": self.of, "seeds": [*self.seeds]}
        record |= {"possible": self.possible, "draws": np.array(self.seeds)[self.subsets].tolist()}
        for name, counts in (("validation", self.validation), ("test", self.test)):
            record[name] = {
                "total": counts.total,
                "members": counts.members.tolist(),
                "votes": counts.votes.tolist(),
                "everyone": counts.full_pool,
            }
        best = [self.seeds[place] for place in self.best]
        return record | {
            "best_on_validation": best,
            "their_vote_on_test": self.best_on_test.correct,
        }

    def __str__(self) -> str:
        drawn = f"all {self.possible:,} of them"
        if len(self.subsets) < self.possible:
            drawn = f"{len(self.subsets):,} of {self.possible:,}, at random"
        lines = [
            f"{len(self.seeds)} runs of {self.network}; votes of {self.of} by {self.rule}, {drawn}",
            f"\n{'images answered rightly':26}{'mean':>10}{'sd':>7}{'least':>8}{'most':>8}",
        ]
        for name, counts in (("validation", self.validation), ("test", self.test)):
            rows = ((f"{self.of} vote", counts.votes), ("one alone", counts.members))
            lines += [_line(f"{name}, {who}", found) for who, found in rows]
            lines.append(f"{f'{name}, all {len(self.seeds)} vote':26}{counts.full_pool:10,.1f}")
        seeds = ", ".join(str(self.seeds[place]) for place in self.best)
        lines.append(
            f"\nThe {self.of} best on the validation images, seeds {seeds}:\n"
            f"their vote on the test images is right on {self.best_on_test}"
        )
        return "\n".join(lines)


def sample_ensembles(
    network: str | ModelSpec,
    data: Data,
    seeds: Iterable[int] | None = None,
    *,
    of: int = 5,
    rule: Rule = "plurality",
    most: int = 1000,
    runs: Path = RUNS,
) -> EnsembleScores:
    """Score ensembles of a network's trained runs: all that the runs allow, or a random sample.

    Each run classifies the validation and the test images once.

    Args:
        network: The recipe whose runs are the pool.
        data: The images that the ensembles are scored on.
        seeds: Which runs form the pool; None for all in `runs` that did not diverge.
        of: Members of an ensemble.
        rule: 'plurality' or 'mean', as in `EnsembleSpec`.
        most: How many ensembles are scored at most.
        runs: The folder of the runs.

    Returns:
        The number of correct images for each member, each ensemble, and the whole pool.

    Raises:
        RunError: A run is missing, not finished, diverged, or of other classes than the data's.
        SpecError: There are fewer runs than `of`, the rule does not exist, or the network is an
            ensemble already.
    """
    spec = get_spec(network)
    if not isinstance(spec, ModelSpec):
        raise SpecError(f"{spec.name} is a vote: draw from the runs of its members' recipe")
    spec = fitted(spec, data)  # runs on one's own pictures are of this one
    seeds = tuple(_found(spec, runs) if seeds is None else sorted(set(seeds)))
    if not 1 <= of <= len(seeds):
        raise SpecError(
            f"votes of {of} need as many runs of {spec.name}, and there are {len(seeds)} in "
            f"{runs}: train more, with other seeds"
        )
    EnsembleSpec(spec.name, (spec.layers,) * of, spec.recipe, rule=rule, input=spec.input)  # checks
    splits = (data.validation, data.test)
    folders = [run_folder(spec.name, seed, runs) for seed in seeds]
    outputs = [_outputs(folder, spec, data.class_names, splits) for folder in folders]
    validation, test = (np.stack(each) for each in zip(*outputs, strict=True))
    subsets = sample_subsets(len(seeds), of, most)
    alone = _alone(validation, data.validation.labels)
    best = tuple(sorted(np.argsort(-alone, kind="stable")[:of].tolist()))
    (right,) = count_correct(test, data.test.labels, np.array([best]), rule)
    return EnsembleScores(
        spec.name,
        seeds,
        rule,
        subsets,
        math.comb(len(seeds), of),
        best,
        Score(int(right), len(data.test)),
        _counts(validation, data.validation, subsets, rule),
        _counts(test, data.test, subsets, rule),
    )


def sample_subsets(pool: int, of: int, most: int) -> np.ndarray:
    """Every subset of `of` members from a pool, or a random sample of them.

    Args:
        pool: The number of members to choose from.
        of: Members of a subset.
        most: How many subsets are returned at most.

    Returns:
        Integers [n, of]: the members of each subset, in 0..pool - 1.

    >>> sample_subsets(3, 2, most=10).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    possible = math.comb(pool, of)
    if possible <= most:
        return np.array(list(itertools.combinations(range(pool), of)))
    generator = np.random.default_rng(0)
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < most:
        places = generator.choice(pool, of, replace=False)
        drawn[tuple(sorted(places.tolist()))] = None
    return np.array(list(drawn))


def count_correct(
    outputs: np.ndarray, labels: np.ndarray, subsets: np.ndarray, rule: str
) -> np.ndarray:
    """How many images each ensemble classifies correctly.

    Args:
        outputs: [pool, images, 10], the outputs of each member of the pool for each image.
        labels: [images], the true digits.
        subsets: [n, of], the members of each ensemble.
        rule: 'plurality' or 'mean', as in `EnsembleSpec`.

    Returns:
        Integers [n].
    """
    answers = outputs.argmax(axis=-1)
    settled = (answers == answers[0]).all(axis=0)  # whoever votes, these have one answer
    surely = int(np.sum(answers[0, settled] == labels[settled]))
    outputs, labels = outputs[:, ~settled], labels[~settled]
    tally, found = Tally(rule), []
    at_once = max(1, MOST_AT_ONCE // (subsets.shape[1] * max(1, len(labels))))
    for start in range(0, len(subsets), at_once):
        part = subsets[start : start + at_once]
        drawn = np.swapaxes(outputs[part], 0, 1)
        votes = tally([member.reshape(-1, outputs.shape[-1]) for member in drawn])
        digits = ops.convert_to_numpy(votes).argmax(axis=-1).reshape(len(part), len(labels))
        found.append(surely + (digits == labels).sum(axis=1))
    return np.concatenate(found)


def _counts(outputs: np.ndarray, split: Split, subsets: np.ndarray, rule: str) -> Counts:
    (pool,) = count_correct(outputs, split.labels, np.arange(len(outputs))[None], rule)
    return Counts(
        total=len(split),
        members=_alone(outputs, split.labels),
        votes=count_correct(outputs, split.labels, subsets, rule),
        full_pool=int(pool),
    )


def _alone(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (outputs.argmax(axis=-1) == labels).sum(axis=1)


def _found(spec: ModelSpec, runs: Path) -> list[int]:
    seeds = (path.parent.name.rpartition("-seed")[2] for path in runs.glob("*/run.json"))
    numbers = sorted({number for seed in seeds if (number := whole_number(seed)) is not None})
    records = {seed: run_folder(spec.name, seed, runs) / "run.json" for seed in numbers}
    return [seed for seed, path in records.items() if path.exists() and not read_run(path).diverged]


def _outputs(
    folder: Path, spec: ModelSpec, class_names: tuple[str, ...], splits: Iterable[Split]
) -> list[np.ndarray]:
    if (folder / "run.json").exists():
        record = read_run(folder / "run.json")
        if record.diverged:
            raise RunError(f"{folder} holds a run that diverged: leave its seed out")
        if record.classes != class_names:
            raise RunError(f"{folder} holds a run of other classes than the data's: leave it out")
    trained_by, trained = load_run(folder)
    if trained_by.hash != spec.hash:
        raise RunError(f"{folder} holds a run of another recipe than {spec.name}: leave it out")
    # As `load` builds what is published: the precision of a recipe is for training alone.
    model = build_model(spec.with_settings(precision="float32"), draw_weights=False)
    model.set_weights(trained.get_weights())
    return [outputs_of(model, split) for split in splits]


def _line(name: str, found: np.ndarray) -> str:
    deviation = f"{found.std(ddof=1):.1f}" if len(found) > 1 else "-"
    return f"{name:26}{found.mean():10,.1f}{deviation:>7}{found.min():8,}{found.max():8,}"

"""A strategy of a user's own: one file, which the command line, search.json and the report know."""

from __future__ import annotations

import importlib
import json
import re

import pytest

import zoo
from tuning import Choice, SearchSpace
from tuning.cli import _parser, main
from tuning.report.record import read_record
from tuning.search import Search
from tuning.strategies.registry import BUILT_IN, read_strategy, register_strategy, strategies
from zoo.errors import SpecError

LADDER = '''
"""A ladder: learning rates that double, rung by rung."""

from collections.abc import Sequence
from dataclasses import dataclass

from tuning.space import SearchSpace
from tuning.strategies.base import Decision, Strategy
from tuning.strategies.registry import Option, count, register_strategy
from tuning.trial import Suggestion, Trial


@register_strategy("ladder", "doubles a rate", options=(Option("--rungs", count, 2, "how many"),))
@dataclass(frozen=True)
class Ladder(Strategy):
    space: SearchSpace
    rungs: int = 2

    def suggest(self, trials: Sequence[Trial]) -> Suggestion | None:
        values = {name: 0.1 * 2 ** len(trials) for name, _ in self.space.ranges}
        return Suggestion(values) if len(trials) < self.rungs else None

    @property
    def total(self) -> int:
        return self.rungs

    def explanation(self, trials: Sequence[Trial]) -> list[Decision]:
        return [Decision("climbing", f"rung {trial.number}", (trial.number,)) for trial in trials]
'''
SPACE = {"learning_rate": {"uniform": [0.1, 10]}}


def test_a_strategy_of_ones_own_goes_all_the_way(bars, idx_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "ladder_strategy.py").write_text(LADDER)
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    project = tmp_path / "search"
    command = ["--import", "ladder_strategy", "ladder", "linear", "--space", "space.json",
               "--project", str(project), "--data", str(idx_folder), "--epochs", "1",
               "--limit", "300", "--rungs", "3"]  # fmt: skip
    assert main(command) == 0
    printed = capsys.readouterr()
    assert "best: trial" in printed.out
    assert "climbing\n    rung 2" in printed.out
    assert len((project / "trials.csv").read_text().splitlines()) == 1 + 3
    payload = json.loads((project / "search.json").read_text())["strategy"]
    assert payload == {"kind": "Ladder", "rungs": 3}

    record = read_record(project)
    assert record.strategy == importlib.import_module("ladder_strategy").Ladder(record.space, 3)
    assert record.total == 3

    journal = project / "journal.jsonl"
    ended, again = journal.read_text().splitlines(keepends=True)[-1], []
    journal.write_text(journal.read_text().removesuffix(ended))
    data = zoo.load_data(idx_folder, progress=False)
    found = Search(project, record.spec, record.space, record.strategy)
    found.work(data, tell=again.append)
    assert [trial.number for trial in again] == [json.loads(ended)["trial"]], "it went on"

    assert main(["report", str(project)]) == 0
    page = (project / "report.html").read_text()
    assert "climbing" in page
    assert re.search(r"rung\s+2", re.sub("<[^>]+>", " ", page))


def test_every_strategy_is_read_back_from_its_json():
    spec = zoo.get_spec("mlp30")
    space = SearchSpace.of(learning_rate=Choice(0.1, 0.2), l2=Choice(0, 5), units=Choice(5, 10))
    for name in BUILT_IN:
        options = _parser().parse_args([name, "mlp30"])
        strategy = options.strategy.kind.from_options(options, spec, space)
        plain = json.loads(json.dumps(strategy.to_plain()))
        assert read_strategy(plain, spec, space) == strategy
        assert read_strategy({**plain, "no such setting": 1}, spec, space) is None
    assert read_strategy({"kind": "of another version"}, spec, space) is None


def test_a_name_is_given_once():
    with pytest.raises(SpecError, match="there is a strategy 'grid' already"):
        register_strategy("grid", "another")(type("Another", (), {}))
    assert strategies()["grid"].kind.__name__ == "Grid"

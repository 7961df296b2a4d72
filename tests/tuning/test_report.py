"""The report of a search: its page in headless Chromium, its numbers, what is kept beside it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import zoo
from tests.tuning.test_broad import MLP30, played
from tests.tuning.test_broad import SPACE as BROAD_SPACE
from tuning import Choice, Integer, LogUniform, SearchSpace, Uniform
from tuning.cli import main
from tuning.fidelity import Fidelity
from tuning.progress import RateEstimator, SearchProgress
from tuning.report import charts
from tuning.report.command import _over
from tuning.report.importance import FEWEST, Importance, importance
from tuning.report.page import GENERATOR, page
from tuning.report.record import read_record
from tuning.report.scales import accuracy, linear, logarithmic, named, of_setting, round_numbers
from tuning.search import Search
from tuning.store.events import ended_event
from tuning.store.results import best_of, duration, note_end, to_csv
from tuning.store.trials import TrialStore
from tuning.strategies.broad import Broad
from tuning.strategies.grid import Grid
from tuning.strategies.random import Random
from tuning.trial import Trial, TrialResult
from zoo.errors import RunError
from zoo.utils.html_page import generator_tag

EVIL = "<script>window.hacked = 1</script>"
QUOTED = "\"'><img src=x onerror='window.hacked=2'>&amp;"
SPEC = zoo.get_spec("mlp30").with_settings(epochs=4)
SPACE = SearchSpace.of(
    learning_rate=LogUniform(0.01, 10.0),
    l2=LogUniform(0.1, 100.0),
    cost=Choice("cross_entropy", EVIL, QUOTED),
)


def result(score, *, seconds=2.0, curve=None, costs=None, seed=0, diverged=False) -> TrialResult:
    """What a trial of one seed came to, as `tuning.execution` tells it."""
    score = float(score)
    curve = curve or [score / 2, score, score * 0.99]
    fields = {
        "seed": seed, "accuracy": score, "best_epoch": 0 if diverged else 2, "epochs": len(curve),
        "diverged": diverged, "seconds": seconds, "curve": curve,
        "costs": costs or [2.0, 1.5 - score, 1.4 - score], "seconds_an_epoch": seconds / 3,
    }  # fmt: skip
    return TrialResult.from_plain({"score": score, "executions": [fields], "seconds": seconds})


FAILED = TrialResult(0.0, seconds=0.1, error=f"no batch of {EVIL}")
DIVERGED = result(0.0, curve=[0.1, 0.1, 0.1], costs=[3.0, None, None], diverged=True)


def recorded(folder, trials, *, space=SPACE, spec=SPEC, strategy=None):
    """The record of a search whose journal tells of these trials, in this order."""
    project = folder / "search"
    project.mkdir(parents=True)
    fields = {"kind": "Random", "trials": 40, "seed": 0} if strategy is None else strategy
    identity = {"network": spec.name, "spec": spec.to_plain(), "space": space.to_plain()}
    identity |= {"executions": 1, "seed": 0, "strategy": fields, "data": "x"}
    (project / "search.json").write_text(json.dumps(identity))
    with TrialStore(project).journal.writing() as writer:
        for trial in trials:
            began = {"event": "started", "trial": trial.number, "values": trial.values}
            fidelity = {"fidelity": trial.fidelity.to_plain(), "time": 1e9 + 10 * trial.number}
            writer.add({**began, **fidelity})
        for trial in trials:
            if trial.result:
                writer.add(ended_event(trial.number, trial.result))
    return read_record(project)


def some_trials(count=16) -> list[Trial]:
    """Trials whose accuracy rises with the learning rate and with nothing else; the last runs."""
    generator, trials = np.random.default_rng(0), []
    for number in range(count):
        rate, decay = 10 ** generator.uniform(-2, 1), 10 ** generator.uniform(-1, 2)
        values = {"learning_rate": rate, "l2": decay, "cost": (EVIL, QUOTED)[number % 2]}
        score = 0.9 + 0.025 * (np.log10(rate) + 2)
        trials.append(Trial(number, values, result(score, seconds=float(1 + number % 5))))
    for known in (trials[0], max(trials, key=lambda trial: trial.score)):
        known.values["cost"] = "cross_entropy"
    trials[3] = Trial(3, trials[3].values, DIVERGED)
    trials[4] = Trial(4, trials[4].values, FAILED)
    return [*trials, Trial(count, trials[0].values)]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("report"), some_trials())


@pytest.fixture
def visit(chromium):
    """Open the page of a project at a width; complain at the end if its console did."""

    def opened(record, width=1000):
        assert main(["report", str(record.project)]) == 0
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chromium.get((record.project / "report.html").resolve().as_uri())
        return chromium

    yield opened
    assert chromium.get_log("browser") == []


def all_of(browser, css):
    return browser.find_elements("css selector", css)


def column(browser, name):
    headings = [each.text.split(" ↕")[0] for each in all_of(browser, "#trials th button")]
    number = headings.index(name) + 1
    return [each.text for each in all_of(browser, f"#trials tbody td:nth-child({number})")]


# --- in the browser -------------------------------------------------------------------------------


@pytest.mark.integration
def test_words_from_a_journal_stay_words(visit, record):
    browser = visit(record)
    assert browser.execute_script("return window.hacked") is None
    assert not all_of(browser, "img, main script")
    costs = set(column(browser, "cost"))
    assert costs == {"cross_entropy", EVIL, QUOTED}
    assert column(browser, "remark")[4] == f"no batch of {EVIL}"
    titles = browser.execute_script(
        "return [...document.querySelectorAll('circle title')].map((each) => each.textContent)"
    )
    assert any(f"cost = {QUOTED}" in title for title in titles)


def test_a_press_on_a_heading_sorts_by_numbers_and_leaves_the_unknown_last(visit, record):
    browser = visit(record)
    heading = all_of(browser, "#trials th")[1]
    scores = [f"{100 * trial.score:.2f}" for trial in record.ended]
    for direction, falling in (("ascending", False), ("descending", True)):
        heading.find_element("tag name", "button").click()
        assert heading.get_attribute("aria-sort") == direction
        expected = [*sorted(scores, key=float, reverse=falling), ""]
        assert column(browser, "validation (%)") == expected
    all_of(browser, "#trials th button")[4].click()
    assert [each.get_attribute("aria-sort") for each in all_of(browser, "#trials [aria-sort]")] == [
        "ascending"
    ]


def test_a_trial_is_shown_in_all_charts_by_pointer_and_by_keyboard(visit, record):
    browser = visit(record)
    best = record.best.number
    button = all_of(browser, f"#trial-{best} button")[0]
    button.send_keys("\ue007")  # Enter
    assert button.get_attribute("aria-pressed") == "true"
    lit = all_of(browser, ".lit")
    assert {each.get_attribute("data-trial") for each in lit} == {str(best)}
    settings = 3 + 3  # a chart each, and one for each pair
    assert len(lit) == 1 + 3 + 1 + 2 + settings, "the row, three marks, a line, two curves"
    button.send_keys("\ue007")
    assert not all_of(browser, ".lit")


@pytest.mark.integration
@pytest.mark.parametrize("width", [390, 1000])
def test_the_page_fits_its_width_and_all_that_is_pressed_has_a_name(visit, record, width):
    browser = visit(record, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    named = all_of(browser, "main button, main a, [role=img], [role=region]")
    assert len(named) > 10
    assert all(each.accessible_name for each in named)


@pytest.mark.integration
def test_the_broad_strategy_tells_its_story_and_links_to_its_trials(visit, tmp_path):
    strategy = Broad(MLP30, BROAD_SPACE)
    trials = played(strategy)
    fields = {"kind": "Broad", "start": dict(strategy.start)}
    found = recorded(tmp_path, trials, space=BROAD_SPACE, spec=MLP30, strategy=fields)
    browser = visit(found)
    said = browser.find_element("id", "story").text
    story = strategy.explanation(trials)
    assert len(story) > 10
    for remark in story:
        assert remark.text in said
        assert remark.stage in said
    links = [each.get_attribute("href") for each in all_of(browser, "#story a")]
    assert [int(link.rpartition("-")[2]) for link in links] == [
        number for remark in story for number in remark.trials
    ]
    assert all(browser.find_element("id", link.rpartition("#")[2]) for link in links)
    assert len(set(column(browser, "problem"))) == 5
    ways = all_of(browser, "#parallel polyline.way")
    assert len(ways) == len(trials)
    full = [trial for trial in trials if trial.fidelity.rank == Fidelity().rank]
    assert len(all_of(browser, "#parallel polyline.way.less")) == len(trials) - len(full)


def test_a_page_needs_nothing_from_outside(record):
    text = page(record)
    assert "default-src 'none'" in text
    assert not re.findall(r"\b(?:src|href)=['\"](?!#)", text.replace(QUOTED, ""))
    assert not re.findall(r"\w+://", text)


# --- the charts, against numbers taken from the trials themselves ---------------------------------


def marks(svg):
    found = re.findall(r'class="(?:full|best)" data-trial="(\d+)" cx="([\d.]+)" cy="([\d.]+)"', svg)
    return {int(trial): (float(x), float(y)) for trial, x, y in found}


def straight(places, values):
    """Whether places lie on a straight line over values, but for a digit in the last place."""
    return np.abs(np.polyval(np.polyfit(values, places, 1), values) - places).max() < 0.1


def test_marks_stand_where_time_cost_and_accuracy_put_them(record):
    learned = [trial for trial in record.ended if trial.score]
    numbers = [trial.number for trial in learned]
    seconds = [trial.result.seconds for trial in record.ended]
    spent = dict(zip(record.order, np.cumsum(seconds), strict=True))
    stretched = [np.log10(1 - trial.score) for trial in learned]
    costs = [np.log10(trial.executions[0].costs[1]) for trial in learned]
    own = [np.log10(trial.result.seconds) for trial in learned]
    for draw, values in (
        (charts.against_time, [spent[number] for number in numbers]),
        (charts.against_seconds, own),
        (charts.against_cost, costs),
    ):
        found = marks(draw(record))
        assert sorted(found) == sorted(numbers)
        assert straight([found[number][0] for number in numbers], values)
        assert straight([found[number][1] for number in numbers], stretched)
    assert charts.against_time(record).count('class="cross"') == 2
    assert charts.against_cost(record).count('class="cross"') == 0, "no cost, no mark"


def test_the_best_so_far_never_falls_and_ends_at_the_best(record):
    svg = charts.against_time(record)
    points = re.search(r'class="so-far" points="([^"]+)"', svg)[1].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == marks(svg)[record.best.number][1]


def test_parallel_coordinates_lead_each_trial_through_its_values(record):
    lines = re.findall(r'data-trial="(\d+)" points="([^"]+)"', charts.parallel(record))
    ways = {
        int(trial): [tuple(map(float, point.split(","))) for point in points.split()]
        for trial, points in lines
    }
    assert sorted(ways) == sorted(record.order)
    heights = np.array([[y for _, y in ways[trial.number]] for trial in record.ended])
    assert heights.shape[1] == 4
    rates = [np.log10(trial.values["learning_rate"]) for trial in record.ended]
    assert straight(heights[:, 0], rates)
    assert set(heights[:, 2]) == {34.0, 169.0, 304.0}
    fallen = [n for n, trial in enumerate(record.ended) if not trial.score]
    assert all(heights[fallen, 3] > heights[:, 0].max())
    assert list(ways)[-1] == record.best.number, "in front of all others"


def test_learning_curves_are_those_of_the_best_five_and_skip_what_is_not_known(tmp_path):
    trials = some_trials()
    best = max((trial for trial in trials), key=lambda trial: trial.score)
    trials[best.number] = Trial(best.number, best.values, result(0.99, costs=[2.0, None, 1.0]))
    found = recorded(tmp_path, trials)
    accuracies, costs, drawn = charts.curves(found)
    ranked = sorted(trials, key=lambda trial: -trial.score)[:5]
    assert [trial.number for trial in drawn] == [trial.number for trial in ranked]
    assert accuracies.count("<polyline") == costs.count("<polyline") == 5
    points = re.search(r'class="curve curve0"[^>]+points="([^"]+)"', costs)[1]
    assert len(points.split()) == 2


def test_several_seeds_are_all_drawn_and_told(bars, tmp_path):
    space = SearchSpace.of(learning_rate=Choice(0.1))
    spec = zoo.get_spec("linear").with_settings(epochs=1)
    found = Search(tmp_path / "search", spec, space, Grid(space), executions=2)
    found.work(bars.take(200))
    record = read_record(found.project)
    assert record.best == found.best()
    assert record.total == 1
    assert charts.curves(record)[0].count("<polyline") == 2
    assert "best seed (%)" in page(record)


# --- scales ---------------------------------------------------------------------------------------


def test_scales_put_ends_at_the_ends_and_ticks_on_round_numbers():
    assert [linear("", [2, 6]).place(value) for value in (2, 3, 6)] == [0, 0.25, 1]
    scale = logarithmic("", [0.01, 100.0])
    assert [round(scale.place(value), 9) for value in (0.01, 1, 100)] == [0, 0.5, 1]
    assert [label for _, label in scale.ticks] == ["0.01", "0.1", "1", "10", "100"]
    assert [label for _, label in linear("", [0, 23]).ticks] == ["0", "5", "10", "15", "20"]
    assert len(logarithmic("", [2.0, 4.0]).ticks) >= 2
    assert len(round_numbers(0.9581, 0.9662)) >= 3


def test_a_zero_stands_below_every_power_and_what_is_outside_has_its_place():
    scale = of_setting("l2", LogUniform(0.01, 10.0), [0.0, 1000.0, 1.0])
    assert scale.place(0.0) == 0 < scale.place(0.01) < scale.place(1.0) < scale.place(1000.0) == 1
    assert scale.ticks[0] == (0.0, "0")
    assert of_setting("units", Integer(10, 50), [10]).place(30) == 0.5
    assert of_setting("momentum", Uniform(0, 0.9), [0.3]).place(0.9) == 1


def test_choices_stand_at_equal_distances_numbers_in_order():
    scale = of_setting("batch_size", Choice(20, 5), [40])
    assert [scale.place(value) for value in (5, 20, 40)] == [0, 0.5, 1]
    lambdas = of_setting("l2", Choice(0, 5), [0.0, 5])
    assert [text for _, text in lambdas.ticks] == ["0", "5"], "0 and 0.0 are one value"
    words = of_setting("augment", Choice(None, ["shift"], ["shift", "skew"]), [None])
    assert [words.place(value) for value in (None, ["shift"], ["shift", "skew"])] == [0, 0.5, 1]
    assert named("", ["alone"]).place("alone") == 0.5


def test_what_halves_the_error_is_one_step_up():
    scale = accuracy("", [0.2, 0.995])
    steps = np.diff([scale.place(1 - error) for error in (0.8, 0.4, 0.2, 0.1, 0.05)])
    np.testing.assert_allclose(steps, steps[0])
    assert accuracy("", [1.0, 0.5]).place(1.0) <= 1
    assert len(accuracy("", [0.958, 0.9662]).ticks) >= 3
    assert accuracy("", [0.9]).ticks


# --- what matters ---------------------------------------------------------------------------------


def test_the_setting_that_alone_decides_is_the_one_that_matters(tmp_path):
    trials = [trial for trial in some_trials(40) if trial.score]
    found = importance(recorded(tmp_path, [Trial(n, t.values, t.result) for n, t in
                                           enumerate(trials)]))  # fmt: skip
    assert isinstance(found, Importance)
    assert found.points["learning_rate"] > 10 * abs(found.points["l2"])
    assert found.points["learning_rate"] > 10 * abs(found.points["cost"])
    assert found.explained > 0.8
    assert found.trials == 38


@pytest.mark.integration
def test_where_nothing_can_be_foretold_the_page_says_so(tmp_path):
    generator = np.random.default_rng(1)
    trials = [
        Trial(trial.number, {**trial.values, "cost": EVIL}, result(generator.uniform(0.5, 0.9)))
        for trial in some_trials(20)
    ]
    found = recorded(tmp_path, trials)
    shares = importance(found)
    assert shares.explained <= 0
    assert shares.unvaried == ("cost",)
    text = page(found)
    assert "these bars mean nothing" in text
    assert "cost had one value in all of them" in text


def test_too_few_trials_are_no_ground(tmp_path):
    trials = some_trials(FEWEST - 2)
    assert "Too few trials to tell: 10" in importance(recorded(tmp_path / "few", trials))
    same = [Trial(n, {**t.values, "l2": 1.0 + n}, result(0.9)) for n, t in enumerate(trials * 2)]
    assert "scored the same" in importance(recorded(tmp_path / "same", same))
    values = some_trials()[0].values
    alike = [Trial(n, values, result(0.9 + n / 1000)) for n in range(FEWEST)]
    assert "the same values" in importance(recorded(tmp_path / "alike", alike))


def test_only_trials_on_one_problem_are_compared(tmp_path):
    reduced = Fidelity(images=1000)
    trials = [Trial(t.number, t.values, t.result, reduced) for t in some_trials(20) if t.result]
    trials += [Trial(20, trials[0].values, result(0.5))]
    found = importance(recorded(tmp_path, trials))
    assert (found.trials, found.problem) == (20, "1,000 images")


# --- searches of every state ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([], "No trial has begun yet"),
        ([Trial(0, some_trials()[0].values)], "No trial has ended yet"),
        (some_trials()[:1], "Trial 0 is the best"),
        ([Trial(0, some_trials()[0].values, DIVERGED)], "No trial has learned anything"),
        ([Trial(0, some_trials()[0].values, FAILED)], "1 trial could not be trained"),
        (some_trials(), "1 trial has begun and not ended. 1 trial diverged."),
    ],
)
def test_every_state_of_a_search_has_its_page(tmp_path, capsys, trials, said):
    found = recorded(tmp_path, trials)
    assert main(["report", str(found.project)]) == 0
    assert said in (found.project / "report.html").read_text()
    assert str(found.project / "report.html") in capsys.readouterr().out
    assert (found.project / "trials.csv").exists()
    assert (found.project / "best.json").exists() == any(trial.score for trial in trials)


def test_near_ties_are_told(tmp_path):
    values = some_trials()[0].values
    scores = (0.96, 0.9591, 0.94)
    found = recorded(tmp_path, [Trial(n, values, result(s)) for n, s in enumerate(scores)])
    assert [trial.number for trial in found.rivals] == [1]
    assert "One other trial is not distinguishable from it" in page(found)


def test_a_strategy_of_another_version_or_kind_has_a_page_without_an_explanation(tmp_path):
    others = ({"kind": "Unheard", "epochs": 9}, {"kind": "Random", "unheard_of": 1}, {})
    for number, content in enumerate(others):
        found = recorded(tmp_path / str(number), some_trials(5), strategy=content)
        assert found.strategy is None
        assert 'id="story"' not in page(found)


def test_other_files_are_not_replaced_and_no_search_is_told(tmp_path, capsys):
    found = recorded(tmp_path, some_trials())
    mine = tmp_path / "mine.html"
    mine.write_text("<p>my own")
    command = ["report", str(found.project), "--out", str(mine)]
    assert main(command) == 1
    assert "was not written by `python -m tuning report`: choose another" in capsys.readouterr().err
    assert mine.read_text() == "<p>my own"
    mine.write_text(f"{generator_tag(GENERATOR)} an older one")
    assert main(command) == 0
    assert main(["report", str(tmp_path / "nowhere")]) == 1
    assert "holds no search: `python -m tuning random NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is damaged"), ("[]", "expected `object`"), ('{"space": {}}', "field `network`")],
)
def test_a_damaged_search_is_told(tmp_path, text, said):
    (tmp_path / "search.json").write_text(text)
    with pytest.raises(RunError, match=said):
        read_record(tmp_path)


@pytest.mark.integration
def test_a_report_needs_no_tensorflow(record, tmp_path):
    program = (
        "import sys; from tuning.cli import main; "
        f"code = main(['report', {str(record.project)!r}, '--out', {str(tmp_path / 'r.html')!r}]); "
        "sys.exit(code or 'tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- beside the page ------------------------------------------------------------------------------


def test_all_trials_as_csv(record):
    rows = list(csv.DictReader(to_csv(record.trials()).splitlines()))
    assert [int(row["trial"]) for row in rows] == [trial.number for trial in record.ended]
    for row, trial in zip(rows, record.ended, strict=True):
        assert float(row["learning_rate"]) == trial.values["learning_rate"]
        assert row["cost"] == trial.values["cost"]
        assert row["problem"] == "the full problem"
    assert rows[3]["diverged"] == "True"
    assert rows[4]["error"] == FAILED.error
    assert rows[4]["accuracy"] == ""


def test_the_best_point_is_that_of_the_journal_whatever_the_file_said(tmp_path):
    values = {"learning_rate": 0.5, "l2": 2.0}
    space = SearchSpace(SPACE.ranges[:2])
    found = recorded(tmp_path, [Trial(0, values, result(0.9))], space=space)
    path = found.project / "best.json"
    for stale in ({"trial": 0, "score": 0.1, "values": {"learning_rate": 3.0}}, {"trial": 7}, []):
        path.write_text(json.dumps(stale))
        assert main(["report", str(found.project)]) == 0
        kept = json.loads(path.read_text())
        assert (kept["trial"], kept["score"], kept["values"]) == (0, 0.9, values)
        assert kept["spec"]["recipe"]["learning_rate"] == 0.5


def test_a_page_elsewhere_needs_no_place_in_the_project(tmp_path, capsys):
    found = recorded(tmp_path, some_trials(5))
    (found.project / "trials.csv").mkdir()  # so that none can be written
    page = tmp_path / "page.html"
    assert main(["report", str(found.project), "--out", str(page)]) == 0
    assert generator_tag(GENERATOR) in page.read_text()
    printed = capsys.readouterr()
    assert "trials.csv and best.json are left as they are in" in printed.err
    assert main(["report", str(found.project)]) == 1


def test_tensorboard_reads_what_is_written_for_it(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    choices = Choice("elastic", ["shift", "skew"], None)
    space = SearchSpace.of(
        learning_rate=LogUniform(0.01, 1.0), units=Integer(5, 9), augment=choices
    )
    trials = [
        Trial(0, {"learning_rate": 0.5, "units": 7, "augment": ["shift", "skew"]}, result(0.9)),
        Trial(1, {"learning_rate": 0.1, "units": 5, "augment": "elastic"}, DIVERGED),
        Trial(2, {"learning_rate": 0.1, "units": 5, "augment": None}),
    ]
    found = recorded(tmp_path, trials, space=space)
    for _ in range(2):
        assert main(["report", str(found.project), "--tensorboard"]) == 0
    folder = found.project / "tensorboard"
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    assert sorted(names) == ["trial0000-seed0", "trial0001-seed0"]

    def scalars_and_settings(run):
        read = EventAccumulator(str(run)).Reload()
        data = read.summary_metadata
        plugin = {
            tag: HParamsPluginData.FromString(each.plugin_data.content)
            for tag, each in data.items()
            if each.plugin_data.plugin_name == "hparams"
        }
        return read, plugin

    _, experiment = scalars_and_settings(folder)
    settings = experiment["_hparams_/experiment"].experiment.hparam_infos
    assert [each.name for each in settings] == ["learning_rate", "units", "augment"]
    read, first = scalars_and_settings(folder / "trial0000-seed0")
    values = first["_hparams_/session_start_info"].session_start_info.hparams
    assert values["learning_rate"].number_value == 0.5
    assert values["units"].number_value == 7
    assert values["augment"].string_value == '["shift", "skew"]'
    points = [(each.step, each.value) for each in read.Scalars("validation accuracy")]
    assert points == [(1, pytest.approx(0.45)), (2, pytest.approx(0.9)), (3, pytest.approx(0.891))]
    read, second = scalars_and_settings(folder / "trial0001-seed0")
    assert len(read.Scalars("training cost")) == 1, "what is not finite is left out"
    ends = [each["_hparams_/session_end_info"].session_end_info.status for each in (first, second)]
    assert ends == [1, 2], "STATUS_SUCCESS and STATUS_FAILURE of its api.proto"


@pytest.mark.parametrize("ours", [False, True])
def test_what_others_put_beside_tensorboards_files_stays(tmp_path, capsys, ours):
    found = recorded(tmp_path, some_trials(5))
    folder = found.project / "tensorboard"
    if ours:
        assert main(["report", str(found.project), "--tensorboard"]) == 0
    mine = folder / "train" / "events.out.tfevents.1.mine"
    mine.parent.mkdir(parents=True)
    mine.write_text("of a callback")
    before = sorted(folder.rglob("*"))
    assert main(["report", str(found.project), "--tensorboard"]) == 1
    assert f"{mine} was not written by a report" in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before
    assert [path.name for path in found.project.glob(".*")] == [], "nothing half written"
    mine.unlink()
    assert main(["report", str(found.project), "--tensorboard"]) == 0
    assert not mine.parent.exists()


# --- the line -------------------------------------------------------------------------------------


def test_the_time_left_is_told_by_the_pace_since_the_line_began():
    pace = RateEstimator(40)
    assert pace.left(10, now=100.0) is None, "what was done before tells no pace"
    assert pace.left(10, now=105.0) is None
    assert pace.left(15, now=110.0) == 50.0, "five in ten seconds, and 25 to come"
    assert pace.left(15, now=114.0) == 46.0
    assert pace.left(15, now=999.0) == 0.0
    assert RateEstimator(None).left(3, now=1.0) is None


def test_the_line_says_what_is_known():
    now = [0.0]
    fast = {"clock": lambda: now[0], "quiet": True}
    trials = [Trial(n, {}, result(0.9 + n / 100, seconds=30.0)) for n in range(4)]
    by_trials, by_time, open_end = (
        SearchProgress(8, None, **fast),
        SearchProgress(None, 240, **fast),
        SearchProgress(None, None, **fast),
    )
    assert by_trials.text([]) == "0 of 8 trials, nothing learned yet, 0.0 s of training"
    assert by_time.text([]) == "0 trials, nothing learned yet, 0.0 s of 4 min 0 s of training"
    now[0] = 60.0  # two processes: 120 seconds of training in 60
    running = [*trials, Trial(4, {}), Trial(5, {})]
    assert by_trials.text(running) == (
        "4 of 8 trials, 2 running, best 93.00 %, 2 min 0 s of training, about 1 min 0 s left"
    )
    assert by_time.text(running) == (
        "4 trials, 2 running, best 93.00 %, 2 min 0 s of 4 min 0 s of training, "
        "about 1 min 0 s left"
    )
    now[0] = 119.0
    assert by_trials.text(running).endswith("about 1.0 s left")
    now[0] = 200.0
    assert by_trials.text(running).endswith("done at any moment")
    done = [Trial(n, {}, result(0.9, seconds=30.0)) for n in range(8)]
    assert by_trials.text(done).endswith("4 min 0 s of training"), "nothing is left"
    assert open_end.text(running).endswith(
        "2 min 0 s of training, how many more, the trials will tell"
    )


def test_the_best_so_far_is_that_on_the_most_of_the_problem():
    easy = Trial(0, {}, result(1.0), Fidelity(images=1000, digits=(0, 1), hidden=False))
    trials = [easy, Trial(1, {}, result(0.9)), Trial(2, {}, result(0.9)), Trial(3, {}, DIVERGED)]
    assert best_of(trials).number == 1
    assert "best 90.00 %," in SearchProgress(None, None, quiet=True).text(trials)
    assert "best 100.00 % on two classes" in SearchProgress(None, None, quiet=True).text([easy])
    assert best_of([trials[3]]) is None


def test_into_a_log_goes_a_line_a_trial_and_the_story_to_the_output(tmp_path, capsys):
    strategy = Broad(MLP30, BROAD_SPACE)
    trials = played(strategy)[:3]
    found = Search(tmp_path / "search", MLP30, BROAD_SPACE, strategy)
    line, quiet = SearchProgress(None, None), SearchProgress(None, None, quiet=True)
    for trial in trials:
        with found.journal.writing() as writer:
            fields = {"values": trial.values, "fidelity": trial.fidelity.to_plain()}
            writer.add({"event": "started", "trial": trial.number, **fields})
        line.show(found)
        with found.journal.writing() as writer:
            writer.add(ended_event(trial.number, trial.result))
        for each in (line, line, quiet):
            each.show(found)
    fields = capsys.readouterr()
    assert [each.partition(" trials")[0] for each in fields.err.splitlines()] == ["1", "2", "3"]
    story = [f"{remark.stage}\n    {remark.text}" for remark in strategy.explanation(trials)]
    assert fields.out.splitlines() == "\n".join(story).splitlines()


def test_durations_carry_over():
    assert [duration(seconds) for seconds in (59.4, 59.7, 3599.6)] == [
        "59.4 s", "1 min 0 s", "1 h 0 min"
    ]  # fmt: skip


def test_a_search_whose_budget_is_spent_is_over_until_it_goes_on(tmp_path):
    point = {"learning_rate": 0.1, "l2": 1.0, "cost": "cross_entropy"}
    endless = {"kind": "Random", "trials": None, "seed": 0}
    record = recorded(tmp_path, [Trial(0, point, result(0.9))], strategy=endless)
    assert main(["report", str(record.project)]) == 0
    assert not _over(record), "a report ends nothing"
    note_end(record)
    assert _over(record)
    with TrialStore(record.project).journal.writing() as writer:
        writer.add({"event": "started", "trial": 1, "values": point})
        writer.add(ended_event(1, result(0.8)))
    assert not _over(read_record(record.project)), "an older version went on"
    note_end(read_record(record.project))
    assert _over(read_record(record.project))


def test_a_search_that_is_opened_again_is_not_over(bars, tmp_path):
    space = SearchSpace(SPACE.ranges[:2])
    strategy = Random(space)
    found = Search(tmp_path / "search", SPEC, space, strategy)
    found.open(bars)
    with found.store.claim(strategy) as trial:
        found.store.end(trial.number, result(0.9))
    note_end(found)
    assert _over(read_record(found.project))
    found.open(bars)  # what a command with a larger budget does before it imports TensorFlow
    assert not _over(read_record(found.project))

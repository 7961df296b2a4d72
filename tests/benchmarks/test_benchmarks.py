"""The throughput benchmark: it runs end to end, its programs agree, and a wrong one is refused."""

from __future__ import annotations

import csv
import importlib
import json
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    ablation,
    averaging,
    serving,
    snapshots,
    startup,
    throughput,
    vectorized,
    vote_members,
    vote_rules,
)
from benchmarks.peers import initial_weights, spec_of
from benchmarks.peers.__main__ import measure
from benchmarks.rows import read_rows
from benchmarks.speeds import durations, markdown, serving_markdown, speed, table
from tests.paths import ROOT
from zoo.errors import RunError
from zoo.export import FORMATS
from zoo.registry import get_spec
from zoo.reproduction import results
from zoo.reproduction.tables import written_table


def program_of(peer, spec):
    if peer in ("torch", "jax"):
        pytest.importorskip(peer)
    module = importlib.import_module(f"benchmarks.peers.with_{peer}")
    return module.Program(spec, initial_weights(spec))


def arrays(peer, program):
    """The program's weights as a flat list, in Keras' shapes."""
    if peer in ("zoo", "zoo_onednn", "keras", "keras_tuned"):
        return program.model.get_weights()
    if peer == "torch":
        return [array.detach().numpy().T for array in program.network.parameters()]
    if peer == "jax":
        return [np.asarray(array) for pair in program.weights for array in pair]
    pairs = zip(program.kernels, program.biases, strict=True)
    return [array for kernel, bias in pairs for array in (kernel.T, bias[:, 0])]


@pytest.mark.parametrize(
    ("net", "peer"),
    [
        ("mlp30", "keras"),
        ("mlp30", "keras_tuned"),
        ("mlp30", "numpy"),
        ("conv2_relu", "keras"),
        pytest.param("conv2_relu_dropout:50", "zoo_onednn", marks=pytest.mark.integration),
        pytest.param("mlp30", "torch", marks=pytest.mark.integration),
        pytest.param("mlp30", "jax", marks=pytest.mark.integration),
        pytest.param("conv2_relu", "jax", marks=pytest.mark.integration),
    ],
)
def test_the_programs_take_the_same_steps_from_the_same_weights(net, peer, mnist):
    # A strong penalty, so that a program without it, or with another, would be seen.
    spec = spec_of(net).with_settings(l2=500.0)
    batch, after = mnist.train.take(10), {}
    for name in ("zoo", peer):
        program = program_of(name, spec)
        program.train(program.prepare(batch), epochs=3)
        after[name] = arrays(name, program)
    before = [array for pair in initial_weights(spec) for array in pair]
    for start, ours, theirs in zip(before, after["zoo"], after[peer], strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-5)
        assert np.abs(ours - start).max() > 1e-4


@pytest.mark.integration
def test_it_measures_end_to_end(tmp_path, capsys):
    asked = ["--nets", "mlp30", "--peers", "zoo", "numpy", "--rounds", "1", "--images", "200"]
    assert throughput.main([*asked, "--out", str(tmp_path)]) == 0
    with (tmp_path / "throughput.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [*throughput.COLUMNS, "measured_at", "sources"]
    assert [(row["peer"], row["threads"]) for row in rows] == [
        ("zoo", "default"),
        ("numpy", "1"),
    ]
    for row in rows:
        trained = int(row["images"]) * int(row["epochs"])
        assert float(row["images_per_second"]) == pytest.approx(trained / float(row["seconds"]))
        assert float(row["learned"]) > 0.9
        assert row["versions"].startswith(("keras=", "numpy="))
    assert (tmp_path / "throughput.png").read_bytes().startswith(b"\x89PNG")
    assert "x as fast" in capsys.readouterr().out


def test_a_program_that_learns_nothing_is_refused(mnist):
    rows = []
    for peer, rate in (("zoo", 0.1), ("numpy", 1e-9)):
        spec = get_spec("mlp30").with_settings(learning_rate=rate)
        measured = measure(program_of(peer, spec), mnist.train.take(500), epochs=1, checked=2000)
        rows.append({"net": "mlp30", "peer": peer, **measured})
    throughput.check_learning(rows[:1])
    with pytest.raises(RunError, match="on mlp30 is refused: after the same training"):
        throughput.check_learning(rows)


@pytest.mark.parametrize("accuracy", [0.3, float("nan")])
def test_a_program_that_unlearns_while_it_is_timed_is_refused(accuracy):
    row = {"net": "mlp30", "peer": "torch", "learned": 0.9, "accuracy": accuracy}
    with pytest.raises(RunError, match="torch on mlp30 is refused: the timed epochs"):
        throughput.check_learning([row])


def test_the_better_number_of_threads_counts_and_a_missing_peer_is_told():
    speeds = {("zoo", "default"): [90, 400, 100], ("torch", "default"): [10, 20, 30]}
    speeds["torch", 1] = [50, 40, 60]
    rows = [
        {"net": "mlp30", "peer": peer, "threads": threads, "images_per_second": fast}
        for (peer, threads), measured in speeds.items()
        for fast in measured
    ]
    assert speed(rows, "mlp30", "torch") == (50, 1)
    printed = table(rows, {"mlp30": ["zoo", "torch", "jax"]}).splitlines()
    assert printed[-1].split() == ["jax", "not", "installed"]
    assert printed[-2].endswith("2.0 x as fast")
    rows += [
        {"net": "conv2_relu:50", "peer": peer, "threads": "default", "images_per_second": fast}
        for peer, fast in (("zoo", 125), ("zoo_onednn", 100))
    ]
    assert markdown(rows).splitlines()[2:] == [
        "| `mlp30` | zoo | 100 |  |",
        "| `mlp30` | torch, 1 thread | 50 | 2.0 x as fast |",
        "| `conv2_relu`, batches of 50 | zoo | 125 |  |",
        "| `conv2_relu`, batches of 50 | zoo, oneDNN step | 100 | 1.25 x as fast |",
    ]


def test_a_compiled_peer_is_left_out_where_there_is_no_compiler(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert not throughput.installed("torch_compiled")
    assert "torch_compiled is left out: it needs a C++ compiler" in capsys.readouterr().err


def test_a_measurement_that_does_not_end_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(throughput, "TIMEOUT", 0.01)
    with pytest.raises(RunError, match=r"numpy on mlp30 has not ended in 0\.01 s"):
        throughput.measure("mlp30", "numpy", images=10)


def test_how_long_a_recipe_trains_is_computed_from_the_measured_speed():
    row = {"peer": "zoo", "threads": "default", "images_per_second": 2500.0}
    rows = [{"net": "conv2_relu_dropout:50", **row}, {"net": "conv2_relu_dropout", **row}]
    assert durations(rows).splitlines()[2:] == [
        "| `conv2_relu_dropout` | 10,000,000 | 2,500 | 67 minutes |",
        "| `conv2_relu_dropout_x5` | 50,000,000 | 2,500 | 5.6 hours |",
        "| `conv2_relu_dropout.fast` | 1,000,000 | 2,500 | 7 minutes |",
        "| `conv2_relu_dropout_x5.fast` | 5,000,000 | 2,500 | 33 minutes |",
    ]


def test_the_tables_in_docs_are_those_that_the_measurements_give():
    speeds = throughput.read_csv(throughput.HERE / "throughput.csv")
    for name, expected in (
        ("throughput", markdown(speeds)),
        ("durations", durations(speeds)),
        *(
            (f"ablation-{name}", ablation.table(study, ablation.read()))
            for name, study in ablation.STUDIES.items()
        ),
        ("vote-rules", vote_rules.table(read_rows(vote_rules.CSV))),
        ("snapshots", snapshots.table(read_rows(snapshots.CSV))),
        ("vote-members", vote_members.table(read_rows(vote_members.CSV))),
        ("together", vectorized.markdown(read_rows(vectorized.CSV))),
        ("serving", serving_markdown(serving.read())),
        ("startup", startup.markdown(read_rows(startup.CSV))),
    ):
        assert written_table(ROOT / "docs/performance.md", name) == expected, "run: make table"


def test_the_figure_of_half_the_images_is_of_ten_runs_last_epochs():
    spec = get_spec("conv2_relu_dropout.half")
    assert spec.hash == ablation.STUDIES["half"].spec(ablation.STUDIES["half"].variants[0]).hash
    rows = [row for row in results.read(ROOT / results.RESULTS) if row.spec_hash == spec.hash]
    assert [row.seed for row in rows] == list(range(10))
    counts = [row.test_last for row in rows]
    error = statistics.stdev(counts) / len(counts) ** 0.5
    said = f"{statistics.mean(counts):,.1f} ± {error:.1f} of the 10,000 test images"
    assert said in (ROOT / "docs/performance.md").read_text(encoding="utf-8")


def test_starting_is_measured_by_the_processors_time_and_memory(monkeypatch):
    burn = "import time; data = bytearray(80 * 2**20)\nwhile time.process_time() < 0.3: pass"
    monkeypatch.setattr(
        startup, "PROGRAMS", {startup.REFERENCE: ["-c", burn], "nothing": ["-c", ""]}
    )
    (burnt, nothing) = startup.measure(rounds=1)
    assert burnt["cpu_seconds"] >= 0.3 > nothing["cpu_seconds"]
    assert burnt["megabytes"] >= 80 > nothing["megabytes"]
    assert burnt["ratio"] == 1 > nothing["ratio"]


def test_the_first_answer_is_as_quick_as_the_goals_say():
    rows = {row["program"]: row for row in read_rows(startup.CSV)}
    assert float(rows["zoo.load, first answer"]["ratio"]) <= 1.3
    # 0.7 s on a machine that imports TensorFlow in 4.4 s.
    assert float(rows["zoo predict"]["ratio"]) <= 0.16
    assert float(rows["zoo predict"]["megabytes"]) <= 150


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setitem(throughput.PACKAGES, "jax", ("a_package_nobody_has",))
    assert not throughput.installed("jax")
    assert throughput.run({"mlp30": ["jax"]}, rounds=1, images=200) == []


@pytest.mark.integration
def test_serving_measures_every_form(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(serving, "CSV", tmp_path / "serving.csv")
    others = "conv1,onnx,0.5,0.9,100,1,3,any"
    (tmp_path / "serving.csv").write_text(f"{','.join(serving.COLUMNS)}\n{others}\n")
    assert serving.main(["linear", "--rounds", "1", "--calls", "3"]) == 0
    assert others in (tmp_path / "serving.csv").read_text()
    rows = [row for row in serving.read() if row["net"] == "linear"]
    assert [row["form"] for row in rows] == ["Keras predict", "Keras, compiled call", *FORMATS[:-1]]
    assert all(0 < float(row["p50_ms"]) <= float(row["p99_ms"]) for row in rows)
    assert all(int(row["images_per_second"]) > 0 for row in rows)
    assert "litert_int8" in capsys.readouterr().out
    assert serving.main(["mlp30.quadratic"]) == 1
    assert "has no pretrained weights" in capsys.readouterr().err


@pytest.mark.integration
def test_an_ablation_trains_what_is_missing_and_nothing_twice(bars, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ablation, "CSV", tmp_path / "ablation.csv")
    monkeypatch.setattr(ablation, "load_data", lambda progress: bars)
    study = ablation.Study(({}, {"l2": 0.5}), seeds=(1,), epochs=1, network="linear")
    ablation.run(study, jobs=1)
    rows = ablation.read()
    assert [row["settings"] for row in rows[::3]] == ["{}", '{"l2": 0.5}']
    # Of a single epoch the mean is its own.
    last, averaged, moved = (study.scores(rows, {}, way) for way in averaging.WAYS)
    assert last == averaged
    assert moved.keys() == {1}
    mixed = {"l2": 0.5, "alter": "mixup"}
    study = replace(study, seeds=(1, 2), variants=(*study.variants, mixed))
    ablation.run(study, jobs=1)
    assert ablation.read()[:6] == rows
    rows = ablation.read()
    assert [row["seed"] for row in rows[::3]] == ["1", "1", "1", "2", "2", "2"]
    spec = study.spec(mixed)
    costs = {
        json.loads((folder / "run.json").read_text())["history"][0]["loss"]
        for folder in Path("runs/ablation").glob(f"{spec.hash[:12]}*-seed1")
    }
    assert len(costs) == 2
    assert "| l2 = 0.5, alter = mixup |" in ablation.table(study, rows)


def test_variants_are_compared_with_the_first_by_the_same_seeds():
    study = ablation.Study(({}, {"l2": 0.5}), seeds=(1, 2, 3), network="linear")
    first, other = (study.spec(settings).hash for settings in study.variants)
    scores = ((first, 1, 9000), (first, 2, 9010), (first, 3, 9020), (first, 4, 9030))
    scores += ((other, 1, 9002), (other, 2, 9013), (other, 3, 9024))
    columns = ("spec_hash", "seed", "validation")
    rows = [
        {"settings": "{}", **dict(zip(columns, map(str, score), strict=True))} for score in scores
    ]
    # Trained by the same declaration, on other labels: another variant.
    rows += [{**row, "settings": '{"alter": "teacher"}', "validation": "1"} for row in rows]
    # Differences of 2, 3 and 4: their mean is 3, their standard deviation 1.
    assert ablation.table(study, rows).splitlines()[2:] == [
        "| nothing | 90.15 % | 4 | +0.0 ± 0.0 |",
        "| l2 = 0.5 | 90.13 % | 3 | +3.0 ± 0.6 |",
        "| the first, weights averaged | missing | 0 | - |",
        "| the first, test-time shifts | missing | 0 | - |",
    ]

"""The commands about pretrained networks, run as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.cli.main import main
from zoo.export import export
from zoo.export.runners import onnx_runner
from zoo.export.saved_model import ENDPOINTS
from zoo.pretrained import manifest

NET = "mlp30"


@pytest.fixture
def photo(mnist, tmp_path):
    """A digit of the test set on paper: dark on light, seven times as large, off the centre."""
    paper = np.full((400, 300), 240, np.uint8)
    ink = np.kron(mnist.test.images[0, ..., 0], np.ones((7, 7), np.uint8))
    paper[30:226, 60:256] -= (ink * 0.8).astype(np.uint8)
    Image.fromarray(paper).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def test_predict_reads_a_photo(photo, capsys):
    assert main(["predict", NET, str(photo)]) == 0
    assert capsys.readouterr().out.startswith(f"{photo}: 7, confidence 9")


def test_predict_shows_what_it_saw(photo, tmp_path, capsys):
    assert main(["predict", NET, str(photo), "--json", "--show", str(tmp_path / "seen")]) == 0
    (printed,) = json.loads(capsys.readouterr().out)
    assert printed["digit"] == int(np.argmax(printed["probabilities"])) == 7
    with Image.open(printed["seen"]) as seen:
        assert seen.size == (28, 28)


def test_predict_answers_several_digits_one_by_one(mnist, tmp_path, capsys):
    page = np.full((220, 420), 240, np.uint8)
    for image, left in zip(mnist.test.images[:2, ..., 0], (10, 210), strict=True):
        ink = np.kron(image, np.ones((7, 7), np.uint8))
        page[10:206, left : left + 196] -= (ink * 0.8).astype(np.uint8)
    path = tmp_path / "72.png"
    Image.fromarray(page).save(path)
    assert main(["predict", NET, str(path)]) == 1
    assert "shows 2 digits: crop it to one, or ask for all of them" in capsys.readouterr().out
    assert main(["predict", NET, str(path), "--all", "--json"]) == 0
    seven, two = json.loads(capsys.readouterr().out)
    assert (seven["digit"], two["digit"]) == (7, 2)
    assert seven["box"][2] < 210 <= two["box"][0]
    assert all(
        0 <= b[0] < b[2] <= 420 and 0 <= b[1] < b[3] <= 220 for b in (seven["box"], two["box"])
    )


def test_predict_imports_neither_keras_nor_tensorflow(photo):
    code = (
        "import sys; from zoo.cli.main import main; "
        "assert main(['predict', 'conv2_relu', sys.argv[1]]) == 0; "
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(photo)], check=True)


def test_predict_goes_on_after_a_picture_that_is_none(photo, tmp_path, capsys):
    (tmp_path / "note.png").write_text("no picture")
    assert main(["predict", NET, str(tmp_path / "note.png"), str(photo)]) == 1
    none, seven = capsys.readouterr().out.splitlines()
    assert "note.png: " in none
    assert ": 7, " in seven


def test_pictures_of_one_name_are_each_shown(photo, mnist, tmp_path, capsys):
    (tmp_path / "more").mkdir()
    ink = np.kron(mnist.test.images[1, ..., 0], np.ones((7, 7), np.uint8))  # a two
    Image.fromarray(ink).save(tmp_path / "more/seven.png")
    files = [str(photo), str(tmp_path / "more/seven.png")]
    assert main(["predict", NET, *files, "--json", "--show", str(tmp_path / "seen")]) == 0
    seven, two = json.loads(capsys.readouterr().out)
    assert (seven["digit"], two["digit"]) == (7, 2)
    shown = [np.asarray(Image.open(record["seen"])) for record in (seven, two)]
    assert not np.array_equal(*shown)


def test_a_picture_that_is_there_is_not_replaced_by_what_the_network_saw(photo, tmp_path, capsys):
    other = tmp_path / "seven-seen.png"
    Image.effect_noise((40, 30), 60).save(other)
    before = other.read_bytes()
    show = ["predict", NET, "--show", str(tmp_path), str(photo)]
    for command, said in [
        (show, "seven-seen.png exists already: --overwrite replaces it"),
        ([*show, str(other), "--overwrite"], "seven-seen.png is one of the pictures themselves"),
    ]:
        assert main(command) == 1
        assert said in capsys.readouterr().err
        assert other.read_bytes() == before
    assert main([*show, "--overwrite"]) == 0
    with Image.open(other) as seen:
        assert seen.size == (28, 28)
    assert {path.name for path in tmp_path.iterdir()} == {"seven.png", "seven-seen.png"}


def test_a_long_name_in_any_script_is_shown(photo, tmp_path, capsys):
    long = photo.rename(tmp_path / ("\u56fe" * 70 + ".png"))
    assert main(["predict", NET, str(long), "--show", str(tmp_path / "seen")]) == 0
    assert [path.name for path in (tmp_path / "seen").iterdir()] == [f"{long.stem}-seen.png"]


def test_export_writes_one_version_after_another_and_tells_what_it_is(tmp_path, capsys):
    for version in ("1", "2"):
        assert main(["export", NET, "--out", str(tmp_path)]) == 0
        record = json.loads((tmp_path / NET / version / "metadata.json").read_text())
        entry = manifest.entry_of(NET)
        assert record["spec_hash"] == entry.spec_hash
        assert (record["test_correct"], record["test_total"]) == (entry.test, 10_000)
        assert record["test_accuracy"] == entry.test / 10_000
    capsys.readouterr()
    assert main(["export", NET, "--out", str(tmp_path), "--version", "2"]) == 1
    assert "zoo: " in capsys.readouterr().err


def test_metadata_of_bytes_tell_how_the_bytes_score(mnist, tmp_path, capsys):
    assert main(["export", NET, "--format", "onnx_int8", "--out", str(tmp_path)]) == 0
    path = tmp_path / NET / f"{NET}-int8.onnx"
    answers = onnx_runner(path)(mnist.test.images)["digit"]
    right = int(np.sum(answers == mnist.test.labels))
    assert right != manifest.entry_of(NET).test, "they must differ for this test to tell"
    metadata = json.loads((path.parent / f"{path.name}.json").read_text())
    assert (metadata["test_correct"], metadata["size"]) == (right, path.stat().st_size)
    assert f"on the test images: {right:,} / 10,000" in capsys.readouterr().out


@pytest.mark.integration
@pytest.mark.usefixtures("forked_client")
@pytest.mark.parametrize("data", ["bars", pytest.param("mnist", marks=pytest.mark.integration)])
def test_verify_finds_that_all_forms_answer_alike(data, bars, idx_folder, capsys):
    asked, score = ([], str(manifest.entry_of(NET).score))
    if data == "bars":
        asked, score = ["--data", str(idx_folder)], str(zoo.evaluate(zoo.load(NET), bars.test))
    assert main(["verify", NET, *asked]) == 0
    lines = capsys.readouterr().out.splitlines()
    exact = [
        line for line in lines if line.startswith(("Keras", "saved_model", "onnx ", "litert "))
    ]
    assert len(exact) == 7
    assert all(line.endswith(score) for line in exact)
    assert any(line.startswith("litert_int8") for line in lines)
    assert lines[-1] == "all but those in bytes answer alike"


@pytest.mark.integration
@pytest.mark.usefixtures("forked_client")
def test_verify_fails_where_a_form_answers_otherwise(tmp_path, idx_folder, monkeypatch, capsys):
    other = zoo.build(NET, seed=1)
    export(other, "saved_model", tmp_path, name=NET)
    monkeypatch.setattr("zoo.export.verify.FORMATS", ("onnx_int8",))
    asked = ["verify", NET, "--version", "1", "--out", str(tmp_path), "--data", str(idx_folder)]
    assert main(asked) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("answer otherwise: ")
    for endpoint in ENDPOINTS:
        assert f"{tmp_path / NET / '1'} {endpoint} (" in last
    assert "other digits; probabilities differ by" in last


def test_evaluate_scores_what_is_pretrained(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", NET]) == 0
    printed = capsys.readouterr().out
    assert str(manifest.entry_of(NET).score) in printed
    assert printed.startswith(f"{NET}, trained by {manifest.entry_of(NET).spec['name']} with seed ")
    assert (tmp_path / f"runs/{NET}-pretrained/wrong_digits.png").exists()


def test_what_is_not_pretrained_says_how_to_train_it(capsys):
    assert main(["evaluate", "mlp30.quadratic"]) == 2
    assert "python -m zoo train mlp30.quadratic" in capsys.readouterr().err

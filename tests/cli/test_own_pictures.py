"""A folder of one's own pictures on the command line: trained, fine-tuned, exported, asked."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from zoo.cli.main import main
from zoo.pretrained.features import features
from zoo.training.run_folder import load_run

NAMES = ("bar", "ring")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Colour pictures of 36x40: a red bar or a green frame on a dark ground."""
    root = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for name in NAMES:
        (root / name).mkdir()
        for number in range(40):
            image = generator.integers(0, 60, (36, 40, 3), dtype=np.uint8)
            if name == "bar":
                image[6:30, 18:23, 0] += 180
            else:
                image[6:30, 8:32, 1] += 180
                image[10:26, 12:28, 1] -= 180
            Image.fromarray(image).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "conv1"
    command = ["train", "conv1", "--data", str(folder), "--resize", "pad", "--pretrained"]
    assert main([*command, "--epochs", "3", "--out", str(out), "--quiet"]) == 0
    return out


def test_the_pretrained_body_takes_the_pictures_at_its_size(run, capsys):
    spec, model = load_run(run)
    assert (spec.input.shape, spec.classes) == ((28, 28, 3), 2)
    assert features(model).output_shape == (None, 100)
    assert json.loads((run / "run.json").read_text())["resize"] == "pad"


@pytest.mark.integration
def test_the_books_figure_stands_beside_mnist_alone(run, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = ["--data", str(folder), "--size", "28x28", "--resize", "pad"]
    assert main(["evaluate", "conv1", "--run", str(run), *data]) == 0
    printed = capsys.readouterr().out
    assert f"the book  has no figure for {folder.name}" in printed
    assert "98.78" not in printed
    assert "ring" in printed
    assert main(["evaluate", "linear"]) == 0
    assert "the book  no figure\n" in capsys.readouterr().out


def test_a_network_is_not_scored_on_images_of_another_kind(
    run, folder, idx_folder, tmp_path, capsys
):
    small, out = ["--data", str(folder), "--size", "28x28"], ["--out", str(tmp_path)]
    for command, said in [
        (["evaluate", "linear", *small], "linear takes images of 28x28x1, and those of"),
        (
            ["evaluate", "linear", *small, "--channels", "1"],
            "trained on other classes than those of",
        ),
        (["evaluate", "conv1", "--run", str(run), "--data", str(idx_folder)], "28x28x3"),
        (["verify", "linear", *small], "linear takes images of 28x28x1, and those of"),
        (
            ["export", "conv1", "--run", str(run), "--format", "onnx_int8", *out],
            "conv1 takes images of 28x28x3",
        ),
        (["export", "linear", "--format", "litert_int8", *small, *out], "takes images of 28x28x1"),
    ]:
        assert main(command) == 1
        assert said in capsys.readouterr().err.splitlines()[-1]
    assert not [*tmp_path.iterdir()]


def test_pictures_are_answered_by_the_names_of_their_classes(run, folder, tmp_path, capsys):
    files = [str(folder / "ring" / "3.png"), str(folder / "bar" / "1.png")]
    asked = ["predict", "conv1", "--run", str(run)]
    assert main([*asked, *files, "--json", "--show", str(tmp_path)]) == 0
    ring, bar = json.loads(capsys.readouterr().out)
    assert (ring["class"], bar["class"]) == ("ring", "bar")
    assert set(bar["probabilities"]) == set(NAMES)
    seen = np.asarray(Image.open(ring["seen"]))
    assert seen.shape == (28, 28, 3)
    assert not seen[0].any(), "padded, as in training"
    assert main([*asked, *files, str(tmp_path / "none.png")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{files[0]}: ring, confidence ")
    assert lines[2].startswith(f"{tmp_path / 'none.png'}: ")


def test_an_export_of_a_run_lies_in_the_run_and_takes_pictures_as_it_was_trained(
    run, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path / "models"))
    assert main(["export", "conv1", "--run", str(run), "--format", "onnx", "--json"]) == 0
    path = run / "exported/conv1/conv1.onnx"
    assert json.loads(capsys.readouterr().out)["path"] == str(path)
    assert not (tmp_path / "models").exists()
    metadata = json.loads(path.with_name("conv1.onnx.json").read_text())
    assert (metadata["class_names"], metadata["resize"]) == (list(NAMES), "pad")


def test_without_tensorflow_it_answers_as_keras_does(run, folder, capsys):
    from zoo.data.pictures import PictureFormat, read_picture

    path = folder / "ring" / "7.png"
    assert main(["predict", "conv1", "--run", str(run), str(path), "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    image = read_picture(path, PictureFormat((28, 28), 3, "pad"))
    expected = load_run(run)[1].predict(image[None], verbose=0)[0]
    np.testing.assert_allclose([*record["probabilities"].values()], expected, atol=2e-6)


def test_what_is_no_digit_has_no_boxes(run, folder, capsys):
    path = str(folder / "ring" / "7.png")
    assert main(["predict", "conv1", "--run", str(run), path, "--all"]) == 2
    assert "--all finds digits, and conv1 tells other classes apart" in capsys.readouterr().err
    assert main(["predict", "conv2", "--run", str(run), path]) == 2
    assert "holds a run of conv1, not of conv2" in capsys.readouterr().err
    assert main(["train", "conv1", "--freeze", "body"]) == 2
    assert "--freeze body goes with --pretrained" in capsys.readouterr().err


def test_a_run_sees_pictures_as_it_was_trained_on_them(run, folder, tmp_path, capsys):
    """Whether or not --resize is said again."""
    data = ["--data", str(folder), "--size", "28x28", "--json"]
    scores = []
    for more in ([], ["--resize", "pad"]):
        assert main(["evaluate", "conv1", "--run", str(run), *data, *more]) == 0
        scores.append(json.loads(capsys.readouterr().out)["test"])
    assert scores[0] == scores[1]


@pytest.fixture(scope="module")
def paper(mnist, tmp_path_factory):
    """Digits in dark ink on white, small and in a corner, as no digit of MNIST is."""
    root, few = tmp_path_factory.mktemp("paper"), mnist.train.take(600)
    for number, (image, label) in enumerate(zip(few.images, few.labels, strict=True)):
        page = np.full((28, 28), 255, np.uint8)
        small = Image.fromarray(image[..., 0]).resize((18, 18))
        page[10:, 10:] = 255 - np.asarray(small)
        (root / str(label)).mkdir(exist_ok=True)
        Image.fromarray(page).save(root / str(label) / f"{number}.png")
    return root


def test_digits_are_asked_for_as_they_were_trained_on(paper, tmp_path, capsys):
    command = ["train", "mlp30", "--data", str(paper), "--out", str(tmp_path / "run"), "--quiet"]
    assert main([*command, "--epochs", "5"]) == 0
    assert json.loads((tmp_path / "run/run.json").read_text())["on_black"] is False
    _, model = load_run(tmp_path / "run")
    files = sorted(paper.rglob("*.png"))[::20]
    images = np.stack([np.asarray(Image.open(path)) for path in files])[..., None]
    expected = model.predict(images, verbose=0).argmax(axis=1)
    capsys.readouterr()
    asked = ["predict", "mlp30", "--run", str(tmp_path / "run"), "--json", *map(str, files)]
    assert main(asked) == 0
    assert [each["digit"] for each in json.loads(capsys.readouterr().out)] == expected.tolist()

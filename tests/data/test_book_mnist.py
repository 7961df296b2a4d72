"""The TFDS set `book_mnist`: prepared for real, in the order and split of `load_data`."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests import children
from tests.data.data_files import prepared_mnist, write_idx_folder
from zoo.data import Split, load_data
from zoo.data.book_mnist import BookMnistConfig
from zoo.errors import DataError


def assert_same(builder: tfds.core.DatasetBuilder, name: str, split: Split) -> None:
    whole = builder.as_dataset(split=name, batch_size=-1)
    assert np.array_equal(np.asarray(whole["image"]), split.images)
    assert np.array_equal(np.asarray(whole["label"]), split.labels)


@pytest.mark.parametrize("expanded", [False, True])
def test_a_small_set_goes_through_the_builder_in_order(tmp_path, expanded):
    folder = write_idx_folder(tmp_path / "small", train=300, test=30)
    config = BookMnistConfig(name="small", data=str(folder), expanded=expanded)
    builder = tfds.builder("book_mnist", config=config, data_dir=tmp_path / "data")
    builder.download_and_prepare()
    data = load_data(folder, expanded=expanded)
    for name in ("train", "validation", "test"):
        assert_same(builder, name, getattr(data, name))
    assert builder.info.splits["train"].num_examples == (1250 if expanded else 250)


def test_both_variants_are_declared_with_their_papers():
    plain, expanded = tfds.builder("book_mnist"), tfds.builder("book_mnist/expanded")
    assert (plain.builder_config.name, plain.builder_config.expanded) == ("plain", False)
    assert expanded.builder_config.expanded is True
    assert plain.info.supervised_keys == ("image", "label")
    assert "LeCun" in plain.info.citation
    assert "50,000" in plain.info.description


@pytest.mark.slow
def test_the_whole_set_is_load_data_s_image_by_image(tmp_path, mnist):
    """All 70,000 images through TFDS: about ten seconds."""
    (tmp_path / "book_mnist_files").mkdir()
    (tmp_path / "book_mnist_files" / "1.0.0").symlink_to(prepared_mnist())
    sets = tfds.load("book_mnist", data_dir=tmp_path)
    assert list(sets) == ["train", "validation", "test"]
    assert [int(x["label"]) for x in sets["train"].take(5)] == [5, 0, 4, 1, 9]
    builder = tfds.builder("book_mnist", data_dir=tmp_path)
    for name in sets:
        assert_same(builder, name, getattr(mnist, name))


@pytest.mark.slow
def test_the_whole_expanded_set_is_load_data_s(tmp_path):
    builder = tfds.builder("book_mnist/expanded", data_dir=tmp_path)
    builder.download_and_prepare()
    assert_same(builder, "train", load_data(expanded=True).train)


def test_a_set_that_is_too_small_is_said_in_our_words(tmp_path):
    config = BookMnistConfig(name="none", data=str(write_idx_folder(tmp_path / "x", train=5)))
    builder = tfds.builder("book_mnist", config=config, data_dir=tmp_path / "data")
    with pytest.raises(DataError, match="There is no image"):
        builder.download_and_prepare()
    assert not list((tmp_path / "data").rglob("*1.0.0*"))


PREPARE = """
import sys
import tensorflow_datasets as tfds
from zoo.data.book_mnist import BookMnistConfig

def meet(event, arguments):
    # The builder has seen that nothing is prepared, and is about to read the images.
    if event == "open" and str(arguments[0]).endswith("train-images-idx3-ubyte"):
        print("here", flush=True)
        sys.stdin.readline()

sys.addaudithook(meet)
config = BookMnistConfig(name="small", data=sys.argv[1])
builder = tfds.builder("book_mnist", config=config, data_dir=sys.argv[2])
builder.download_and_prepare()
assert all(path.exists() for path in builder.info.splits["train"].filepaths)
whole = builder.as_dataset(split="train", batch_size=-1)
print(whole["label"].numpy().sum(), builder.info.splits["train"].num_examples)
"""


def test_two_processes_that_prepare_at_once_both_succeed(tmp_path):
    folder = write_idx_folder(tmp_path / "small", train=300, test=30)
    command = ["-c", PREPARE, folder, tmp_path / "data"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), children.PIPE)
    start = functools.partial(children.Child, command, **pipes)
    with start() as first, start() as second:
        for child in (first, second):
            while "here" not in (line := child.stdout.readline()):
                assert line, child.communicate()[1]
        answers = [child.communicate("go on\n") for child in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], answers
    expected = f"{sum(i % 10 for i in range(250))} 250"
    assert [out.splitlines()[-1] for out, _ in answers] == [expected, expected]
    assert len(list((tmp_path / "data" / "book_mnist" / "small").iterdir())) == 1

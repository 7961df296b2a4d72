"""`load_data`: the book's MNIST as the book describes it, folders, and names that are wrong."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.data.data_files import gzip_with_dots, idx_labels, random_set, write_idx_folder
from tests.paths import ROOT
from zoo.data import load_data
from zoo.errors import DataError, SpecError


def test_mnist_comes_in_the_book_s_split_and_order(mnist):
    assert [len(mnist.train), len(mnist.validation), len(mnist.test)] == [50000, 10000, 10000]
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.validation.labels[:5].tolist() == [3, 8, 6, 9, 6]
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    counts = np.bincount(mnist.test.labels).tolist()
    assert counts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(mnist.train.labels).tolist()[0] == 4932


def test_the_images_are_bytes_with_black_on_white(mnist):
    assert mnist.train.images.dtype == np.uint8
    assert (mnist.train.images.min(), mnist.train.images.max()) == (0, 255)
    # The ink is in the middle: the outermost pixels of the mean image are white.
    mean = mnist.train.images.mean(axis=0)[..., 0]
    assert mean[0].max() < 1 < 100 < mean[10:18, 10:18].mean()


def test_expanded_data_is_five_times_the_training_data_and_nothing_else(mnist):
    expanded = load_data(expanded=True)
    assert expanded.name == "mnist_expanded"
    assert len(expanded.train) == 250000
    assert (np.bincount(expanded.train.labels) == 5 * np.bincount(mnist.train.labels)).all()
    assert np.array_equal(expanded.validation.images, mnist.validation.images)
    assert np.array_equal(expanded.test.images, mnist.test.images)


FRESH = """
import sys
from zoo.data import load_data
assert len(load_data().train) == 50000
heavy = {"tensorflow", "keras", "tensorflow_datasets", "urllib.request"} & set(sys.modules)
print(heavy or "light")
"""


def test_a_fresh_process_loads_mnist_without_tensorflow(mnist):
    command = [sys.executable, "-c", FRESH]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "light\n"
    assert done.stderr == ""


def test_a_folder_is_a_name(tmp_path):
    folder = write_idx_folder(tmp_path / "scribbles", train=60, test=10)
    data = load_data(folder)
    images, labels = random_set(60)
    assert data.name == "scribbles"
    assert [len(data.train), len(data.validation), len(data.test)] == [50, 10, 10]
    assert np.array_equal(data.validation.images[..., 0], images[50:])
    assert np.array_equal(data.train.labels, labels[:50])
    packed = load_data(str(gzip_with_dots(folder, tmp_path / "packed")))
    assert packed.fingerprint == data.fingerprint
    expanded = load_data(folder, expanded=True)
    assert [len(expanded.train), len(expanded.validation)] == [250, 10]
    assert expanded.name == "scribbles_expanded"


@pytest.mark.parametrize(
    "option", [{"validation": 0.5}, {"test": 0.1}, {"seed": 0}, {"class_names": "abcdefghij"}]
)
def test_options_that_a_set_has_no_use_for_are_refused(tmp_path, option):
    write_idx_folder(tmp_path)
    (name,) = option
    for source in ("mnist", tmp_path):
        for size in ({}, {"size": (8, 8)}):
            with pytest.raises(SpecError, match=f"leave {name}=.* away"):
                load_data(source, progress=False, **option, **size)


@pytest.mark.parametrize(
    ("labels", "names"), [([0, 1], ("0", "1")), ([1, 3], ("0", "1", "2", "3"))]
)
def test_the_labels_of_idx_files_name_their_classes_at_every_size(tmp_path, labels, names):
    folder = write_idx_folder(tmp_path / "scribbles", train=60, test=10)
    for name, count in (("train", 60), ("t10k", 10)):
        chosen = np.array(labels, np.uint8)[np.arange(count) % 2]
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_labels(chosen))
    plain, small = load_data(folder), load_data(folder, size=(14, 14))
    assert plain.class_names == small.class_names == names
    assert small.shape == (14, 14, 1)
    assert np.array_equal(plain.train.labels, small.train.labels)


@pytest.mark.parametrize("form", [{}, {"size": (8, 8), "channels": 3}])
def test_idx_files_stay_on_the_disk_that_is_named(tmp_path, form):
    folder = write_idx_folder(tmp_path / "scribbles")
    data = load_data(folder, cache=tmp_path / "cache", progress=False, **form)
    assert data.fingerprint == load_data(folder, **form).fingerprint
    for split in (data.train, data.validation, data.test):
        assert isinstance(split.images, np.memmap)
    (made,) = (tmp_path / "cache").iterdir()
    assert sum(path.stat().st_size for path in made.glob("images.bin")) == 70 * (
        8 * 8 * 3 if form else 28 * 28
    )


@pytest.mark.integration
def test_mnist_stays_on_the_disk_that_is_named(tmp_path, mnist):
    data = load_data(cache=tmp_path, progress=False)
    assert (data.name, data.fingerprint) == ("mnist", mnist.fingerprint)
    assert isinstance(data.train.images, np.memmap)


def test_a_source_goes_with_mnist_alone(tmp_path):
    folder = write_idx_folder(tmp_path / "scribbles")
    with pytest.raises(DataError, match="for 'mnist' alone"):
        load_data("fashion_mnist", source=folder)


def test_a_folder_without_pictures_or_files_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither class folders nor the four IDX files"):
        load_data(tmp_path)


def test_a_folder_that_lacks_a_file_is_refused(tmp_path):
    folder = write_idx_folder(tmp_path / "scribbles")
    (folder / "train-images-idx3-ubyte").unlink()
    with pytest.raises(DataError, match="lacks train-images-idx3-ubyte"):
        load_data(folder)

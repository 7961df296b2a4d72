"""The four files: how they are found, checked by their SHA-256, and split by the book's rule."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest

from tests.data.data_files import (
    OFFICIAL_NAMES,
    gzip_with_dots,
    idx_images,
    idx_labels,
    random_set,
    write_idx_folder,
)
from zoo.data.mnist_files import (
    book_split,
    check_official,
    files_from_pickle,
    read_idx_folder,
    splits_of,
)
from zoo.errors import DataError


def test_the_files_are_found_gzipped_or_not_with_a_dash_or_a_dot(tmp_path):
    plain = read_idx_folder(write_idx_folder(tmp_path / "plain"))
    packed = read_idx_folder(gzip_with_dots(tmp_path / "plain", tmp_path / "packed"))
    assert tuple(plain) == OFFICIAL_NAMES
    assert plain == packed
    assert plain["t10k-labels-idx1-ubyte"] == idx_labels(random_set(10)[1])


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no folder .*nowhere"):
        read_idx_folder(tmp_path / "nowhere")
    folder = write_idx_folder(tmp_path / "folder")
    (folder / OFFICIAL_NAMES[1]).unlink()
    (folder / OFFICIAL_NAMES[2]).unlink()
    with pytest.raises(DataError, match="lacks train-labels-idx1-ubyte, t10k-images-idx3-ubyte:"):
        read_idx_folder(folder)


def test_a_truncated_gzip_file_in_the_folder_is_named(tmp_path):
    folder = gzip_with_dots(write_idx_folder(tmp_path / "plain"), tmp_path / "packed")
    path = folder / "train-images.idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"Cannot unpack .*train-images.idx3-ubyte.gz"):
        read_idx_folder(folder)


def test_files_that_are_not_mnist_fail_by_their_hash(tmp_path):
    files = read_idx_folder(write_idx_folder(tmp_path / "folder"))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte of here is not the official"):
        check_official(files, "here")


def test_another_pickle_fails_by_its_hash_before_it_is_parsed():
    with pytest.raises(DataError, match=r"x is not the official file.*expected f11bb9e41d6c"):
        files_from_pickle(gzip.compress(b"cposix\nsystem\n."), "x")


@pytest.mark.parametrize(("count", "kept"), [(60, 50), (6, 5), (61, 51), (65, 55), (66, 55)])
def test_the_last_sixth_of_the_training_images_is_for_validation(count, kept):
    images, labels = random_set(count)
    images = images[..., None]
    train, validation, test = book_split((images, labels), (images[:2], labels[:2]), "x")
    assert (len(train), len(validation), len(test)) == (kept, count - kept, 2)
    assert np.array_equal(np.concatenate([train.images, validation.images]), images)
    assert np.array_equal(np.concatenate([train.labels, validation.labels]), labels)


def idx_files(images: np.ndarray, labels: np.ndarray) -> dict[str, bytes]:
    good = random_set(10)
    raws = [idx_images(images), idx_labels(labels), idx_images(good[0]), idx_labels(good[1])]
    return dict(zip(OFFICIAL_NAMES, raws, strict=True))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((12, 20, 20), np.uint8), np.zeros(12, np.uint8), "train-images.*of set.*20x20"),
        (np.zeros((12, 28, 28), np.uint8), np.zeros(11, np.uint8), "set: 12 images need labels"),
        (np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8), "set: There is no image"),
        (np.zeros((5, 28, 28), np.uint8), np.zeros(5, np.uint8), "set: There is no image"),
    ],
)
def test_wrong_contents_are_refused_with_the_name_of_the_set(images, labels, message):
    with pytest.raises(DataError, match=message):
        splits_of(idx_files(images, labels), "set")


def test_images_and_labels_in_each_others_place_are_refused(tmp_path):
    folder = write_idx_folder(tmp_path / "folder")
    shutil.copy(folder / OFFICIAL_NAMES[1], folder / OFFICIAL_NAMES[0])
    with pytest.raises(DataError, match="begins with 00 00 08 01, not 00 00 08 03"):
        splits_of(read_idx_folder(folder), str(folder))

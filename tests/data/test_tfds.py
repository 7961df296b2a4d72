"""Sets of TFDS: small builders of our own, and TFDS's own, go the whole way through it."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tests.data.data_files import idx_images, idx_labels, random_set
from zoo.data import load_data
from zoo.errors import DataError, SpecError


class _TestSet(tfds.core.GeneratorBasedBuilder):
    """A set of `SIZES` random images under the features the class names."""

    VERSION = tfds.core.Version("1.0.0")
    skip_registration = True
    SHAPE = (28, 28, 1)
    NAMES = tuple("0123456789")
    LABELS: tuple[int, ...] = ()
    LABEL = None
    SIZES = {"train": 60, "test": 20}  # noqa: RUF012

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=self.SHAPE),
            "label": self.LABEL or tfds.features.ClassLabel(names=self.NAMES),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(count) for name, count in self.SIZES.items()}

    def _generate_examples(self, count):
        height, width, channels = self.SHAPE
        labels = self.LABELS or range(len(self.NAMES))
        for key, image in enumerate(random_set(count)[0]):
            cut = image[: height or 20 + key % 3, : width or 25 - key % 2, None]
            label = labels[key % len(labels)]
            yield key, {"image": np.repeat(cut, channels, axis=2), "label": label}


class ZooTestDigits(_TestSet):
    pass


class ZooTestColour(_TestSet):
    """Images of 9x12 in colour whose labels skip a number."""

    SHAPE = (9, 12, 3)
    LABELS = (0, 2)


class ZooTestSizes(_TestSet):
    """Images of different sizes, with names for the classes and a validation split."""

    SHAPE = (None, None, 3)
    NAMES = ("cat", "dog", "eel")
    SIZES = {"train": 30, "validation": 9, "test": 6}  # noqa: RUF012


class ZooTestUnlabelled(_TestSet):
    LABEL = tfds.features.Text()


class ZooTestUntested(_TestSet):
    SIZES = {"train": 60}  # noqa: RUF012


class ZooTestUnreachable(_TestSet):
    def _split_generators(self, dl_manager):
        raise ConnectionError("the site is\nnot in reach")


def test_a_tfds_set_comes_in_the_book_s_split_and_its_own_order(tmp_path):
    data = load_data("zoo_test_digits", data_dir=tmp_path, progress=False)
    images, labels = random_set(60)
    assert data.name == "zoo_test_digits"
    assert [len(data.train), len(data.validation), len(data.test)] == [50, 10, 20]
    assert np.array_equal(data.train.images[..., 0], images[:50])
    assert np.array_equal(data.validation.images[..., 0], images[50:])
    assert np.array_equal(data.validation.labels, labels[50:])
    assert (tmp_path / "zoo_test_digits" / "1.0.0").is_dir()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zoo_test_unlabelled", "no set for these networks: .*one ClassLabel, it has .*Text"),
        ("zoo_test_colour", "no training image has '1', label 1 .8 of 10 are missing"),
        ("zoo_test_sizes", "have different sizes: say which .*--size HEIGHTxWIDTH"),
        ("zoo_test_unreachable", "cannot get 'zoo_test_unreachable': .*the site is not in reach"),
        ("fashon_mnist", "No data set 'fashon_mnist'. Did you mean 'fashion_mnist'"),
        ("mnits", "Did you mean 'mnist'"),
        ("no/such/folder", "a folder of pictures or of four IDX files, an .npz file, or a tensor"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(tmp_path, name, message):
    with pytest.raises(DataError, match=message) as caught:
        load_data(name, data_dir=tmp_path, progress=False)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("zoo_test_unlabelled"))


def test_a_set_s_own_splits_names_and_sizes_are_kept(tmp_path):
    data = load_data("zoo_test_sizes", data_dir=tmp_path, progress=False, size=(8, 10))
    assert (data.shape, data.class_names) == ((8, 10, 3), ("cat", "dog", "eel"))
    assert [len(data.train), len(data.validation), len(data.test)] == [30, 9, 6]
    assert data.validation.labels.tolist() == [0, 1, 2] * 3
    image = random_set(30)[0][1][:21, :24]
    expected = np.asarray(Image.fromarray(image).resize((10, 8), Image.Resampling.BILINEAR))
    assert np.array_equal(data.train.images[1, :, :, 2], expected)
    with pytest.raises(SpecError, match=r"has validation images of its own: leave validation=0.2"):
        load_data("zoo_test_sizes", data_dir=tmp_path, progress=False, size=(8, 10), validation=0.2)


def test_a_set_without_a_test_split_is_divided_class_by_class(tmp_path):
    data = load_data("zoo_test_untested", data_dir=tmp_path, progress=False)
    splits = (data.train, data.validation, data.test)
    assert [len(split) for split in splits] == [40, 10, 10]
    assert sorted(data.test.labels) == sorted(data.validation.labels) == list(range(10))
    pixels = [image.tobytes() for split in splits for image in split.images]
    assert sorted(pixels) == sorted(image.tobytes() for image in random_set(60)[0])
    other = load_data("zoo_test_untested", data_dir=tmp_path, progress=False, seed=1)
    assert other.fingerprint != data.fingerprint


def test_a_set_may_stay_on_the_disk(tmp_path):
    plain = load_data("zoo_test_digits", data_dir=tmp_path, progress=False)
    for _ in range(2):
        kept = load_data("zoo_test_digits", data_dir=tmp_path, progress=False, cache=tmp_path / "c")
        assert isinstance(kept.train.images, np.memmap)
        assert kept.fingerprint == plain.fingerprint
    assert len(list((tmp_path / "c").iterdir())) == 1


@pytest.fixture
def download(monkeypatch, tmp_path):
    """A folder in which the builders of TFDS find what they would have downloaded."""
    monkeypatch.setattr(
        tfds.download.DownloadManager, "download_and_extract", lambda self, url: str(tmp_path)
    )
    return tmp_path


def _labelled(split) -> dict[bytes, int]:
    return {
        image.tobytes(): int(label) for image, label in zip(split.images, split.labels, strict=True)
    }


def test_emnist_s_letters_stand_upright_and_have_names(download, monkeypatch):
    images = random_set(156)[0]
    labels = (np.arange(156) % 26 + 1).astype(np.uint8)
    (download / "gzip").mkdir()
    for part in ("train", "test"):
        for kind, raw in (("images-idx3", idx_images(images)), ("labels-idx1", idx_labels(labels))):
            path = download / "gzip" / f"emnist-letters-{part}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(raw))
    config = tfds.image_classification.EMNIST.builder_configs["letters"]
    monkeypatch.setattr(config, "train_examples", 156)
    monkeypatch.setattr(config, "test_examples", 156)
    data = load_data("emnist/letters", data_dir=download / "sets", progress=False)
    assert data.class_names == tuple("abcdefghijklmnopqrstuvwxyz")
    upright = {image.T.tobytes(): index % 26 for index, image in enumerate(images)}
    assert _labelled(data.test) == upright


def test_cifar_100_comes_with_its_own_fine_labels_and_names(download):
    folder = download / "cifar-100-binary"
    folder.mkdir()
    names = {"fine": [f"thing {n}" for n in range(100)], "coarse": [f"kind {n}" for n in range(20)]}
    for kind, words in names.items():
        (folder / f"{kind}_label_names.txt").write_text("\n".join(words) + "\n")
    pixels = np.random.default_rng(0).integers(0, 256, (600, 3, 32, 32), dtype=np.uint8)
    rows = [bytes([n % 20, n % 100]) + image.tobytes() for n, image in enumerate(pixels)]
    (folder / "train.bin").write_bytes(b"".join(rows))
    (folder / "test.bin").write_bytes(b"".join(rows[:100]))
    data = load_data("cifar100", data_dir=download / "sets", progress=False)
    assert (data.shape, data.classes, data.class_names[7]) == ((32, 32, 3), 100, "thing 7")
    assert _labelled(data.test) == {
        image.transpose(1, 2, 0).tobytes(): n for n, image in enumerate(pixels[:100])
    }

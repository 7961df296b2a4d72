"""Arrays of images and labels, and .npz files: what is taken as it is, and what is refused."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
from PIL import Image

from zoo.data import load_data, npz
from zoo.errors import DataError, SpecError


def arrays(count: int, classes: int = 3, shape=(6, 5, 3), seed: int = 0):
    images = np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)
    return images, np.arange(count) % classes


TRAIN, TEST = arrays(60), arrays(12, seed=1)


def load(value, **options):
    return load_data(value, progress=False, **options)


def test_mnist_as_keras_hands_it_out_is_the_book_s_mnist(mnist):
    x = np.concatenate([mnist.train.images, mnist.validation.images])[..., 0]
    y = np.concatenate([mnist.train.labels, mnist.validation.labels]).astype(np.uint8)
    test = mnist.test.images[..., 0], mnist.test.labels.astype(np.uint8)
    assert load(((x, y), test)).fingerprint == mnist.fingerprint


def test_pairs_are_taken_in_their_order_without_a_copy():
    data = load((TRAIN, TEST), class_names=("a", "b", "c"))
    assert (data.name, data.shape, data.class_names) == ("arrays", (6, 5, 3), ("a", "b", "c"))
    assert [len(data.train), len(data.validation), len(data.test)] == [50, 10, 12]
    assert np.shares_memory(data.train.images, TRAIN[0])
    assert np.array_equal(data.validation.images, TRAIN[0][50:])
    # CIFAR's labels have an axis more, and others come as one-hot rows.
    for labels in (TRAIN[1][:, None], np.eye(3)[TRAIN[1]]):
        assert load(((TRAIN[0], labels), TEST)).fingerprint == load((TRAIN, TEST)).fingerprint
    assert load((TRAIN, TEST)).class_names == ("0", "1", "2")
    three = load((TRAIN, TEST, arrays(9, seed=2)))
    assert [len(three.train), len(three.validation), len(three.test)] == [60, 12, 9]
    assert load({"train": TRAIN, "test": TEST}).fingerprint == load((TRAIN, TEST)).fingerprint


def test_sorted_images_are_divided_class_by_class_and_so_is_a_single_pair():
    order = np.argsort(TRAIN[1], kind="stable")
    data = load(((TRAIN[0][order], TRAIN[1][order]), TEST))
    assert np.bincount(data.validation.labels).tolist() == [3, 3, 3]
    assert np.bincount(data.train.labels).tolist() == [17, 17, 17]
    data = load(TRAIN)
    assert [len(data.train), len(data.validation), len(data.test)] == [42, 9, 9]
    assert (
        len(
            {
                image.tobytes()
                for s in (data.train, data.validation, data.test)
                for image in s.images
            }
        )
        == 60
    )
    assert load(TRAIN, seed=1).fingerprint != data.fingerprint
    assert len(load((TRAIN, TEST), validation=0.5).train) == 30
    with pytest.raises(SpecError, match=r"test images of its own: leave test=0\.5 away"):
        load((TRAIN, TEST), test=0.5)


def test_images_are_brought_to_a_size_and_to_grey():
    data = load((TRAIN, TEST), size=(3, 4), channels=1)
    assert data.shape == (3, 4, 1)
    expected = Image.fromarray(TEST[0][7]).convert("L").resize((4, 3), Image.Resampling.BILINEAR)
    assert np.array_equal(data.test.images[7, ..., 0], np.asarray(expected))


def test_whole_numbers_of_other_types_are_bytes_and_floats_up_to_255_rounded():
    plain = load((TRAIN, TEST)).fingerprint
    for kind in (np.int64, np.float32):
        assert load(((TRAIN[0].astype(kind), TRAIN[1]), TEST)).fingerprint == plain
    near = TRAIN[0].clip(1, 254) + np.float32(0.4)
    rounded = load(((near, TRAIN[1]), TEST)).train.images
    assert np.array_equal(rounded, TRAIN[0][:50].clip(1, 254))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (((TRAIN[0] / 255, TRAIN[1]), TEST), r"floats from 0 to 1; .*255 \* x"),
        (((TRAIN[0].astype(int) - 1, TRAIN[1]), TEST), "go from -1 to 254"),
        (((TRAIN[0] * np.nan, TRAIN[1]), TEST), "from nan to nan"),
        (((TRAIN[0] > 9, TRAIN[1]), TEST), "are bool"),
        (((TRAIN[0].reshape(60, -1), TRAIN[1]), TEST), r"shape \[60, 90\], not"),
        (((np.zeros((60, 3, 32, 32), np.uint8), TRAIN[1]), TEST), "channels first"),
        (((TRAIN[0], TRAIN[1].astype(float)), TEST), "train labels are float64 numbers; .* whole"),
        (((TRAIN[0], TRAIN[1] - 1), TEST), "a train label is -1"),
        (((TRAIN[0], TRAIN[1] * 2), TEST), r"no training image has label 1 \(2 of 5"),
        (((TRAIN[0], TRAIN[1][:-1]), TEST), "60 train images have 59 labels"),
        (((TRAIN[0], TRAIN[1] * 0), (TEST[0], TEST[1] * 0)), "one class only"),
        ((TRAIN, (TEST[0], TEST[1] + 1)), "1 class.es. that no training image has, label 3"),
        ((TRAIN, (TEST[0][:, :5], TEST[1])), "test images are 5x5x3, the train images 6x5x3"),
        ((TRAIN, TEST, TEST, TEST), "no images with labels: give"),
        ((TRAIN, (TEST[0],)), "test part is no pair"),
        ({"train": TRAIN, "tests": TEST}, "train, validation, test, not .*tests"),
        ((TRAIN[0][:0], TRAIN[1][:0]), "no training image"),
        (17, "no images with labels"),
        ((TRAIN, (TEST[0][:0], TEST[1][:0])), "there is no test image"),
        ((TRAIN, (TEST[0][:0], TEST[1][:0]), TEST), "there is no validation image"),
        ((TRAIN[0], 3), r"train labels are int64 of shape \[\]; they must be whole"),
        ((TRAIN[0], np.array(["a"] * 60)), "train labels are <U1 of shape .60.; they must be"),
        ((TRAIN[0], np.arange(120).reshape(60, 2)), r"train labels have the shape \[60, 2\]"),
        ((np.zeros((60, 0, 5), np.int32), TRAIN[1]), r"shape \[60, 0, 5\], not"),
        ((np.zeros((60, 4, 5, 0), np.uint8), TRAIN[1]), r"shape \[60, 4, 5, 0\], not"),
        ((np.zeros(60, np.uint8), TRAIN[1]), r"shape \[60\], not"),
        ((TRAIN[0], np.where(TRAIN[1] == 2, 10**13, TRAIN[1])), "10000000000000; labels number"),
        ((TRAIN[0], np.where(TRAIN[1] == 2, 100_000, TRAIN[1])), "0 to 99,999 at most"),
        ({"train": ([[1, 2], [3]], [0, 1])}, "train part is no pair of arrays: .*inhomogeneous"),
        (arrays(4), "too few for train, validation, test"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_set_are_refused_in_one_line(value, message):
    with pytest.raises(DataError, match=message) as caught:
        load(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d")])
def test_names_must_be_those_of_the_labels(names):
    with pytest.raises(DataError, match=r"no training image has 'd'|labels from 0 to 1"):
        load((TRAIN, TEST), class_names=names)


def test_npz_files_are_found_by_the_names_of_their_arrays(tmp_path):
    path = tmp_path / "things.npz"
    expected = load((TRAIN, TEST)).fingerprint
    keras_names = dict(
        zip(("x_train", "y_train", "x_test", "y_test"), (*TRAIN, *TEST), strict=True)
    )
    np.savez(path, **keras_names)
    data = load(path)
    assert (data.name, data.fingerprint) == ("things", expected)
    np.savez_compressed(path, images=TRAIN[0], labels=TRAIN[1])
    assert load(str(path)).fingerprint == load(TRAIN).fingerprint
    np.savez(path, pictures=TRAIN[0])
    with pytest.raises(DataError, match=r"things.npz holds pictures: name its arrays x_train"):
        load(path)
    np.savez(path, x=np.array([{}], object), y=TRAIN[1])
    with pytest.raises(DataError, match=r"Cannot read .*things.npz"):
        load(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"Cannot read .*things.npz"):
        load(path)
    path.unlink()
    with pytest.raises(DataError, match=r"Cannot read .*No such file"):
        load(path)


def test_npz_files_with_a_part_that_would_be_left_out_are_refused(tmp_path):
    path = tmp_path / "more.npz"
    both = {"x_train": TRAIN[0], "y_train": TRAIN[1]}
    for more in ({"x_test": TEST[0]}, {"test_images": TEST[0], "y_test": TEST[1]}, {"y": TEST[1]}):
        np.savez(path, **both, **more)
        with pytest.raises(DataError, match=f"holds {', '.join(sorted(more))} too, which would be"):
            load(path)
    np.savez(path, **both, ids=np.arange(60))
    assert load(path).fingerprint == load(TRAIN).fingerprint


def npy(shape, held: bytes, kind: str = "|u1") -> bytes:
    """An .npy file whose header claims a shape, and what follows it."""
    file = io.BytesIO()
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + held


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (npy((10**13, 28, 28), b"abc"), r"x.npy claims to be uint8 of shape \[10000000000000, 28"),
        (npy((-1, 28, 28), b"abc"), r"x.npy claims to be uint8 of shape \[-1, 28, 28\]"),
        (npy((3, 2, 2), bytes(13)), r"shape \[3, 2, 2\] and holds 13 bytes"),
        (b"no array", "magic string"),
        (b"", "."),
    ],
)
def test_npz_files_that_claim_what_they_do_not_hold_are_refused_unread(tmp_path, x, message):
    path = tmp_path / "odd.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", x)
        archive.writestr("y.npy", npy((3,), bytes(24), "<i8"))
    with pytest.raises(DataError, match=f"Cannot read .*odd.npz as an .npz file: .*{message}"):
        load(path)


def test_npz_files_are_archives_of_no_more_bytes_than_are_allowed(tmp_path, monkeypatch):
    path = tmp_path / "one.npz"
    with path.open("wb") as file:
        np.save(file, TRAIN[0])
    with pytest.raises(DataError, match=r"Cannot read .*one.npz as an .npz file: .*not a zip file"):
        load(path)
    np.savez_compressed(path, x=np.asfortranarray(TRAIN[0]), y=TRAIN[1])
    assert load(path).fingerprint == load(TRAIN).fingerprint
    monkeypatch.setattr(npz, "MOST_BYTES", TRAIN[0].nbytes + TRAIN[1].nbytes)
    assert load(path).fingerprint == load(TRAIN).fingerprint
    monkeypatch.setattr(npz, "MOST_BYTES", TRAIN[0].nbytes + TRAIN[1].nbytes - 1)
    with pytest.raises(DataError, match="take 5,880 bytes of memory, more than the 5,879 that are"):
        load(path)


@pytest.mark.parametrize("shares", [{}, {"validation": 0.25}])
def test_arrays_and_npz_files_stay_on_the_disk_that_is_named(tmp_path, shares):
    options = {"class_names": ("a", "b", "c"), "size": (3, 4), "channels": 1, **shares}
    path, cache = tmp_path / "things.npz", tmp_path / "cache"
    np.savez(path, x=TRAIN[0], y=TRAIN[1])
    for value in (TRAIN, (TRAIN, TEST), path):
        expected = load(value, **options)
        made = set(cache.glob("*"))
        for _ in range(2):  # the second reads what the first wrote
            data = load(value, cache=cache, **options)
            assert (data.name, data.fingerprint) == (expected.name, expected.fingerprint)
            for split in (data.train, data.validation, data.test):
                assert isinstance(split.images, np.memmap)
            assert len(pickle.dumps(data.train)) < 2000
        (folder,) = set(cache.glob("*")) - made
        assert folder.name.startswith(f"{expected.name}-")
    assert load(TRAIN, cache=cache, **{**options, "seed": 1}).fingerprint != expected.fingerprint


def test_parts_of_different_shapes_write_nothing(tmp_path):
    other = TEST[0][:, :5], TEST[1]
    with pytest.raises(DataError, match="test images are 5x5x3, the train images 6x5x3"):
        load((TRAIN, other), cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("value", [(TRAIN, TEST), (TRAIN, TEST, TEST)])
def test_a_seed_goes_with_what_is_drawn(value):
    with pytest.raises(SpecError, match=r"nothing of what is given is drawn .* leave seed=5 away"):
        load(value, seed=5)
    assert load((TRAIN, TEST), seed=5, validation=0.5) is not None
    for seed in (-1, 0.5):
        with pytest.raises(SpecError, match="seed must be a whole number from 0 up"):
            load(TRAIN, seed=seed)

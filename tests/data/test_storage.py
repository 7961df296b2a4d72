"""Sets on the disk: whole or not there, the same as in memory, and small in memory."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import zoo
from tests.data.data_files import picture, write_classes
from tests.paths import ROOT
from tuning.vectorized.train import train_vectorized
from zoo.data import Split, load_data, storage
from zoo.data.expand import expand
from zoo.data.mapped import chunks, mapping_of, read_images
from zoo.data.storage import ImageSet, Part, gather, spool, stored
from zoo.errors import DataError
from zoo.nn.batching import BYTES_PER_BLOCK, Blocks
from zoo.spec import FullyConnected, InputSpec, ModelSpec, Recipe, Softmax

SHAPE = (6, 5, 3)
COUNTS = {"train": 700, "validation": 70, "test": 90}


def pieces(count, seed, stop_at=None):
    generator = np.random.default_rng(seed)
    for start in range(0, count, 64):
        if stop_at is not None and start >= stop_at:
            raise KeyboardInterrupt
        labels = np.arange(start, min(start + 64, count)) % 3
        images = generator.integers(0, 200, (len(labels), *SHAPE), dtype=np.uint8)
        images[np.arange(len(labels)), :, labels] += 50
        yield images, labels


def made(key="made", **options) -> ImageSet:
    parts = {
        name: Part(count, pieces(count, seed, **options))
        for seed, (name, count) in enumerate(COUNTS.items())
    }
    return ImageSet("made", SHAPE, parts, ("a", "b", "c"), key, ["'x.png': it is damaged"])


@pytest.fixture
def on_disk(tmp_path):
    return gather(made(), tmp_path / "sets", on_disk=True, progress=False)


def test_a_set_on_the_disk_is_the_one_in_memory(tmp_path, on_disk):
    in_memory = gather(made(), tmp_path / "none", progress=False)
    assert mapping_of(in_memory.train.images) is None
    assert mapping_of(on_disk.take(5).train.images) is not None
    assert on_disk.fingerprint == in_memory.fingerprint
    assert on_disk.class_names == ("a", "b", "c")
    assert on_disk.skipped == in_memory.skipped == ("'x.png': it is damaged",)
    assert [len(on_disk.train), len(on_disk.validation), len(on_disk.test)] == [700, 70, 90]
    files = sorted(path.name for path in (tmp_path / "sets" / "made").iterdir())
    assert files == ["images.bin", "set.json"]
    assert (tmp_path / "sets/made/images.bin").stat().st_size == 860 * 90
    assert not (tmp_path / "none").exists()
    again = stored(tmp_path / "sets", "made")
    assert again.fingerprint == on_disk.fingerprint
    with pytest.raises(ValueError, match="read-only"):
        again.train.images[0] = 0


def test_a_set_that_is_cut_off_leaves_nothing_and_is_made_anew(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        gather(made(stop_at=128), tmp_path, on_disk=True, progress=False)
    assert list(tmp_path.iterdir()) == []
    assert stored(tmp_path, "made") is None


@pytest.mark.parametrize("harm", ["short", "no record", "half a record"])
def test_a_set_that_has_lost_a_part_is_never_read(tmp_path, on_disk, harm):
    folder = tmp_path / "sets" / "made"
    if harm == "short":
        os.truncate(folder / "images.bin", 860 * 90 - 1)
    elif harm == "no record":
        (folder / "set.json").unlink()
    else:
        text = (folder / "set.json").read_text()
        (folder / "set.json").write_text(text[: len(text) // 2])
    assert stored(tmp_path / "sets", "made") is None
    again = gather(made(), tmp_path / "sets", on_disk=True, progress=False)
    assert again.fingerprint == gather(made(), tmp_path, progress=False).fingerprint
    assert len(list((tmp_path / "sets").iterdir())) == 1


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(tmp_path):
    huge = made()
    huge.parts["train"].count = 10**15
    with pytest.raises(
        DataError, match=r"take 90,.* bytes and .* has .* free: make room"
    ) as caught:
        gather(huge, tmp_path / "sets", progress=False)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "sets").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"Cannot keep the images in .*: Not a directory"):
        gather(made(), tmp_path / "file" / "sets", on_disk=True, progress=False)


def test_a_part_without_an_image_is_refused_and_leaves_nothing(tmp_path):
    for on_disk in (False, True):
        empty = made()
        empty.parts["test"] = Part(5, iter(()))
        with pytest.raises(DataError, match="no test image that can be read"):
            gather(empty, tmp_path, on_disk=on_disk, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_large_folders_of_pictures_go_to_the_disk_once(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MOST_IN_MEMORY", 1000)
    folder = write_classes(tmp_path / "pets", count=8)
    (folder / "cat" / "bad.png").write_text("")
    home = tmp_path / "home"

    def load():
        with pytest.warns(UserWarning, match=r"left out 'cat/bad.png'"):
            return load_data(folder, data_dir=home, progress=False)

    first = load()
    (file,) = (home / "zoo_image_sets").rglob("images.bin")
    written = file.stat().st_mtime_ns
    assert file.parent.parent.name.startswith("zoo_image_sets")
    assert isinstance(first.train.images, np.memmap)
    assert load().fingerprint == first.fingerprint
    assert file.stat().st_mtime_ns == written
    picture(99).save(folder / "dog" / "0.png")
    assert load().fingerprint != first.fingerprint
    assert len(list((home / "zoo_image_sets").iterdir())) == 2


def test_images_are_read_in_the_order_asked_for(on_disk):
    images = on_disk.train.images
    for indices in (
        np.random.default_rng(0).permutation(700),
        np.array([5, 5, 699, 0]),
        np.arange(9),
    ):
        expected = np.asarray(images)[indices]
        assert np.array_equal(read_images(images, indices), expected)
        assert np.array_equal(
            read_images(on_disk.test.images, indices % 90),
            np.asarray(on_disk.test.images)[indices % 90],
        )
        elsewhere = np.memmap(images.filename, np.uint8, "r", shape=images.shape)
        assert np.array_equal(read_images(elsewhere, indices), expected)
    assert np.array_equal(np.concatenate([*chunks(images, 1000)]), images)


# Each takes some of the bytes of a set on the disk, in the file's order or in another one.
VIEWS = {
    "backwards": lambda images: images[::-1],
    "every other": lambda images: images[::2],
    "cropped": lambda images: images[:, 2:6, 1:4],
    "mirrored": lambda images: images[:, :, ::-1],
    "turned": lambda images: images.transpose(0, 2, 1, 3),
    "one channel": lambda images: images[..., 1:2],
    "later": lambda images: images[7:],
    "rows of one": lambda images: images[3, 1:].reshape(-1, 1, 5, 3),
}


@pytest.mark.parametrize("view", VIEWS)
def test_any_view_of_a_set_on_the_disk_is_read_and_sent_as_it_is(on_disk, view):
    seen, in_memory = (VIEWS[view](x) for x in (on_disk.test.images, np.array(on_disk.test.images)))
    indices = np.array([4, 0, len(seen) - 1, 0])
    assert np.array_equal(read_images(seen, indices), in_memory[indices])
    part = Split(seen, np.arange(len(seen)) % 3)
    again = pickle.loads(pickle.dumps(part))
    assert np.array_equal(again.images, in_memory)
    blocks = (
        Blocks(part, 2, shuffle_seed=0),
        Blocks(Split(in_memory, part.labels), 2, shuffle_seed=0),
    )
    assert np.array_equal(*(each[0][0] for each in blocks))


def test_an_index_past_a_part_is_no_image_of_the_next(on_disk):
    for index in (700, -1):
        with pytest.raises(IndexError):
            read_images(on_disk.train.images, np.array([0, index]))


@pytest.mark.parametrize("augment", [(), ("shift", "rotate")])
def test_blocks_from_the_disk_are_those_from_memory(on_disk, augment):
    loaded = Split(np.array(on_disk.train.images), on_disk.train.labels)
    here, there = (
        Blocks(split, 8, shuffle_seed=3, augment=augment) for split in (loaded, on_disk.train)
    )
    for _ in range(2):
        for block in range(len(here)):
            for mine, theirs in zip(here[block], there[block], strict=True):
                assert np.array_equal(mine, theirs)
        here.next_epoch()
        there.next_epoch()


def test_blocks_of_large_images_are_no_larger_than_they_may_be():
    images = np.zeros((330, 224, 224, 3), np.uint8)
    blocks = Blocks(Split(images, np.arange(330) % 2), 10)
    sizes = [blocks[index][0].nbytes for index in range(len(blocks))]
    assert max(sizes) <= BYTES_PER_BLOCK
    assert sum(sizes) == images.nbytes
    # MNIST's blocks, on which the augmentation of stored runs depends, are as they were.
    mnist = Blocks(Split(np.zeros((12_000, 28, 28, 1), np.uint8), np.arange(12_000) % 2), 10)
    assert mnist.ends == [4000, 8000, 12_000]


def test_training_from_the_disk_is_training_from_memory(tmp_path, on_disk):
    in_memory = gather(made(), tmp_path / "none", progress=False)
    layers = (FullyConnected(5), Softmax(3))
    recipe = Recipe(cost="log_likelihood", epochs=2, learning_rate=0.1, images=700)
    spec = ModelSpec("small", layers, recipe, input=InputSpec(SHAPE))
    rows = []
    for data in (in_memory, on_disk):
        history = zoo.train(spec, data, monitor={"test": data.test}, progress=False).history
        rows.append([{k: v for k, v in row.items() if k != "seconds"} for row in history])
    for here, there in zip(*rows, strict=True):
        assert here == pytest.approx(there, rel=1e-6)


def test_sets_that_would_not_fit_are_not_expanded(on_disk, monkeypatch):
    assert len(expand(on_disk.train)) == 3500
    monkeypatch.setattr("zoo.data.expand.MOST_IN_MEMORY", 1000)
    with pytest.raises(DataError, match=r"takes 315,000 bytes of memory: .*augment=\['shift'\]"):
        expand(on_disk.train)


# Makes a set on the disk, reads all of it in mixed order and hashes it; prints what its memory grew
# by in MB. Nothing of it holds more than a block.
GROWTH = """
import resource, sys
import numpy as np
from pathlib import Path
from zoo.data.storage import ImageSet, Part, gather
from zoo.nn.batching import Blocks

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def pieces(count):
    for start in range(0, count, 100):
        yield np.full((100, 64, 64, 3), start % 251, np.uint8), np.arange(start, start + 100) % 2

count = int(sys.argv[2])
parts = {name: Part(n, pieces(n)) for name, n in
         {"train": count, "validation": 200, "test": 200}.items()}
before = peak()
data = gather(ImageSet("made", (64, 64, 3), parts, ("a", "b"), "made"), Path(sys.argv[1]),
              on_disk=True, progress=False)
blocks = Blocks(data.train, 10, shuffle_seed=0)
for index in range(len(blocks)):
    images, labels = blocks[index]
print(data.fingerprint, round(peak() - before))
"""


@pytest.mark.integration
def test_making_and_reading_a_set_on_the_disk_takes_little_memory(tmp_path):
    count = 20_000
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(tmp_path), str(count)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    size = (tmp_path / "made" / "images.bin").stat().st_size / 2**20
    growth = int(done.stdout.split()[1])
    assert size > 230
    assert growth < 110, "the set, or much of it, was in memory"


# Trains a small network for an epoch on a set of 4 GB; prints the accuracy and the peak memory of
# the whole process, TensorFlow included, in MB.
FOUR_GB = """
import resource, sys

class Absent:
    # Keras imports these where it finds them, 100 MB each; the zoo does not need them.
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pandas", "jax", "torch"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import numpy as np
from pathlib import Path
import zoo
from zoo.data.storage import ImageSet, Part, gather

def pieces(count, seed):
    generator = np.random.default_rng(seed)
    for start in range(0, count, 1000):
        labels = np.arange(1000) % 10
        images = generator.integers(0, 200, (1000, 32, 32, 3), dtype=np.uint8)
        images[np.arange(1000), :, 2 * labels + 4] += 50
        yield images, labels

counts = {"train": 1_100_000, "validation": 100_000, "test": 100_000}
parts = {name: Part(count, pieces(count, seed))
         for seed, (name, count) in enumerate(counts.items())}
names = tuple("abcdefghij")
made = ImageSet("made", (32, 32, 3), parts, names, "made")
data = gather(made, Path(sys.argv[1]), progress=False)
recipe = zoo.Recipe(cost="log_likelihood", epochs=1, learning_rate=0.03, images=1_100_000)
layers = zoo.FullyConnected(30), zoo.Softmax(10)
spec = zoo.ModelSpec("made", layers, recipe, input=zoo.InputSpec((32, 32, 3)))
result = zoo.train(spec, data, monitor={"test": data.test}, progress=False, out=sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(result.history[0]["test_accuracy"], peak, round(result.images_per_second))
"""


@pytest.mark.slow
def test_four_gigabytes_train_in_less_than_one(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FOUR_GB, str(tmp_path / "sets"), str(tmp_path / "run")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    assert (tmp_path / "sets" / "made" / "images.bin").stat().st_size == 1_300_000 * 3072
    accuracy, peak, _ = map(float, done.stdout.split())
    assert accuracy > 0.99
    assert peak < 1000


# --- other processes, votes and stacked trials ----------------------------------------------------


def test_a_set_on_the_disk_goes_to_another_process_by_the_name_of_its_file(tmp_path):
    folder = write_classes(tmp_path / "pictures", count=20)
    data = load_data(folder, cache=tmp_path / "cache", progress=False)
    part = data.validation.take(2)
    sent = pickle.dumps(part)
    assert len(sent) < 1000 < part.images.nbytes * 10
    again = pickle.loads(sent)
    assert mapping_of(again.images) is not None
    np.testing.assert_array_equal(again.images, part.images)
    np.testing.assert_array_equal(again.labels, part.labels)
    in_memory = load_data(folder, progress=False).test
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(in_memory)).images, in_memory.images)


def test_a_file_without_a_name_is_not_sent(tmp_path):
    images = spool([np.zeros((3, 5, 5, 1), np.uint8)], tmp_path)
    with pytest.raises(DataError, match="file without a name, which other processes cannot open"):
        pickle.dumps(zoo.Split(images, np.arange(3)))


@pytest.mark.integration
def test_votes_and_trials_take_sets_on_the_disk(tmp_path):
    folder = write_classes(tmp_path / "pictures", count=20, size=(8, 8))
    on_disk = load_data(folder, cache=tmp_path / "cache", progress=False)
    in_memory = load_data(folder, progress=False)
    layers = (zoo.FullyConnected(5), zoo.Softmax())
    recipe = zoo.Recipe(cost="log_likelihood", epochs=2, learning_rate=0.1)
    vote = zoo.EnsembleSpec("vote", (layers,) * 2, recipe)
    members = [zoo.ModelSpec("one", layers, recipe)] * 2
    trained = []
    for data in (on_disk, in_memory):
        voted = zoo.train(vote, data, progress=False)
        trials = train_vectorized(members, data, seeds=[0, 1])
        trained.append((voted, *trials))
    assert mapping_of(on_disk.train.images) is not None
    for mapped, plain in zip(*trained, strict=True):
        for one, same in zip(mapped.model.weights, plain.model.weights, strict=True):
            np.testing.assert_allclose(one, same, atol=1e-5)

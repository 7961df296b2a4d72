"""`load_data`: the one way in, to MNIST in the book's split and to pictures of any kind."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.data.arrays import data_of_pairs, pairs_of
from zoo.data.choices import Choice, kept_on_disk
from zoo.data.dataset import Data, check_class_names
from zoo.data.expand import expand
from zoo.data.mnist_files import SHA256, read_idx_folder, splits_of
from zoo.data.npz import read_npz
from zoo.data.pictures import PictureFormat, Resize
from zoo.data.sources import find_data_root, mnist_files
from zoo.data.splits import PARTS, check_no_seed, check_shares, check_unused
from zoo.errors import DataError, SpecError
from zoo.utils.extras import naming_extras


@dataclass(frozen=True)
class _Options:
    """How a set is read, whatever it comes from."""

    form: PictureFormat
    validation: float | None
    test: float | None
    seed: int | None
    class_names: tuple[str, ...]
    cache: Path | None
    data_dir: str | Path | None
    progress: bool

    def __post_init__(self) -> None:
        given = {"validation": self.validation, "test": self.test}
        check_shares({name: share for name, share in given.items() if share is not None})
        if self.seed is not None and not (isinstance(self.seed, int) and self.seed >= 0):
            raise SpecError(f"seed must be a whole number from 0 up, not {self.seed!r}")
        if self.class_names:
            check_class_names(self.class_names)

    @property
    def shares(self) -> dict[str, float | None]:
        return {"validation": self.validation, "test": self.test}

    def check_divided(self, what: str) -> None:
        """Refuse shares and a seed for a set that has its own parts."""
        check_unused(self.shares, PARTS, what)
        check_no_seed(self.seed, what)

    def check_named(self, what: str) -> None:
        """Refuse names for classes that have names."""
        if self.class_names:
            raise SpecError(f"{what} names its own classes: leave class_names= away")


def load_data(
    name: Any = "mnist",
    *,
    source: str | Path | None = None,
    expanded: bool = False,
    data_dir: str | Path | None = None,
    progress: bool = True,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    resize: Resize = "stretch",
    validation: float | None = None,
    test: float | None = None,
    seed: int | None = None,
    class_names: Sequence[str] = (),
    cache: str | Path | None = None,
) -> Data:
    """Training, validation and test data: MNIST in the book's split, or pictures of your own.

    Args:
        name: What to load:
            "mnist": 50,000, 10,000 and 10,000 images;
            the name of an image classification set of tensorflow_datasets, as "fashion_mnist";
            a folder of pictures, a sub-folder a class, or such folders in train/, val/, test/;
            a folder of four IDX files of 28x28 images; an .npz file;
            arrays, ((x_train, y_train), (x_test, y_test)) or (x, y);
            a tf.data.Dataset, Keras PyDataset or Hugging Face data set, or a tuple or mapping of
            those for train and test.
        source: A folder to take MNIST from, instead of the network.
        expanded: Adds the four one-pixel shifts of every training image.
        data_dir: Where prepared data is kept: else $TFDS_DATA_DIR, else ~/tensorflow_datasets.
        progress: False keeps stderr quiet.
        size: Height and width that all pictures are brought to; needed where theirs differ.
        channels: 1 for grey, 3 for colour; by default colour if any picture is in colour.
        resize: How a picture comes to `size`: 'stretch', 'crop' or 'pad'; see `PictureFormat`.
        validation: The share of the training images that is for validation, where there are none.
            By default the last sixth, in order, of a set that has a test part of its own; else a
            sixth of every class, drawn by `seed`.
        test: The share for the test, drawn likewise, where there are no test images; a sixth.
        seed: Decides what is drawn; the same seed draws the same. None is 0.
        class_names: Names of the classes of arrays and data sets; other sources know theirs.
        cache: A folder for the images: they stay on the disk, memory-mapped, and are read as they
            are needed. The same set is read from there again; of data sets (tf.data and the like)
            the file goes with the set. By default folders of pictures and sets of
            tensorflow_datasets above 1 GiB stay on the disk, in a folder of `data_dir`.

    Raises:
        DataError: Where the data cannot be had, or is not what it claims to be.
        SpecError: For a setting that makes no sense, or that this source has no use for.
    """
    options = _Options(
        PictureFormat(size, channels, resize),
        validation,
        test,
        seed,
        tuple(class_names),
        None if cache is None else _path(cache),
        data_dir,
        progress,
    )
    if source is not None and not (isinstance(name, str) and name == "mnist"):
        raise DataError(f"source= is for 'mnist' alone: give the folder {source} as the name.")
    if isinstance(name, str | os.PathLike):
        data = _from_name(name, source, options)
    else:
        data = _from_objects(name, options)
    data = replace(data, resize=resize)
    if data.skipped:
        more = f" and {len(data.skipped) - 3} more" if len(data.skipped) > 3 else ""
        message = "; ".join(data.skipped[:3])
        warnings.warn(f"{data.name}: left out {message}{more}", stacklevel=2)
    if expanded:
        return replace(data, name=f"{data.name}_expanded", train=expand(data.train))
    return data


def _from_name(name: str | os.PathLike, source: str | Path | None, options: _Options) -> Data:
    path = _path(name)
    if path.suffix != ".npz":
        options.check_named(str(name))
    if name == "mnist":
        options.check_divided("mnist")
        files = mnist_files(source, options.data_dir, options.progress)
        return _reformed(Data("mnist", *splits_of(files, "MNIST")), options)
    if path.is_dir():
        if _holds_idx(path):
            options.check_divided(str(path))
            train, validation, test = splits_of(read_idx_folder(path), str(path))
            labels = max(int(split.labels.max()) for split in (train, validation, test))
            names = tuple(map(str, range(labels + 1)))
            return _reformed(Data(path.resolve().name, train, validation, test, names), options)
        return _from_pictures(path, options)
    if path.suffix == ".npz":
        return _from_pairs(path.stem, read_npz(path), options)
    if path.is_absolute() or str(name).startswith("."):
        raise DataError(f"There is no folder {path}, and a file must be an .npz file.")
    # Imported late: only these sets need TensorFlow and TFDS.
    with naming_extras():
        from zoo.data.tfds import load_from_tfds

    return load_from_tfds(
        str(name),
        options.data_dir,
        options.progress,
        form=options.form,
        shares=options.shares,
        seed=options.seed,
        cache=options.cache,
    )


def _path(name: str | os.PathLike) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise DataError(f"{name} is the folder of a user who is not known here.") from error


def _holds_idx(folder: Path) -> bool:
    ends = ("", ".gz")
    names = {
        spelling + end
        for name in SHA256
        for end in ends
        for spelling in (name, name.replace("-idx", ".idx"))
    }
    return any((folder / name).exists() for name in names)


def _reformed(data: Data, options: _Options) -> Data:
    """A divided set in the format, and on the disk, that the options name."""
    splits = {part: getattr(data, part) for part in PARTS}
    whole = slice(None)
    choices = {part: Choice(split.images, split.labels, whole) for part, split in splits.items()}
    form, names = options.form, data.class_names
    if options.cache is not None:
        return kept_on_disk(
            data.name, choices, form, names, options.cache, progress=options.progress
        )
    train, validation, test = (choice.split(form) for choice in choices.values())
    return replace(data, train=train, validation=validation, test=test)


def _from_pictures(folder: Path, options: _Options) -> Data:
    from zoo.data import folders, storage
    from zoo.data.listing import list_pictures

    there = list_pictures(folder)
    listing = folders.complete(there, options.shares, options.seed or 0)
    kept = find_data_root(options.data_dir)
    root = options.cache or (kept and kept / "zoo_image_sets")
    key = folders.key_of(listing, options.form)
    ready = storage.stored(root, key) if root else None
    if ready is not None:
        return ready
    whole, shapes = folders.readable_pictures(there)
    # Drawn once more, of what can be read: each part is to have some of every class.
    listing = folders.complete(whole, options.shares, options.seed or 0)
    drawn = [part for part in PARTS if part not in there.files]
    images = folders.image_set(listing, shapes, options.form, key, drawn)
    return storage.gather(
        images, root, on_disk=True if options.cache else None, progress=options.progress
    )


def _from_objects(value: Any, options: _Options) -> Data:
    # A mapping or tuple is one of data sets if its first part is one.
    from zoo.data import pipelines

    first = value
    if isinstance(value, dict):
        first = value.get("train")
    elif isinstance(value, tuple | list) and value:
        first = value[0]
    if pipelines.is_pipeline(value) or pipelines.is_pipeline(first):
        parts = pipelines.parts_of(value)
        pairs, names = pipelines.read_parts(parts, options.form, options.cache)
        options = replace(options, class_names=options.class_names or names)
        return _from_pairs("dataset", pairs, options, keep=False)
    return _from_pairs("arrays", pairs_of(value), options)


def _from_pairs(name: str, pairs: dict, options: _Options, *, keep: bool = True) -> Data:
    return data_of_pairs(
        name,
        pairs,
        options.form,
        class_names=options.class_names,
        shares=options.shares,
        seed=options.seed,
        cache=options.cache,
        keep=keep,
        progress=options.progress,
    )

"""A folder of pictures, one sub-folder a class, laid out as Keras' image_dataset_from_directory.

The classes stand in the folder itself, or in its sub-folders `train`, `val` (or `validation`,
`valid`) and `test`; what there is no folder for is drawn from the training pictures.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from zoo.data.dataset import check_class_names
from zoo.data.pictures import ENDINGS, PictureFormat, picture_shape, read_picture
from zoo.data.splits import PARTS, SHARE, check_unused, divide
from zoo.data.storage import ImageSet, Part
from zoo.errors import DataError

_PART_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_BLOCK = 64  # pictures that are read at a time
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


@dataclass
class Listing:
    """The picture files of a folder, before any is opened.

    `files` has for each part its paths and labels; `skipped` a line for what is no picture.
    """

    folder: Path
    class_names: tuple[str, ...]
    files: dict[str, list[tuple[Path, int]]]
    skipped: list[str] = field(default_factory=list)


def list_pictures(folder: Path) -> Listing:
    """Find the picture files of a folder, class by class, in the order of their names.

    Links are followed; one that leads back into itself is skipped, and told in `skipped`. Names
    that begin with a dot are left out without a word.

    Raises:
        DataError: Where there are no classes, one class only, or an empty one; where parts have
            different classes; and where a class has a name that is no line of text.
    """
    folder = folder.resolve()
    inside = _sub_folders(folder)
    parts = {
        _PART_FOLDERS[path.name.lower()]: path
        for path in inside
        if path.name.lower() in _PART_FOLDERS
    }
    if "train" not in parts or not _sub_folders(parts["train"]):
        parts = {"train": folder}
    class_folders = {part: _sub_folders(path) for part, path in parts.items()}
    names = tuple(path.name for path in class_folders["train"])
    if not names:
        raise DataError(
            f"{folder} holds neither class folders nor the four IDX files: put the pictures of each"
            f" class into a sub-folder, as in {folder.name}/cat/1.png, or those into train/, val/"
            " and test/."
        )
    try:
        check_class_names(names)
    except DataError as error:
        raise DataError(f"{parts['train']}: {error}") from error
    listing = Listing(folder, names, {})
    for part in sorted(parts, key=PARTS.index):
        _check_same_classes(part, parts[part], class_folders[part], names)
        listing.files[part] = [
            (path, label)
            for label, class_folder in enumerate(class_folders[part])
            for path in _class_files(class_folder, listing)
        ]
    return listing


def _check_same_classes(
    part: str, path: Path, class_folders: Sequence[Path], names: Sequence[str]
) -> None:
    here = {class_folder.name for class_folder in class_folders}
    odd = sorted(here.symmetric_difference(names))
    if odd:
        which = "has no training pictures" if odd[0] in here else f"is missing in {path}"
        raise DataError(
            f"The class {odd[0]!r} {which}: train and {part} need the same class folders."
        )


def _class_files(class_folder: Path, listing: Listing) -> list[Path]:
    above = [class_folder.parent, listing.folder, *listing.folder.parents]
    files = list(_walk(class_folder, listing, tuple(map(_identity, above))))
    if not files:
        raise DataError(
            f"The class folder {str(class_folder)!r} has no picture: put some there"
            f" ({', '.join(ENDINGS)}), or remove it."
        )
    return files


def _walk(folder: Path, listing: Listing, above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    try:
        identity = _identity(folder)
        entries = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        _skip(listing, folder, error.strerror or str(error))
        return
    if identity in above:
        _skip(listing, folder, "it is a link to a folder that it lies in")
        return
    for name in entries:
        path = folder / name
        if name.startswith(".") or name.lower() in _SYSTEM_FILES:
            continue
        try:
            mode = path.stat().st_mode
        except OSError as error:
            _skip(listing, path, error.strerror or str(error))
            continue
        if stat.S_ISDIR(mode):
            yield from _walk(path, listing, (*above, identity))
        elif not name.lower().endswith(ENDINGS):
            _skip(listing, path, f"its name has none of the endings {', '.join(ENDINGS)}")
        elif not stat.S_ISREG(mode):
            _skip(listing, path, "it is no regular file")
        else:
            yield path


def _identity(folder: Path) -> tuple[int, int]:
    there = folder.stat()
    return there.st_dev, there.st_ino


def _skip(listing: Listing, path: Path, reason: str) -> None:
    # Quoted, so that a name with a newline stays on one line.
    listing.skipped.append(f"{str(path.relative_to(listing.folder))!r}: {reason}")


def _sub_folders(folder: Path) -> list[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"Cannot read the folder {folder}: {error.strerror or error}.") from error
    return [path for path in inside if path.is_dir() and not path.name.startswith(".")]


def complete(listing: Listing, shares: Mapping[str, float | None], seed: int) -> Listing:
    """The listing with its missing parts drawn from the training files, and these mixed.

    Args:
        listing: With training files, and perhaps other parts, which stay as they are.
        shares: The share of the training files for each missing part; None for a sixth. Errors are
            those of `splits.divide`.
        seed: Of the draw and of the order.

    Raises:
        SpecError: A share is given of a part that is there.
    """
    files = listing.files["train"]
    check_unused(shares, listing.files, "the folder")
    missing = {name: share or SHARE for name, share in shares.items() if name not in listing.files}
    labels = np.array([label for _, label in files])
    drawn = divide(labels, missing, seed, listing.class_names)
    parts = {name: [files[index] for index in chosen] for name, chosen in drawn.items()}
    parts = {**listing.files, **parts}
    return replace(listing, files={name: parts[name] for name in PARTS})


def key_of(listing: Listing, form: PictureFormat) -> str:
    """A name for the set on the disk: the folder's, and a hash of all that decides the images.

    It changes with every file's name, size and time of change, and with the format.
    """
    digest = hashlib.sha256(json.dumps([str(listing.folder), asdict(form)]).encode())
    for part, files in listing.files.items():
        for path, label in files:
            there = path.stat()
            row = [part, os.fsencode(path).hex(), label, there.st_size, there.st_mtime_ns]
            digest.update(json.dumps(row).encode())
    return f"{listing.folder.name}-{digest.hexdigest()[:16]}"


def image_set(listing: Listing, form: PictureFormat, key: str) -> ImageSet:
    """The pictures of a listing as a set to be gathered, all in one format.

    Where `form` leaves size or channels open, they are the pictures' own: colour if any picture
    is in colour. Files that cannot be read are left out, and told in the set's `skipped`.

    Args:
        listing: With all its parts.
        form: The format that the images are brought to.
        key: Names the set on the disk, as `key_of` makes it.

    Raises:
        DataError: Where the pictures have different sizes and `form` names none.
    """
    shapes: Counter[tuple[int, int, int]] = Counter()
    skipped = list(listing.skipped)
    readable: dict[str, list[tuple[Path, int]]] = {}
    for part, files in listing.files.items():
        readable[part] = []
        for path, label in files:
            try:
                shapes[picture_shape(path)] += 1
                readable[part].append((path, label))
            except DataError as error:
                skipped.append(f"{str(path.relative_to(listing.folder))!r}: {error}")
    if not shapes:
        raise DataError(f"No picture in {listing.folder} can be read: {skipped[0]}.")
    chosen = _settled(form, shapes, listing.folder)
    # `_settled` leaves neither open.
    assert chosen.size is not None
    assert chosen.channels is not None
    images = ImageSet(
        listing.folder.name, (*chosen.size, chosen.channels), {}, listing.class_names, key, skipped
    )
    images.parts = {
        part: Part(len(files), _read(files, chosen, listing.folder, skipped))
        for part, files in readable.items()
    }
    return images


def _settled(
    form: PictureFormat, shapes: Counter[tuple[int, int, int]], folder: Path
) -> PictureFormat:
    sizes: Counter[tuple[int, int]] = Counter()
    for (height, width, _), count in shapes.items():
        sizes[height, width] += count
    if form.size is None and len(sizes) > 1:
        low, high = min(sizes, key=np.prod), max(sizes, key=np.prod)
        raise DataError(
            f"The pictures of {folder} have {len(sizes)} sizes, from {low[0]}x{low[1]} to"
            f" {high[0]}x{high[1]}: say which one they are to have, size=(height, width), on the"
            " command line --size HEIGHTxWIDTH."
        )
    channels = max(shape[2] for shape in shapes)
    return replace(form, size=form.size or next(iter(sizes)), channels=form.channels or channels)


def _read(
    files: Sequence[tuple[Path, int]], form: PictureFormat, folder: Path, skipped: list[str]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(files), _BLOCK):
        images, labels = [], []
        for path, label in files[start : start + _BLOCK]:
            try:
                images.append(read_picture(path, form))
                labels.append(label)
            except DataError as error:
                skipped.append(f"{str(path.relative_to(folder))!r}: {error}")
        if images:
            yield np.stack(images), np.array(labels, np.int32)

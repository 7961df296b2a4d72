"""Which files of a folder are pictures, of which class and part; none is opened.

The layout is that of Keras' image_dataset_from_directory, a sub-folder a class. The
classes stand in the folder itself, or in its sub-folders `train`, `val` (or `validation`, `valid`)
and `test`; what there is no folder for is drawn from the training pictures.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.dataset import check_class_names
from zoo.data.pictures import ENDINGS
from zoo.data.splits import PARTS
from zoo.errors import DataError

_PART_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


@dataclass
class Listing:
    """The picture files of a folder, before any is opened.

    `files` has for each part its paths and labels; `skipped` a line for what is left out.
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
            different classes; where two folders are one part, as val and validation; and where a
            class has a name that is no line of text.
    """
    folder = folder.resolve()
    parts = _part_folders(folder)
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
    _skip_what_lies_outside(listing, parts)
    for part in sorted(parts, key=PARTS.index):
        _check_same_classes(part, parts[part], class_folders[part], names)
        listing.files[part] = [
            (path, label)
            for label, class_folder in enumerate(class_folders[part])
            for path in _class_files(class_folder, listing)
        ]
    return listing


def _part_folders(folder: Path) -> dict[str, Path]:
    """The folder of each part; that of 'train' is the folder itself where it is not divided."""
    found: dict[str, list[Path]] = {}
    for path in _sub_folders(folder):
        if path.name.lower() in _PART_FOLDERS:
            found.setdefault(_PART_FOLDERS[path.name.lower()], []).append(path)
    if not any(_sub_folders(path) for path in found.get("train", ())):
        return {"train": folder}
    for part, paths in found.items():
        if len(paths) > 1:
            raise DataError(
                f"{folder} has {' and '.join(repr(path.name) for path in paths)}, which are both"
                f" the {part} part: put their pictures into one of them."
            )
    return {part: paths[0] for part, paths in found.items()}


def _skip_what_lies_outside(listing: Listing, parts: Mapping[str, Path]) -> None:
    """Note the folders beside those of the parts, and the pictures that are in no class folder."""
    divided = listing.folder not in parts.values()
    if divided:
        for path in _sub_folders(listing.folder):
            if path not in parts.values():
                _skip(listing, path, "it is beside train, and no part of the set")
    for holder in (listing.folder, *parts.values()) if divided else (listing.folder,):
        for path in sorted(holder.iterdir()):
            if path.name.lower().endswith(ENDINGS) and path.name[0] != "." and path.is_file():
                _skip(listing, path, "it is in no class folder")


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

"""A folder of pictures as a set of images: divided, named on the disk, and read in one format."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from zoo.data.listing import Listing
from zoo.data.mapped import set_key
from zoo.data.pictures import PictureFormat, picture_shape, read_picture
from zoo.data.splits import PARTS, SHARE, check_unused, divide
from zoo.data.storage import ImageSet, Part
from zoo.errors import DataError

# Pictures by their height, width and number of channels.
Shapes = Counter[tuple[int, int, int]]

_BLOCK = 64  # pictures that are read at a time


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
    return set_key(listing.folder.name, digest)


def readable_pictures(listing: Listing) -> tuple[Listing, Shapes]:
    """The listing without the files that are no pictures, which are listed in its `skipped`.

    Args:
        listing: With some or all of its parts.

    Returns:
        That listing, and how many pictures have each height, width and number of channels.

    Raises:
        DataError: Where no picture is left.
    """
    shapes: Shapes = Counter()
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
    return replace(listing, files=readable, skipped=skipped), shapes


def image_set(
    listing: Listing, shapes: Shapes, form: PictureFormat, key: str, drawn: Collection[str] = ()
) -> ImageSet:
    """The pictures of a listing as a set to be gathered, all in one format.

    Where `form` leaves size or channels open, they are the pictures' own: colour if any picture
    is in colour. Files that prove damaged are left out, and told in the set's `skipped`.

    Args:
        listing: As `readable_pictures` gives it, with all its parts.
        shapes: Likewise.
        form: The format that the images are brought to.
        key: Names the set on the disk, as `key_of` makes it.
        drawn: The parts that were drawn: one that loses a class to damaged files is a DataError
            when it is read.

    Raises:
        DataError: Where the pictures have different sizes and `form` names none.
    """
    chosen = _settled(form, shapes, listing.folder)
    # `_settled` leaves neither open.
    assert chosen.size is not None
    assert chosen.channels is not None
    shape, skipped = (*chosen.size, chosen.channels), listing.skipped
    images = ImageSet(listing.folder.name, shape, {}, listing.class_names, key, skipped)
    images.parts = {
        part: Part(len(files), _read(part, listing, chosen, skipped, part in drawn))
        for part, files in listing.files.items()
    }
    return images


def _settled(form: PictureFormat, shapes: Shapes, folder: Path) -> PictureFormat:
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
    part: str, listing: Listing, form: PictureFormat, skipped: list[str], every_class: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    files, missing = listing.files[part], {label for _, label in listing.files[part]}
    for start in range(0, len(files), _BLOCK):
        images, labels = [], []
        for path, label in files[start : start + _BLOCK]:
            try:
                images.append(read_picture(path, form))
                labels.append(label)
            except DataError as error:
                skipped.append(f"{str(path.relative_to(listing.folder))!r}: {error}")
        missing -= {*labels}
        if images:
            yield np.stack(images), np.array(labels, np.int32)
    if every_class and missing:
        raise DataError(
            f"No picture of {listing.class_names[min(missing)]!r} that was drawn for {part} can be"
            f" read: mend or delete what cannot. Left out: {skipped[0]}."
        )

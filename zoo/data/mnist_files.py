"""The four official MNIST files: their names, their SHA-256, and the book's split of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.data.book_pickle import official_parts
from zoo.data.dataset import IMAGE_SHAPE, Data, Split
from zoo.data.idx import parse_images, parse_labels, read_file, to_idx, unpacked
from zoo.errors import DataError

Pair = tuple[np.ndarray, np.ndarray]

# The hashes are those of the unpacked files, header included.
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
SHA256 = {
    TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# Of the test labels alone, a byte each.
LABELS_SHA256 = "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5"
PICKLE = "mnist.pkl.gz"
PICKLE_SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"


def is_mnist(data: Data) -> bool:
    """Whether a set is tested as the book's networks are: on MNIST's 10,000 images.

    Its labels tell, wherever it was read from.
    """
    labels = data.test.labels.astype(np.uint8)
    return (
        data.shape == IMAGE_SHAPE and hashlib.sha256(labels.tobytes()).hexdigest() == LABELS_SHA256
    )


def check_sha256(raw: bytes, expected: str, what: str) -> None:
    """Check that bytes are those of an official file.

    Args:
        raw: The bytes.
        expected: Their SHA-256 in hexadecimal.
        what: Names them in errors.

    Raises:
        DataError: Their SHA-256 is another one.
    """
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise DataError(
            f"{what} is not the official file: its SHA-256 begins with {found[:12]},"
            f" expected {expected[:12]}. Get it anew."
        )


def check_official(files: Mapping[str, bytes], origin: str) -> None:
    """Check that four files are MNIST's, byte for byte.

    Args:
        files: Unpacked, by their official names.
        origin: Names where they are from in errors.

    Raises:
        DataError: One is another; the first is named.
    """
    for name, expected in SHA256.items():
        check_sha256(files[name], expected, f"{name} of {origin}")


def read_idx_folder(folder: Path) -> dict[str, bytes]:
    """The four IDX files of a folder, unpacked, under their official names.

    Each may be gzipped, and named with a dash or a dot before `idx`. Raises DataError naming
    what is missing, or damaged.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; name the one that holds the IDX files.")
    paths = {name: path for name in SHA256 if (path := _find(folder, name)) is not None}
    missing = [name for name in SHA256 if name not in paths]
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)}: the four IDX files belong there, gzipped or not."
        )
    return {name: unpacked(read_file(path), str(path)) for name, path in paths.items()}


def _find(folder: Path, name: str) -> Path | None:
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = (folder / (stem + end) for stem in spellings for end in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def files_from_pickle(raw: bytes, what: str) -> dict[str, bytes]:
    """The four official files, rebuilt from the book's `mnist.pkl.gz`.

    The file's own SHA-256 is checked before its arrays are read, by their places, and the four
    files' after.

    Args:
        raw: The gzipped file.
        what: Names it in errors.

    Returns:
        The bytes of each IDX file by its official name.

    Raises:
        DataError: Its SHA-256, or that of a file made of it, is another.
    """
    check_sha256(raw, PICKLE_SHA256, what)
    train, validation, test = official_parts(raw, what)
    images = np.concatenate([train.images, validation.images])
    labels = np.concatenate([train.labels, validation.labels])
    files = {
        TRAIN_IMAGES: to_idx(images[..., 0]),
        TRAIN_LABELS: to_idx(labels.astype(np.uint8)),
        TEST_IMAGES: to_idx(test.images[..., 0]),
        TEST_LABELS: to_idx(test.labels.astype(np.uint8)),
    }
    check_official(files, what)
    return files


def splits_of(files: Mapping[str, bytes], origin: str) -> tuple[Split, Split, Split]:
    """Training, validation and test split of four IDX files, as `book_split` divides them.

    Args:
        files: Unpacked, by their official names; they need not be MNIST's own.
        origin: Names where they are from in errors.

    Raises:
        DataError: A file, or its contents, is not what it claims to be.
    """
    train, test = (
        (
            parse_images(files[images], f"{images} of {origin}"),
            parse_labels(files[labels], f"{labels} of {origin}"),
        )
        for images, labels in ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS))
    )
    return book_split(train, test, origin)


def book_split(train: Pair, test: Pair, origin: str) -> tuple[Split, Split, Split]:
    """The book's split: of the official training images the last sixth is for validation.

    Args:
        train: Images, uint8 [n, 28, 28, 1], and labels [n]; of MNIST's 60,000 the last 10,000 are
            for validation.
        test: Likewise.
        origin: Names the set in errors.

    Returns:
        Training, validation and test images.

    Raises:
        DataError: The contents are none that a `Split` admits.
    """
    images, labels = train
    kept = len(images) - len(images) // 6
    try:
        # The whole is checked first, so that an error speaks of the file, not of a part of it.
        Split(images, labels)
        return (
            Split(images[:kept], labels[:kept]),
            Split(images[kept:], labels[kept:]),
            Split(*test),
        )
    except DataError as error:
        raise DataError(f"{origin}: {error}") from error

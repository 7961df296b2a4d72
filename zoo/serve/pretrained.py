"""Pretrained networks as ONNX files: what was exported before, or one export into a cache.

Only that export needs TensorFlow, and it runs in a process of its own: the server never imports it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo.errors import RunError
from zoo.pretrained.manifest import Entry, entry_of, folders
from zoo.utils.home import user_folder

LOG = logging.getLogger("zoo.serve")


def cache() -> Path:
    """The folder of exports: $ZOO_CACHE, or neural-zoo in the user's folder of caches.

    Raises:
        RunError: The user has no home folder, and no variable names another.
    """
    if folder := os.environ.get("ZOO_CACHE"):
        return Path(folder)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches) / "neural-zoo"
    if (home := user_folder()) is None:
        raise RunError(
            "there is no home folder to keep exported networks in: name a folder in the "
            "environment variable ZOO_CACHE"
        )
    return home / ".cache" / "neural-zoo"


def onnx_file(name: str, modules: Sequence[str] = ()) -> Path:
    """A pretrained network as an ONNX file, exported at the first call.

    What `zoo export NAME --format onnx` wrote is taken where it is of the weights that the
    manifest names. Else the file lies in the cache, under the hash of these weights.

    Args:
        name: Of the network.
        modules: What registers networks of the user's, for the process that exports.

    Raises:
        UnknownNameError: For a name that is in no table, or is not pretrained.
        RunError: Where it cannot be exported.
    """
    entry = entry_of(name)
    for place in folders():  # before the cache, which not everybody has
        if _is_whole(path := place / name / f"{name}.onnx", entry):
            return path
    folder = cache() / "onnx" / entry.sha256[:16]
    if _is_whole(path := folder / name / f"{name}.onnx", entry):
        return path
    if importlib.util.find_spec("tensorflow") is None:
        raise RunError(
            f"{name} must be exported where TensorFlow is installed: python -m zoo export {name} "
            "--format onnx; then serve that file"
        )
    LOG.info("exporting", extra={"model": name, "to": str(folder)})
    _export(name, folder, modules)
    return path


def _is_whole(path: Path, entry: Entry) -> bool:
    try:
        metadata = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return False
    known = isinstance(metadata, dict) and metadata.get("weights_sha256") == entry.sha256
    return known and metadata.get("sha256") == found


def _export(name: str, folder: Path, modules: Sequence[str]) -> None:
    command = [sys.executable, "-m", "zoo", *(f"--import={module}" for module in modules)]
    command += ["export", name, "--format", "onnx", "--overwrite"]
    root = Path(__file__).parents[2]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")])),
    }
    done = subprocess.run(
        [*command, "--out", str(folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RunError(f"{name} could not be exported to {folder}: {last}")

"""Networks as folders that the Hugging Face hub takes, there or on a disk.

    zoo.push("conv2_relu", "me/conv2_relu")     # to the hub
    zoo.push("conv2_relu", Path("shared/net"))  # the same files, into a folder
    zoo.push(Path("runs/mine"), "me/mine")      # a run of one's own
    zoo.load("hf://me/conv2_relu")

README.md           the model card
config.json         the declaration that trained the weights, its hash and that of the weights
model.safetensors   the weights

What such a folder holds is data. It is checked as every file of weights is, and never runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

import keras

from zoo.errors import RunError, SpecError
from zoo.pretrained.hub_client import download, upload
from zoo.pretrained.hub_contents import Contents, contents_of
from zoo.pretrained.hub_folder import (
    CARD,
    CONFIG,
    LARGEST_CONFIG,
    PREFIX,
    WEIGHTS,
    Config,
    folder_of,
    named_folder,
    read_config,
    repository_of,
)
from zoo.pretrained.transfer import with_weights
from zoo.registry import list_models
from zoo.spec import NetworkSpec
from zoo.spec.limits import most_parameters
from zoo.spec.validation import shown
from zoo.training.job import TrainResult
from zoo.utils.atomic import atomic_directory
from zoo.utils.regular import is_readable_to_its_end
from zoo.version import __version__

_LARGEST_HEADER = 2**20  # bytes: beside its numbers, a file of weights has their names


def push(
    source: str | Path | TrainResult | keras.Model,
    repo: str | Path,
    *,
    spec: str | NetworkSpec | None = None,
    class_names: Sequence[str] = (),
    private: bool = False,
    overwrite: bool = False,
) -> str | Path:
    """Put a network on the Hugging Face hub, or into a folder of the same shape.

    Args:
        source: A name as in `zoo.list_models`, of a network with pretrained weights; the folder of
            a finished run, as `zoo.train(..., out=FOLDER)` leaves it; what `zoo.train` returned; or
            a model that `zoo.build` or `zoo.load` made, with `spec`.
        repo: "owner/name" on the hub, where it is created if it is not there yet; or the path of a
            folder: a `Path`, or text that begins with `.`, `/` or `~`.
        spec: The name or declaration that a model was built from; of other sources it is known.
        class_names: Of a model that tells other classes apart than the digits.
        private: Whether a repository that is created is for its owner alone.
        overwrite: Whether a repository that is there gets a new version. A folder stays as it is.

    Returns:
        The address on the hub, or the path.

    Raises:
        UnknownNameError: There is no network of that name, or no weights for it.
        SpecError: `repo` is neither, or a model is not of `spec`.
        RunError: `repo` exists already, cannot be written, or the hub refuses; or the source's
            weights are damaged, or no numbers.
    """
    if not isinstance(repo, str | os.PathLike):
        raise SpecError(f"push takes owner/name or the path of a folder, not {shown(repo)}")
    folder = named_folder(repo)
    identity, revision = ("", None) if folder else repository_of(str(repo))
    if revision:
        raise SpecError(f"push writes to the main branch: leave out @{revision}")
    if folder and folder.exists():
        raise RunError(f"{folder} exists already: choose another folder")
    contents = contents_of(source, spec, class_names)
    if folder:
        _write(contents, folder)
        return folder
    with tempfile.TemporaryDirectory() as place:
        _write(contents, Path(place) / "network")
        return upload(Path(place) / "network", identity, private, overwrite)


def load(
    reference: str | Path, *, seed: int | None = None, fresh_head: bool = False, **settings: Any
) -> keras.Model:
    """A network from the hub, or from a folder of the same shape.

    Args:
        reference: "hf://owner/name", with `@revision` behind it if not the newest; or a folder.
        seed: Decides the dropout masks of further training, and the weights of a fresh head.
        fresh_head: As in `zoo.load`.
        **settings: Change the recipe, as in `zoo.load`.

    Raises:
        SpecError: The reference is none, or a setting does not exist or has no such value.
        RunError: A file is missing, damaged, too large, or another than config.json says.
    """
    folder = folder_of(reference)
    if folder is not None:
        config = read_config(folder / CONFIG)
        path = folder / WEIGHTS
    else:
        identity, revision = repository_of(str(reference))
        file, revision = download(identity, CONFIG, revision, LARGEST_CONFIG)
        config = read_config(file)
        count = config.network.parameters  # None where only Keras can count them
        largest = _LARGEST_HEADER + 4 * (most_parameters() if count is None else count)
        path, _ = download(identity, WEIGHTS, revision, largest)
    _check_weights(path, config)
    spec = config.network.with_settings(**{"precision": "float32", **settings})
    model, _ = with_weights(path, config.network, spec, seed=seed, fresh_head=fresh_head)
    return model


def is_reference(name: Any) -> TypeGuard[str | Path]:
    """Whether a name is of the hub, or of a folder that holds a network in its shape."""
    if isinstance(name, str) and name.startswith(PREFIX):
        return True
    if not isinstance(name, str | os.PathLike) or name in list_models():
        return False  # a folder of a network's name is read by its path, as in ./conv2_relu
    folder = folder_of(name if isinstance(name, str) else Path(name))
    return folder is not None and (folder / CONFIG).is_file()


def _write(contents: Contents, folder: Path) -> None:
    try:
        with atomic_directory(folder) as temporary:
            contents.write_weights(temporary / WEIGHTS)
            config = Config(
                library_name="neural-zoo",
                library_version=__version__,
                spec=contents.spec.to_plain(),
                spec_hash=contents.spec.hash,
                weights_sha256=_sha256(temporary / WEIGHTS),
                class_names=list(contents.class_names),
            )
            (temporary / CARD).write_text(contents.card, encoding="utf-8")
            text = json.dumps(vars(config), indent=2, sort_keys=True) + "\n"
            (temporary / CONFIG).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {folder} ({error}): choose another folder") from error


def _check_weights(path: Path, config: Config) -> None:
    if not path.is_file() or not is_readable_to_its_end(path):
        raise RunError(f"{path} is missing: a network's folder has {CARD}, {CONFIG}, {WEIGHTS}")
    if _sha256(path) != config.weights_sha256:
        raise RunError(f"{path} has another SHA-256 than config.json says: fetch both again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

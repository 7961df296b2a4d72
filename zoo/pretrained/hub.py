"""Networks as folders that the Hugging Face hub takes, there or on a disk.

    zoo.push("conv2_relu", "me/conv2_relu")     # to the hub
    zoo.push("conv2_relu", Path("shared/net"))  # the same files, into a folder
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
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import keras

from zoo.errors import RunError, SpecError, ZooError
from zoo.nn.builder import build_model
from zoo.pretrained.manifest import entry_of, saved_models, verify
from zoo.spec import NetworkSpec, validation
from zoo.spec.limits import check_size
from zoo.spec.serialization import parse_json
from zoo.training import weights as weights_files
from zoo.utils.atomic import atomic_directory
from zoo.utils.extras import import_extra
from zoo.utils.regular import is_readable_to_its_end
from zoo.version import __version__

PREFIX = "hf://"
CARD, CONFIG, WEIGHTS = "README.md", "config.json", "model.safetensors"

# The largest spec of the book takes 2 kB. Beside its numbers, a file of weights has their names.
_LARGEST_CONFIG = 2**20
_LARGEST_HEADER = 2**20

_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


@dataclass(frozen=True)
class Config:
    """config.json: which network the weights beside it are of."""

    library_name: str
    library_version: str
    spec: Mapping[str, Any]
    spec_hash: str
    weights_sha256: str
    class_names: list[str]

    def __post_init__(self) -> None:
        for name in ("library_name", "library_version", "spec_hash", "weights_sha256"):
            validation.text(self, name)
        if not isinstance(self.class_names, list) or len(self.class_names) > 10_000:
            raise SpecError("class_names must be a list of names")
        if self.network.hash != self.spec_hash:
            raise SpecError("the spec is not the one of spec_hash")

    @property
    def network(self) -> NetworkSpec:
        """The declaration; SpecError where it is none."""
        return NetworkSpec.from_plain(self.spec)


def push(
    name: str, repo: str | Path, *, private: bool = False, overwrite: bool = False
) -> str | Path:
    """Put a pretrained network on the Hugging Face hub, or into a folder of the same shape.

    Args:
        name: As in `zoo.list_models`; it must have pretrained weights.
        repo: "owner/name" on the hub, where it is created if it is not there yet; or the path of a
            folder: a `Path`, or text that begins with `.`, `/` or `~`.
        private: Whether a repository that is created is for its owner alone.
        overwrite: Whether a repository that is there gets a new version. A folder stays as it is.

    Returns:
        The address on the hub, or the path.

    Raises:
        UnknownNameError: There is no network of that name, or no weights for it.
        SpecError: `repo` is neither.
        RunError: `repo` exists already, cannot be written, or the hub refuses.
    """
    entry = entry_of(name)
    source = saved_models() / entry.file
    verify(source, entry)
    folder = _folder(repo)
    if folder is None:
        identity, _ = _repository(str(repo))
        with tempfile.TemporaryDirectory() as place:
            _write(entry, source, Path(place) / "network")
            return _upload(Path(place) / "network", identity, private, overwrite)
    if folder.exists():
        raise RunError(f"{folder} exists already: choose another folder")
    _write(entry, source, folder)
    return folder


def load(reference: str | Path, *, seed: int | None = None, **settings: Any) -> keras.Model:
    """A network from the hub, or from a folder of the same shape.

    Args:
        reference: "hf://owner/name", with `@revision` behind it if not the newest; or a folder.
        seed: Decides the dropout masks of further training.
        **settings: Change the recipe, as in `zoo.load`.

    Raises:
        SpecError: The reference is none, or a setting does not exist or has no such value.
        RunError: A file is missing, damaged, too large, or another than config.json says.
    """
    folder = _folder(reference)
    if folder is not None:
        config = read_config(folder / CONFIG)
        path = folder / WEIGHTS
    else:
        identity, revision = _repository(str(reference))
        file, revision = _download(identity, CONFIG, revision, _LARGEST_CONFIG)
        config = read_config(file)
        largest = _LARGEST_HEADER + 4 * (config.network.parameters or 0)
        path, _ = _download(identity, WEIGHTS, revision, largest)
    spec = config.network.with_settings(**{"precision": "float32", **settings})
    _check_weights(path, config)
    model = build_model(spec, seed=seed, draw_weights=False)
    weights_files.load(model, path)
    return model


def is_reference(name: Any) -> TypeGuard[str | Path]:
    """Whether a name is of the hub, or of a folder that holds a network in its shape."""
    if isinstance(name, str) and name.startswith(PREFIX):
        return True
    return isinstance(name, str | os.PathLike) and (Path(name) / CONFIG).is_file()


def read_config(path: Path) -> Config:
    """The checked contents of a config.json.

    Raises:
        RunError: It is missing, too large, or declares no network that is known here.
    """
    if not path.is_file() or not is_readable_to_its_end(path):
        raise RunError(f"{path} is missing: a network's folder has {CARD}, {CONFIG}, {WEIGHTS}")
    if path.stat().st_size > _LARGEST_CONFIG:
        raise RunError(f"{path} has more than {_LARGEST_CONFIG:,} bytes: it is no config of a spec")
    try:
        plain = parse_json(path.read_text(encoding="utf-8"), "a config.json")
        if not isinstance(plain, Mapping):
            raise SpecError("it is no JSON object")
        known = list(Config.__dataclass_fields__)
        validation.known_names(plain, known, "it")
        config = Config(**plain)
        check_size(config.network)
    except (ZooError, ValueError, TypeError) as error:
        raise RunError(f"{path} declares no network of this zoo ({error})") from error
    return config


def _write(entry: Any, source: Path, folder: Path) -> None:
    spec = entry.trained_by
    config = Config(
        library_name="neural-zoo",
        library_version=__version__,
        spec=entry.spec,
        spec_hash=entry.spec_hash,
        weights_sha256=entry.sha256,
        class_names=[str(label) for label in range(spec.output_classes)],
    )
    try:
        with atomic_directory(folder) as temporary:
            shutil.copyfile(source.with_name(CARD), temporary / CARD)
            text = json.dumps(vars(config), indent=2, sort_keys=True) + "\n"
            (temporary / CONFIG).write_text(text, encoding="utf-8")
            shutil.copyfile(source, temporary / WEIGHTS)
    except OSError as error:
        raise RunError(f"cannot write {folder} ({error}): choose another folder") from error


def _check_weights(path: Path, config: Config) -> None:
    if not path.is_file() or not is_readable_to_its_end(path):
        raise RunError(f"{path} is missing: a network's folder has {CARD}, {CONFIG}, {WEIGHTS}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != config.weights_sha256:
        raise RunError(f"{path} has another SHA-256 than config.json says: fetch both again")


def _folder(repo: str | Path) -> Path | None:
    """The folder that is meant, or None where it is a repository on the hub."""
    if isinstance(repo, str) and repo.startswith(PREFIX):
        return None
    if isinstance(repo, os.PathLike) or repo.startswith((".", "/", "~")):
        return Path(repo).expanduser()
    return Path(repo) if (Path(repo) / CONFIG).is_file() else None


def _repository(text: str) -> tuple[str, str | None]:
    """Owner and name of a repository, and its revision if one is named."""
    identity, _, revision = text.removeprefix(PREFIX).partition("@")
    if not _REPOSITORY.fullmatch(identity):
        raise SpecError(
            f"{text!r} is no repository: it is owner/name, as in 'hf://me/conv2_relu', "
            "or the path of a folder, as in './conv2_relu'"
        )
    return identity, revision or None


def _upload(folder: Path, identity: str, private: bool, overwrite: bool) -> str:
    api = import_extra("huggingface_hub").HfApi()
    spec = read_config(folder / CONFIG).network
    try:
        if api.repo_exists(identity) and not overwrite:
            raise RunError(f"{identity} exists already: choose another name, or overwrite=True")
        address = api.create_repo(identity, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=identity, folder_path=folder, commit_message=f"{spec.name}, by neural-zoo"
        )
    except RunError:
        raise
    except Exception as error:  # the client has its own errors, and those of what it is built on
        raise RunError(f"the hub does not take {identity}: {_reason(error)}") from error
    return str(address)


def _download(
    identity: str, file: str, revision: str | None, largest: int
) -> tuple[Path, str | None]:
    """One file of a repository, from the hub or the client's cache, and the commit it is of.

    Its size is asked for first, so that one that is too large is never fetched.
    """
    api = import_extra("huggingface_hub").HfApi()
    try:
        found = api.hf_hub_download(identity, file, revision=revision, dry_run=True)
        if found.file_size > largest:
            raise RunError(
                f"{file} of {identity} has {found.file_size:,} bytes, more than the {largest:,} "
                "that it can need: do not trust it"
            )
        path = api.hf_hub_download(identity, file, revision=found.commit_hash)
    except RunError:
        raise
    except Exception as error:
        raise RunError(f"cannot get {file} of {identity}: {_reason(error)}") from error
    return Path(path), found.commit_hash


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__

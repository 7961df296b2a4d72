"""A network's folder in the shape of the Hugging Face hub: its place, and its config.json."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import RunError, SpecError, ZooError
from zoo.spec import NetworkSpec, validation
from zoo.spec.limits import check_size
from zoo.spec.serialization import parse_json
from zoo.utils.regular import is_readable_to_its_end

PREFIX = "hf://"
CARD, CONFIG, WEIGHTS = "README.md", "config.json", "model.safetensors"

LARGEST_CONFIG = 2**20  # bytes: the largest spec of the book takes 2 kB

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


def read_config(path: Path) -> Config:
    """The checked contents of a config.json.

    Raises:
        RunError: It is missing, too large, or declares no network that is known here.
    """
    if not path.is_file() or not is_readable_to_its_end(path):
        raise RunError(f"{path} is missing: a network's folder has {CARD}, {CONFIG}, {WEIGHTS}")
    if path.stat().st_size > LARGEST_CONFIG:
        raise RunError(f"{path} has more than {LARGEST_CONFIG:,} bytes: it is no config of a spec")
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


def named_folder(repo: str | Path) -> Path | None:
    """The folder that a `Path` names, or a text that can be no repository on the hub, or None."""
    if isinstance(repo, os.PathLike) or repo.startswith((".", "/", "~")):
        return Path(repo).expanduser()
    return None


def folder_of(repo: str | Path) -> Path | None:
    """The folder to read a network from, or None where it is a repository on the hub."""
    if isinstance(repo, str) and repo.startswith(PREFIX):
        return None
    if folder := named_folder(repo):
        return folder
    return Path(repo) if (Path(repo) / CONFIG).is_file() else None


def repository_of(text: str) -> tuple[str, str | None]:
    """Owner and name of a repository, and its revision if one is named; SpecError for others."""
    identity, _, revision = text.removeprefix(PREFIX).partition("@")
    if not _REPOSITORY.fullmatch(identity):
        raise SpecError(
            f"{text!r} is no repository: it is owner/name, as in 'hf://me/conv2_relu', "
            "or the path of a folder, as in './conv2_relu'"
        )
    return identity, revision or None

"""Pretrained networks: weights in saved_models/, and a manifest that says where they come from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import RunError, UnknownNameError, ZooError, nearest
from zoo.registry import get_spec
from zoo.spec import NetworkSpec, validation
from zoo.utils.atomic import atomic_write
from zoo.utils.regular import readable

if TYPE_CHECKING:
    from zoo.evaluation.scores import Score

MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"

# The copy that a wheel brings.
INSTALLED = Path(__file__).parents[1] / "saved_models"


@dataclass(frozen=True)
class Entry:
    """One pretrained network: its file, the run it came from, and how it scored.

    `name` is that of `spec`, the declaration that trained it; in older manifests it is the
    architecture's. Counts are of correct images. `precision` is that of the numbers on disk.
    """

    name: str
    file: str
    sha256: str
    size: int
    precision: str
    spec: Mapping[str, Any]
    spec_hash: str
    seed: int
    best_epoch: int
    validation: int
    validation_total: int
    test: int
    test_total: int
    data: str
    versions: Mapping[str, str]

    def __post_init__(self) -> None:
        validation.text(self, "name", "file", "sha256", "precision", "spec_hash", "data")
        validation.whole(self, "validation_total", "test_total")
        validation.whole(self, "size", "seed", "best_epoch", "validation", "test", least=0)
        if self.test > self.test_total or self.validation > self.validation_total:
            raise RunError(f"{self.name} has more images right than there are")
        if not isinstance(self.spec, Mapping) or not isinstance(self.spec.get("name"), str):
            raise RunError(f"the spec of {self.name} is none")
        if self.file != f"{self.name}/{WEIGHTS}":
            raise RunError(f"the weights of {self.name} cannot be in {self.file}")

    @property
    def architecture(self) -> str:
        """The name without that of the recipe."""
        return self.name.partition(".")[0]

    @property
    def trained_by(self) -> NetworkSpec:
        """The declaration whose recipe trained the weights."""
        return NetworkSpec.from_plain(self.spec)

    def check_fits(self, spec: NetworkSpec) -> None:
        """Raise RunError unless the weights are for the layers and the images of `spec`."""
        trained = self.trained_by
        if (trained.body(), trained.input) != (spec.body(), spec.input):
            raise RunError(
                f"the pretrained weights of {self.name} are for other layers or images: train it"
            )

    @property
    def score(self) -> Score:
        """On the test images."""
        from zoo.evaluation.scores import Score  # takes NumPy

        return Score(self.test, self.test_total)


def folders() -> list[Path]:
    """The folders of pretrained networks; of two networks of one name the first folder's counts.

    Returns:
        $ZOO_SAVED_MODELS alone, where it is set. Else saved_models in $ZOO_HOME, and after it the
        repository's own, or the copy that is installed with the package.
    """
    own = _chosen_folder()
    shipped = _checkout() or INSTALLED
    if own is None:
        return [shipped]
    return [own] if os.environ.get("ZOO_SAVED_MODELS") else [own, shipped]


def own_models() -> Path | None:
    """Where networks may be published and exports go by default; None where that is not said.

    It is never the copy that is installed with the package.
    """
    return _chosen_folder() or _checkout()


def _chosen_folder() -> Path | None:
    if folder := os.environ.get("ZOO_SAVED_MODELS"):
        return Path(folder)
    home = os.environ.get("ZOO_HOME")
    return Path(home) / "saved_models" if home else None


def _checkout() -> Path | None:
    root = Path(__file__).parents[2]
    return root / "saved_models" if (root / "pyproject.toml").is_file() else None


def manifest() -> dict[str, Entry]:
    """All pretrained networks, by name.

    Raises:
        RunError: The file is damaged.
    """
    found = [_read(folder) for folder in reversed(folders())]
    return {name: entry for entries in found for name, entry in entries.items()}


def weights_file(entry: Entry) -> Path:
    """The file of a network's weights; its card lies beside it.

    Raises:
        RunError: No manifest has the entry, as where another one was published meanwhile.
    """
    found = [each / entry.file for each in folders() if _read(each).get(entry.name) == entry]
    if not found:
        raise RunError(f"{entry.name} was published anew meanwhile: load it again")
    # Earlier versions copied the entries of shipped networks into a home, without their files.
    return next((path for path in found if path.exists()), found[0])


def _read(folder: Path) -> dict[str, Entry]:
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        known = [field.name for field in fields(Entry)]
        entries = json.loads(readable(path).read_text(encoding="utf-8"))
        for name, entry in entries.items():
            validation.known_names(entry, known, f"{name} in {path}")
        return {name: Entry(**entry) for name, entry in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, ZooError) as error:
        raise RunError(f"{path} is damaged ({error}): take it from the repository again") from error


def record(entry: Entry) -> None:
    """Put an entry into the publishing folder's manifest, in place of an older one of its name."""
    folder = publishing_folder()
    entries = {**_read(folder), entry.name: entry}
    plain = {name: asdict(entries[name]) for name in sorted(entries)}
    with atomic_write(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")


def publishing_folder() -> Path:
    """The folder that `zoo publish` writes to; RunError where there is none of the user's own."""
    folder = own_models()
    if folder is None:
        raise RunError(
            "published networks need a folder of your own: set ZOO_HOME, or work in a checkout"
        )
    return folder


def entry_of(name: str) -> Entry:
    """The manifest's entry for a network.

    Args:
        name: The declaration that trained it. An architecture whose own recipe has trained no
            weights has those of another recipe, the one with the most validation images right.

    Raises:
        UnknownNameError: There is no network of that name, or no weights for it.
    """
    get_spec(name)
    entries = manifest()
    if name in entries and entries[name].spec["name"] == name:
        return entries[name]
    others = [each for each in entries.values() if name in (each.architecture, each.spec["name"])]
    if others:
        return max(others, key=lambda each: each.validation / each.validation_total)
    raise UnknownNameError(
        f"{name} has no pretrained weights.{nearest(name, entries)} "
        f"Train it: python -m zoo train {name}"
    )


def verify(path: Path, entry: Entry) -> None:
    """Check a file's size and SHA-256 against the manifest.

    Args:
        path: The file of weights.
        entry: What the manifest says of it.

    Raises:
        RunError: The file is missing, or differs.
    """
    if not path.is_file():
        raise RunError(f"{path} is missing: take it from the repository again")
    if path.stat().st_size != entry.size:
        raise RunError(
            f"{path} has {path.stat().st_size:,} bytes, not {entry.size:,}: "
            "take it from the repository again"
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != entry.sha256:
        raise RunError(
            f"{path} has another SHA-256 than the manifest says: take it from the repository again"
        )

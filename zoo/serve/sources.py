"""Sources: where a model's versions lie on disk, found by looking and never by a client's words.

FILE.onnx                one model, version 1
FOLDER/3/model.onnx      one model in versions, as TensorFlow Serving and Triton lay them out
FOLDER/NAME.onnx         what `zoo export NAME --format onnx` writes: version 1
FOLDER/3/saved_model.pb  what `zoo export NAME` writes; for the runtime `tensorflow`
FOLDER of such folders   several models
NAME                     a pretrained network
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import RunError, SpecError
from zoo.registry import list_models
from zoo.serve.external import data_files
from zoo.utils.regular import readable
from zoo.utils.whole import whole_number

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)


@dataclass(frozen=True)
class Candidate:
    """A version on disk.

    Attributes:
        path: What is loaded: an ONNX file, or a SavedModel's folder.
        stamp: Changes whenever what lies there does.
    """

    path: Path
    stamp: tuple[tuple[str, int, int, int, int, int], ...]


@dataclass(frozen=True)
class Source:
    """A model's name, and the file or folder that its versions are looked for in.

    With `weights`, the SHA-256 of a pretrained network's, versions of others do not count.
    """

    name: str
    path: Path
    runtime: str = "onnx"
    weights: str | None = None

    def versions(self) -> dict[int, Candidate]:
        """What lies there now, by version; nothing where it is gone."""
        try:
            if self.path.is_file():
                return {1: _candidate(self.path)}
            found = {}
            for folder in self.path.iterdir():
                number = whole_number(folder.name)
                if number is not None and folder.is_dir() and (path := self._model_in(folder)):
                    found[number] = _candidate(path)
            if not found and self.runtime == "onnx" and (path := self._model_in(self.path)):
                found[1] = _candidate(path)
            return found
        except OSError:
            return {}  # it vanished while we looked

    def _model_in(self, folder: Path) -> Path | None:
        if self.runtime == "tensorflow":
            there = (folder / "saved_model.pb").is_file()
            return folder if there and self.weights in (None, _weights_of(folder)) else None
        files = {path.name: path for path in sorted(folder.glob("*.onnx"))}
        # By the model's name, or by its folder's where it is served under another one, perhaps
        # through a link.
        names = "model", self.name, self.path.name, self.path.resolve().name
        named = [files[f"{name}.onnx"] for name in names if f"{name}.onnx" in files]
        return named[0] if named else next(iter(files.values())) if len(files) == 1 else None


def sources(
    asked: Sequence[str],
    runtime: str = "onnx",
    pretrained: Callable[[str], Path] | None = None,
) -> list[Source]:
    """The sources that the words of a command line name.

    Args:
        asked: Names of pretrained networks, files or folders, each perhaps as `NAME=PATH`.
        runtime: `onnx` or `tensorflow`.
        pretrained: Makes a file of a pretrained network's name; by default
            `zoo.serve.pretrained.onnx_file`.

    Raises:
        SpecError: For a name that clients could not write into an address, or two models of one.
        RunError: For a folder in which there is no model.
        UnknownNameError: For what is neither a path nor a network.
    """
    found: list[Source] = []
    for word in asked:
        name, _, path = word.rpartition("=")
        if not path:
            raise SpecError(f"{word!r} names no model; the current folder is .")
        if _is_path(path):
            found += _from_path(Path(path), name, runtime)
        else:
            found.append(_from_name(path, name or path, runtime, pretrained))
    for source in found:
        if not _NAME.fullmatch(source.name):
            raise SpecError(
                f"{source.name!r} is no name for a model: letters, digits, '.', '_' and '-' are "
                "allowed. Give it one: NAME=PATH"
            )
    names = [source.name for source in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SpecError(f"two models are named {min(twice)}: give one another name, as NAME=PATH")
    return found


def _is_path(word: str) -> bool:
    if word in list_models():
        return False  # a folder of a network's name is read by its path, as in ./mlp30
    return "/" in word or "\\" in word or word.endswith(".onnx") or Path(word).is_dir()


def _from_path(path: Path, name: str, runtime: str) -> list[Source]:
    # A link stays one: it may lead elsewhere later, and its name is the model's. Only of `.` and
    # `..`, which are no names, the folder's own is taken.
    path = path.absolute()
    own = path if path.name not in ("", "..") else path.resolve()
    if not path.exists():
        raise RunError(f"{path} does not exist: name a model's file or folder, or a network")
    named = Source(name or (own.stem if path.is_file() else own.name), path, runtime)
    if named.versions():
        return [named]
    inside = [Source(each.name, each, runtime) for each in sorted(path.glob("[!.]*/"))]
    inside = [each for each in inside if whole_number(each.name) is None and each.versions()]
    if inside and not name:
        return inside
    if any(path.glob("*/saved_model.pb")) or any(path.glob("*/*/saved_model.pb")):
        raise RunError(
            f"{path} holds SavedModels alone, which TensorFlow runs: add --runtime tensorflow, or "
            "write ONNX files: python -m zoo export NAME --format onnx"
        )
    wanted = "VERSION/model.onnx" if runtime == "onnx" else "VERSION/saved_model.pb"
    several = sorted(each.name for each in path.glob("*.onnx")) if runtime == "onnx" else []
    choice = f"; to serve one of {', '.join(several)}, name that file" if several else ""
    raise RunError(f"{path} holds no model: {wanted} is expected in it{choice}")


def _from_name(
    word: str, name: str, runtime: str, pretrained: Callable[[str], Path] | None
) -> Source:
    if runtime == "tensorflow":
        from zoo.pretrained.manifest import entry_of, own_models

        entry = entry_of(word)
        folder = (own_models() or Path("saved_models")) / word  # where exports go
        source = Source(name, folder, runtime, entry.sha256)
        if not source.versions():
            raise RunError(
                f"{folder} holds no SavedModel of the pretrained weights: python -m zoo export "
                f"{word}; to serve another one, name its folder"
            )
        return source
    from zoo.serve.pretrained import onnx_file

    return Source(name, (pretrained or onnx_file)(word), runtime)


def _weights_of(folder: Path) -> str | None:
    """The SHA-256 of the weights that an exported SavedModel says it has, if it does."""
    try:
        metadata = json.loads(readable(folder / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return metadata.get("weights_sha256") if isinstance(metadata, dict) else None


def _data_files(path: Path) -> Sequence[Path]:
    try:
        return [*data_files(path).values()]
    except (OSError, RunError):
        return []  # said when it is loaded


def _candidate(path: Path) -> Candidate:
    if path.is_file():
        files = [path, *(each for each in _data_files(path) if each.exists())]
    else:
        files = sorted(each for each in path.rglob("*") if each.is_file())
    stats = [(str(each), each.stat()) for each in files]
    return Candidate(
        path,
        tuple(
            # By its number, too: where a link leads may be of the same size and time. And by its
            # mode: one that could not be read may have become readable.
            (name, stat.st_size, stat.st_mtime_ns, stat.st_dev, stat.st_ino, stat.st_mode)
            for name, stat in stats
        ),
    )

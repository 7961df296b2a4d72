"""The page's files, put together from its assets, the declarations and the pretrained weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.data import Data
from zoo.errors import RunError, SpecError
from zoo.pretrained.manifest import Entry, entry_of, verify, weights_file
from zoo.registry import get_spec
from zoo.serve.draw.digits import digits_script, misclassified
from zoo.serve.draw.program import Precision, Program, programs
from zoo.spec import EnsembleSpec, NetworkSpec
from zoo.spec.counting import shares_of, tie_break
from zoo.utils.atomic import atomic_directory, atomic_write, remove_stale_temporaries
from zoo.utils.html_page import html_page

# In the order of the book.
DEFAULT_NETWORKS = (
    "linear",
    "mlp30",
    "mlp100",
    "conv1_only",
    "conv2",
    "conv2_relu",
    "conv2_relu_dropout_x5",
)
# The network that answers while the others load, where it is among them; else the first.
QUICK = "conv2_relu"

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("engine", "preprocess", "pad", "networks", "collection", "views", "page")
_INDEX, _DIGITS = "index.html", "digits.js"
_MARK = '<meta name="generator" content="zoo draw">'


def page_files(
    names: Sequence[str] = DEFAULT_NETWORKS,
    data: Data | None = None,
    precision: Precision | None = None,
) -> dict[str, bytes]:
    """The page as files: `index.html`, a script for each member of each network, and `digits.js`.

    The weights of conv2_relu, or else of the first network, are in `index.html` itself, so that it
    answers at once.

    Args:
        names: pretrained networks, in the order in which they are shown; the last of them that
            has loaded gives the page's answer.
        data: whose test images the page shows, those first that the last vote gets wrong; None
            leaves them out.
        precision: of the kernels. None gives that of the published weights, and int8 to the
            members of a vote.

    Returns:
        The bytes of each file by its name, which has no folder.

    Raises:
        UnknownNameError: for a name that is in no table or has no pretrained weights.
        SpecError: for no network, or one with layers that the page cannot compute.
        RunError: for weights that are missing, damaged or not the manifest's.
    """
    networks: list[dict[str, Any]] = []
    scripts: dict[str, Any] = {}
    if not names:
        raise SpecError("the page shows at least one network: name a pretrained one")
    for name in dict.fromkeys(names):
        record, files = _network(name, precision)
        networks.append(record)
        scripts |= files
    quick = next((each for each in networks if each["name"] == QUICK), networks[0])
    first = quick["members"][0]["file"]
    record = {
        "networks": networks,
        "digits": _DIGITS if data else None,
    }
    files = {_INDEX: _html(record, inline=scripts.pop(first)), **scripts}
    if data:
        votes = [each["name"] for each in networks if each["rule"]]
        missed = misclassified(votes[-1], data.test) if votes else ([], [])
        files[_DIGITS] = digits_script(data.test, missed)
    return {name: text.encode() for name, text in files.items()}


def write_page(folder: str | Path, files: Mapping[str, bytes]) -> Path:
    """Write a page's files into a folder that is new, empty or an older page; return its index.

    A new folder appears whole. In an older page the index comes last, so that whoever opens it
    finds what it loads; in an empty folder, which stays the same folder, it comes first, so that a
    part of a page is known as one.

    Args:
        folder: Where the page is to be.
        files: The bytes of each file by its name, as `page_files` makes them.

    Returns:
        The path of `index.html`.

    Raises:
        RunError: The folder holds something else, or is a file.
        OSError: It cannot be written.
    """
    folder = Path(folder)
    index = folder / _INDEX
    if folder.is_dir():
        remove_stale_temporaries(folder)
        empty = not any(folder.iterdir())
        if empty or _is_page(index):
            _write_files(folder, files, index_first=empty)
            return index
    if folder.exists():
        raise RunError(f"{folder} holds something else than this page: choose a new folder for it")
    with atomic_directory(folder) as temporary:
        _write_files(temporary, files)
    return index


def _write_files(folder: Path, files: Mapping[str, bytes], index_first: bool = False) -> None:
    for name, content in sorted(
        files.items(), key=lambda item: (item[0] == _INDEX) is not index_first
    ):
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
            temporary.chmod(0o644)


def _is_page(index: Path) -> bool:
    if not index.is_file():
        return False
    with index.open(encoding="utf-8", errors="replace") as file:
        return _MARK in file.read(1000)


def _network(name: str, precision: Precision | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What the page is told of a network, and the scripts that hold its members' weights."""
    spec, entry = get_spec(name), entry_of(name)
    stored: Precision = "float32" if entry.precision == "F32" else "float16"
    kind = precision or ("int8" if spec.members else stored)
    found = programs(spec, _weights(entry, spec), kind)
    keys = [name if len(found) == 1 else f"{name}-{n}" for n in range(1, len(found) + 1)]
    scripts = {f"{key}.js": _script(key, each) for key, each in zip(keys, found, strict=True)}
    members = [_member(key, each, scripts) for key, each in zip(keys, found, strict=True)]
    weights = list(spec.weights) if isinstance(spec, EnsembleSpec) else []
    record = {
        "name": spec.name,
        "summary": spec.summary,
        "layers": _described(spec),
        "score": f"{spec.parameters:,} parameters; on the test images {entry.score}.",
        "rule": spec.rule if isinstance(spec, EnsembleSpec) else None,
        "weights": weights,
        "tieBreak": tie_break(shares_of(weights, len(members))),
        "members": members,
    }
    return record, scripts


def _member(key: str, program: Program, scripts: Mapping[str, str]) -> dict[str, Any]:
    file = f"{key}.js"
    return {
        "key": key,
        "file": file,
        "bytes": len(scripts[file]),
        "records": program.layers,
        "precision": program.precision,
        "scale": program.scale,
    }


def _script(key: str, program: Program) -> str:
    return f'zooWeights("{key}.js", "{program.base64()}");\n'


def _described(spec: NetworkSpec) -> list[str]:
    """The layers in words; those of an ensemble's first member after what the ensemble is."""
    whole = [str(spec)] if spec.members else []
    return [*whole, *(str(layer) for layer, *_ in [*spec.members, spec][0].walk())]


def _weights(entry: Entry, spec: NetworkSpec) -> Mapping[str, Any]:
    # Read without Keras: the page is there in a second.
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = weights_file(entry)
    verify(path, entry)
    entry.check_fits(spec)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise RunError(f"{path} is damaged or no safetensors file ({error})") from error


# Members join as scripts of their own, from a file or a server; pictures are made by the page.
_LOADED = "script-src 'self' file: 'unsafe-inline' blob:; worker-src blob:; img-src data: blob:"


def _html(record: dict[str, Any], inline: str) -> str:
    scripts = [_read(f"{name}.js") for name in _SCRIPTS]
    # The weights follow the function that takes them, and precede the page, which asks for them.
    scripts.insert(-1, inline)
    given = json.dumps(record).replace("</", "<\\/")
    code = "\n".join(scripts)
    return html_page(
        title="Draw a digit",
        style=_read("page.css"),
        body=_read("page.html"),
        script=f"const ZOO = {given};\n{code}",
        generator="zoo draw",
        sources=_LOADED,
        head='<link rel="icon" href="data:,">',
    )


def _read(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")

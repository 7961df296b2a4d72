"""The code of an experiment as a hash, and whether it needs the pretrained networks."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from zoo.pretrained.manifest import manifest

CHAPTERS = "zoo.lab.chapter"


@functools.cache
def code_hash(source: str) -> str:
    """The first 16 digits of the SHA-256 of a module and of the chapters' modules that it needs.

    It is computed once in a process, so that it is that of the code that runs, not of a later edit.

    Args:
        source: The file of a module that is imported, or is being imported.
    """
    digest = hashlib.sha256()
    for path in code_files(source):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def loads_pretrained(source: str) -> bool:
    """Whether one of those modules loads a pretrained network.

    Args:
        source: As for `code_hash`.
    """
    texts = (Path(path).read_text(encoding="utf-8") for path in code_files(source))
    return any(re.search(r"\bzoo\.(load|pretrained)\b", text) for text in texts)


def pretrained_hash() -> str:
    """The first 8 digits of the SHA-256 of which weights there are."""
    known = {name: entry.sha256 for name, entry in manifest().items()}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:8]


def code_files(source: str) -> list[str]:
    """A module's file and those of the chapters that it imports, and they import: each once.

    Args:
        source: As for `code_hash`.
    """
    found = [source]
    for path in found:  # it grows
        found += sorted(set(_imported(path)) - set(found))
    return found


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(Path(source).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(CHAPTERS):
            module = str(node.module)
            for name in (module, *(f"{module}.{each.name}" for each in node.names)):
                file = getattr(sys.modules.get(name), "__file__", None)
                if file and Path(file).name != "__init__.py":
                    yield file

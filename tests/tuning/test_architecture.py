"""Imports inside tuning go one way, as they do between the packages of zoo."""

from __future__ import annotations

import ast

import pytest

from tests.paths import ROOT

# From the ground up: a module or package imports what stands before it, and its own package.
ORDER = [
    "ranges",
    "space",
    "fidelity",
    "trial",
    "strategies",
    "store",
    "paused",
    "execution",
    "vectorized",
    "latency",
    "search",
    "warm_start",
    "options",
    "outcome",
    "workers",
    "ray_cluster",
    "progress",
    "kerastuner",
    "report",
    "cli",
    "__main__",
]

# What may be imported where it is needed: the facade's names, and the types of what comes later.
FACADE = "__init__"

MODULES = sorted((ROOT / "tuning").rglob("*.py"))


def _part(path) -> str:
    return path.relative_to(ROOT / "tuning").parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> set[str]:
    hidden = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    parts = set()
    for node in ast.walk(tree):
        if id(node) in hidden or not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        if node.module == "tuning":
            parts |= {alias.name for alias in node.names}
        elif node.module.startswith("tuning."):
            parts.add(node.module.split(".")[1])
    return parts


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_inside_tuning_go_one_way(path):
    part = _part(path)
    if part == FACADE:
        return
    assert part in ORDER, f"give {part} its place in ORDER"
    before = set(ORDER[: ORDER.index(part) + 1])
    assert _imports(ast.parse(path.read_text())) <= before

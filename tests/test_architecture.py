"""The rules of the architecture, read off the code: imports one way, small modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.paths import ROOT

MODULES = sorted(path for package in ("zoo", "tuning") for path in (ROOT / package).rglob("*.py"))

# From the ground up: a package imports what stands before it, and never what stands after. Names
# with a dot are packages of tuning.
ORDER = [
    "version",
    "errors",
    "utils",
    "spec",
    "data",
    "networks",
    "quoted_networks",
    "registry",
    "nn",
    "evaluation",
    "training",
    "pretrained",
    "reproduction",
    "export",
    "book",
    "lab",
    "serve",
    "cli",
    "zoo",
    "tuning",
]


def _package(path: Path) -> str:
    """The package of zoo that a file belongs to, or tuning."""
    top, inner = path.relative_to(ROOT).parts[:2]
    if top == "zoo":
        return "zoo" if inner in ("__init__.py", "__main__.py") else inner.removesuffix(".py")
    return top


PACKAGES = {
    package: [path for path in MODULES if _package(path) == package]
    for package in sorted({_package(path) for path in MODULES})
}


def _imported_packages(tree: ast.AST) -> set[str]:
    packages = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "zoo":
                packages |= {alias.name for alias in node.names}
            elif node.module.startswith("zoo."):
                packages.add(node.module.split(".")[1])
            elif node.module.split(".")[0] == "tuning":
                packages.add("tuning")
        elif isinstance(node, ast.Import):
            packages |= {a.name.split(".")[1] for a in node.names if a.name.startswith("zoo.")}
            packages |= {"zoo" for a in node.names if a.name == "zoo"}
    return packages


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package):
    assert package in ORDER, f"give {package} its place in ORDER, and in docs/architecture.md"
    before = {*ORDER[: ORDER.index(package)], package}
    # The lab is written as its readers would write it, with the public `import zoo`.
    allowed = before | ({"zoo"} if package == "lab" else set())
    for path in PACKAGES[package]:
        imported = _imported_packages(ast.parse(path.read_text()))
        assert imported <= allowed, f"{path} imports {imported - allowed}"


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_and_functions_stay_small_and_say_what_they_are(package):
    for path in PACKAGES[package]:
        _check_module(path)


def _check_module(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), f"{path}: the first sentence of a file says what lives there"
    assert len(text.splitlines()) <= 270, f"{path}: two subjects in one module?"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if isinstance(node, ast.FunctionDef):
                docstring = len((ast.get_docstring(node) or "").splitlines())
                lines = node.end_lineno - node.lineno - docstring
                assert lines <= 45, f"{path}: {node.name} does more than one thing"
            decorators = {getattr(decorator, "id", "") for decorator in node.decorator_list}
            public = not node.name.startswith("_") and node in tree.body
            public = public and "overload" not in decorators
            assert ast.get_docstring(node) or not public, f"{path}: {node.name} has no docstring"


def test_the_builder_holds_no_settings_and_the_declarations_no_keras():
    builder = [
        ast.parse((ROOT / f"zoo/nn/{name}.py").read_text()) for name in ("builder", "layers")
    ]
    nodes = [node for tree in builder for node in ast.walk(tree)]
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    assert not [value for value in constants if isinstance(value, float)]
    declarations = [ROOT / f"zoo/{name}.py" for name in ("networks", "quoted_networks", "registry")]
    for path in (*declarations, *(ROOT / "zoo/spec").glob("*.py")):
        tree = ast.parse(path.read_text())
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in top for alias in node.names}
        assert not names & {"keras", "tensorflow", "numpy"}

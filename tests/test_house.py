"""The rules of the house, read off the code: imports one way, small rooms, a README that runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for room in ("zoo", "tuning") for path in (ROOT / room).rglob("*.py"))

# From the ground up; a module imports what stands before it, and never what stands after.
ORDER = [
    "errors",
    "files",
    "checks",
    "quiet",
    "layers",
    "spec",
    "schedule",
    "data",
    "conventions",
    "networks",
    "blocks",
    "builder",
    "registry",
    "weights",
    "results",
    "evaluation",
    "pretrained",
    "numpy_forward",
    "models",
    "ensemble",
    "baselines",
    "pictures",
    "runs",
    "callbacks",
    "parallel",
    "training",
    "report",
    "reproduction",
    "draws",
    "cards",
    "publishing",
    "export",
    "lab",
    "commands",
    "cli",
    "__main__",
    "tuning",
]


def _room(path: Path) -> str:
    house, room = path.relative_to(ROOT).parts[:2]
    return house if house != "zoo" else room.removesuffix(".py")


def _imported_rooms(tree: ast.AST) -> set[str]:
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "zoo":
                rooms |= {alias.name for alias in node.names}
            elif node.module.startswith("zoo."):
                rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("zoo.")}
    return rooms


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_go_one_way(path):
    if path.relative_to(ROOT).as_posix() == "zoo/__init__.py":
        return
    room = _room(path)
    assert room in ORDER, f"give {room} its place in ORDER, and in the README's 'Where things are'"
    before = {*ORDER[: ORDER.index(room)], room}
    assert _imported_rooms(ast.parse(path.read_text())) <= before


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_rooms_and_functions_stay_small_and_say_what_they_are(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the first sentence of a file says what lives there"
    assert len(text.splitlines()) <= 270, "two things in one room?"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if isinstance(node, ast.FunctionDef):
                docstring = len((ast.get_docstring(node) or "").splitlines())
                lines = node.end_lineno - node.lineno - docstring
                assert lines <= 45, f"{node.name} does more than one thing"
            decorators = {getattr(decorator, "id", "") for decorator in node.decorator_list}
            public = not node.name.startswith("_") and node in tree.body
            public = public and "overload" not in decorators
            assert ast.get_docstring(node) or not public, f"{node.name} has no docstring"


def test_the_builder_holds_no_settings_and_the_declarations_no_keras():
    builder = ast.parse((ROOT / "zoo/builder.py").read_text())
    constants = [node.value for node in ast.walk(builder) if isinstance(node, ast.Constant)]
    assert not [value for value in constants if isinstance(value, float)]
    for name in ("layers", "spec", "networks", "checks", "registry"):
        tree = ast.parse((ROOT / f"zoo/{name}.py").read_text())
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {alias.name for node in top for alias in node.names}
        assert not names & {"keras", "tensorflow", "numpy"}


def test_the_readme_names_every_room():
    told = (ROOT / "README.md").read_text()
    rooms = {path.name for path in (ROOT / "zoo").glob("*.py")} - {"__init__.py"}
    missing = [room for room in rooms if room not in told]
    assert not missing


def test_links_of_the_readme_lead_somewhere():
    told = (ROOT / "README.md").read_text()
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", told):
        assert (ROOT / link).exists(), link


def test_the_examples_of_the_readme_run(mnist, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = (ROOT / "README.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", told, re.DOTALL)
    assert examples
    names: dict = {}
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)


def test_the_readmes_commands_exist():
    told = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", told, re.MULTILINE)) <= targets
    from tuning.__main__ import _parser as tuning
    from zoo.cli import _parser as zoo

    for program, parser in (("zoo", zoo()), ("tuning", tuning())):
        commands = re.findall(rf"^python -m {program} (.+?)(?:\s*#.*)?$", told, re.MULTILINE)
        assert commands
        for command in commands:
            if not set("`|[") & set(command):
                parser.parse_args(command.replace("'", "").split())

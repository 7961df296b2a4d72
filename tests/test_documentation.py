"""README and docs: every Python block runs, every command and link exists, README stays short."""

from __future__ import annotations

import re
import shlex

import matplotlib
import pytest

from tests.paths import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
# Pages that a build writes are not there without one.
GENERATED = "generated/"
# Pages whose blocks need something that runs beside them, and the test that executes them.
ELSEWHERE = {"serving.md": "tests/serve/test_docs.py"}


def blocks(page, language):
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands(program):
    """The arguments of every call of a program in the shell blocks of all pages."""
    shell = [block.replace("\\\n", " ") for page in PAGES for block in blocks(page, "sh")]
    lines = [line for block in shell for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    start = program.split()
    return [each[len(start) :] for each in words if each[: len(start)] == start]


def with_blocks(language):
    pages = [page for page in PAGES if blocks(page, language)]
    assert pages
    return [pytest.param(page, id=page.stem) for page in pages]


@pytest.mark.integration
@pytest.mark.parametrize("page", with_blocks("python"))
def test_the_python_blocks_run(page, mnist, tmp_path, monkeypatch):
    if page.name in ELSEWHERE:
        assert page.name in (ROOT / ELSEWHERE[page.name]).read_text()
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "agg")
    names: dict = {}
    for number, block in enumerate(blocks(page, "python"), start=1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


def test_the_commands_of_zoo_and_tuning_are_understood():
    from tuning.cli import _parser as tuning
    from zoo.cli.main import _parser as zoo

    for program, parser in (("python -m zoo", zoo()), ("python -m tuning", tuning())):
        found = commands(program)
        assert found
        for arguments in found:
            parser.parse_args(arguments)


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {arguments[0] for arguments in commands("make")} <= targets


def test_tests_and_benchmarks_that_are_called_exist():
    for arguments in commands("python -m pytest"):
        assert (ROOT / arguments[0]).exists(), arguments
    for page in PAGES:
        text = page.read_text()
        for name in re.findall(r"python -m (benchmarks\.\w+)", text):
            assert (ROOT / f"{name.replace('.', '/')}.py").exists(), name
        for path in re.findall(r"`((?:tests|examples|benchmarks|zoo|tuning)/[\w/.]+)`", text):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    for link in links:
        assert link.startswith(GENERATED) or (page.parent / link).exists(), link


def test_every_page_is_reached_from_the_index():
    index = ROOT / "docs/index.md"
    entries = re.findall(r"^(?!:)[\w/*[\]]+$", "".join(blocks(index, r"{toctree}")), re.MULTILINE)
    reached = {path for entry in entries for path in (ROOT / "docs").glob(f"{entry}.md")}
    assert {*(ROOT / "docs").glob("*.md")} <= {*reached, index}


def test_the_readme_is_an_introduction():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150

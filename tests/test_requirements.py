"""What is installed: every file has a hash, and what is locked is what is asked for."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

LOCKS = ["requirements", "docker/requirements"]


def _asked_for(name: str) -> list[Requirement]:
    lines = (ROOT / f"{name}.in").read_text().splitlines()
    return [
        Requirement(line) for line in (each.partition("#")[0].strip() for each in lines) if line
    ]


def _locked(name: str) -> dict[str, list[tuple[Requirement, int]]]:
    """What a lock has of each package, with the number of hashes."""
    text = (ROOT / f"{name}.txt").read_text().replace("\\\n", " ")
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            asked, *hashes = line.split(" --hash=")
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each.strip()) for each in hashes), asked
            requirement = Requirement(asked)
            entries = found.setdefault(canonicalize_name(requirement.name), [])
            entries.append((requirement, len(hashes)))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_of_one_version_and_has_hashes(name):
    entries = [entry for entries in _locked(name).values() for entry in entries]
    assert len(entries) > len(_asked_for(name))  # the indirect ones, too
    for requirement, hashes in entries:
        assert [each.operator for each in requirement.specifier] == ["=="], requirement
        assert hashes, requirement


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_what_is_asked_for(name):
    locked = _locked(name)
    for asked in _asked_for(name):
        versions = [str(each.specifier) for each, _ in locked[canonicalize_name(asked.name)]]
        assert versions == [str(asked.specifier)], asked


@pytest.mark.parametrize("name", LOCKS)
def test_no_address_stands_in_a_list(name):
    for ending in ("in", "txt"):
        lines = (ROOT / f"{name}.{ending}").read_text().splitlines()
        text = "\n".join(line.partition("#")[0] for line in lines)
        assert "://" not in text
        assert not re.search(r"^\s*-", text.replace("\\\n", " "), re.M)  # no --index-url, no -e


def test_the_lock_has_what_the_project_says_that_it_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = _locked("requirements")
    optional = project["project"]["optional-dependencies"]
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in ("docs", "export", "serve", "clients"):
        needed += optional[extra]
    for asked in map(Requirement, needed):
        for entry, _ in locked[canonicalize_name(asked.name)]:
            assert asked.specifier.contains(str(entry.specifier).removeprefix("==")), asked


def test_the_image_has_the_same_files():
    locked = _locked("requirements")
    for name, entries in _locked("docker/requirements").items():
        assert {str(each.specifier) for each, _ in entries} <= {
            str(each.specifier) for each, _ in locked[name]
        }


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_installs_with_hashes_or_without_dependencies():
    shown = subprocess.run(
        ["make", "--dry-run", "--always-make", ".venv/installed"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = [line for line in shown.splitlines() if " -m pip install " in line]
    assert len(lines) == 2
    assert "--require-hashes --requirement requirements.txt" in lines[0]
    # The project itself: nothing is fetched to build it either.
    assert all(f"--no-{what} " in lines[1] for what in ("deps", "build-isolation"))

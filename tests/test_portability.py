"""Systems other than Linux: nothing of POSIX at import, and text files with an encoding."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.paths import ROOT

MODULES = sorted(path for package in ("zoo", "tuning") for path in (ROOT / package).rglob("*.py"))

# Modules that Python has on POSIX systems alone.
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_text_files_have_an_encoding_and_imports_are_portable():
    for path in MODULES:
        _check_module(path)


def _check_module(path):
    tree = _parsed(path)
    for node in tree.body:
        if isinstance(node, ast.Import):
            assert not POSIX & {alias.name for alias in node.names}, path
        elif isinstance(node, ast.ImportFrom):
            assert node.module not in POSIX, path
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = {keyword.arg for keyword in node.keywords}
            if called in ("read_text", "write_text"):
                assert "encoding" in given, f"{path}, line {node.lineno}"
            if "text" in given or (called == "open" and _is_text(node)):
                assert "encoding" in given, f"{path}, line {node.lineno}"


def _is_text(call: ast.Call) -> bool:
    """Whether a call of `open` names a mode, and none of bytes."""
    modes = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    return any(mode in ("r", "w", "a", "x", "r+", "w+") for mode in modes)


PROGRAM = f"""
import sys
for name in {sorted(POSIX - {"posix"})}:
    sys.modules[name] = None  # an import of it fails, as on Windows
from zoo.cli.main import main
assert main(["list"]) == 0
assert main(["predict", "mlp30", "one.png"]) == 0
from pathlib import Path
from zoo.reproduction import results
rows = results.read(Path(sys.argv[1]))
assert results.append(rows[0], Path("results.csv"))
assert not results.append(rows[0], Path("results.csv"))
"""


@pytest.mark.filterwarnings("ignore")
def test_networks_are_listed_and_digits_read_without_what_posix_has(tmp_path):
    digit = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(digit).line([(100, 30), (100, 170)], fill=0, width=16)
    digit.save(tmp_path / "one.png")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ROOT / "benchmarks/results.csv"],
        env={"PYTHONPATH": str(ROOT), "PATH": "", "SYSTEMROOT": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "conv2_relu" in done.stdout
    assert "one.png: 1, " in done.stdout

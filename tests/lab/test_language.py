"""The lab in other languages: no text lacks a translation, numbers and code stay as they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from zoo import lab
from zoo.cli.main import main
from zoo.errors import UnknownNameError
from zoo.lab.core import language, report
from zoo.lab.core.experiment import Check, Result
from zoo.lab.core.language import languages, translator
from zoo.lab.core.running import Origin
from zoo.lab.pages import TITLES, page, texts

ROOT = Path(__file__).parents[2]
OTHERS = [each for each in languages() if each != "en"]


def everything() -> list[str]:
    """Every text that a reader in another language should find in hers."""
    sentences = [report.TITLE, report.INTRO, report.ORIGIN, report.OUTRO, report.FAST]
    sentences += report.LABELS
    pages = [text for name in TITLES for text in texts(name)]
    return [*sentences, *pages, *(each.title for each in lab.experiments())]


def catalogue(path: Path) -> dict[str, str]:
    """The entries of a .po of one line each, read without gettext."""
    pairs = re.findall(r'^msgid (".*")\nmsgstr (".*")$', path.read_text("utf-8"), re.MULTILINE)
    return {ast.literal_eval(one): ast.literal_eval(other) for one, other in pairs if one != '""'}


@pytest.mark.parametrize("name", OTHERS)
def test_no_text_is_without_a_translation(name):
    known = catalogue(language.FOLDER / name / "LC_MESSAGES" / "zoo.po")
    missing = [text for text in everything() if not known.get(text)]
    assert not missing
    assert not known.keys() - set(everything()), "these are no longer said"


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_compiled_is_what_is_written(name):
    translate = translator(name)
    written = catalogue(language.FOLDER / name / "LC_MESSAGES" / "zoo.po")
    for text, other in written.items():
        assert translate(text) == other, "compile it: python -m zoo.lab.core.language"


@pytest.mark.parametrize("name", OTHERS)
def test_fields_tags_and_numbers_are_kept(name):
    translate = translator(name)
    for text in everything():
        for pattern in (r"\{\w*\}", r"</?\w+>", r"\d+\.\d+"):
            kept = [sorted(re.findall(pattern, each)) for each in (text, translate(text))]
            assert kept[0] == kept[1], text


@pytest.mark.parametrize("name", TITLES)
@pytest.mark.parametrize("chosen", languages())
def test_pages_have_no_marks_left(name, chosen):
    text = page(name, chosen)
    assert f'<html lang="{chosen}">' in text
    assert not re.search("[⟦⟧]", text)


def test_what_a_page_says_is_marked():
    """Between tags and outside of marks there are formulas and spaces, and no word."""
    for name in TITLES:
        source = (ROOT / f"zoo/lab/pages/{name}.html").read_text("utf-8")
        bare = re.sub(r"⟦.*?⟧|<[^>]*>", " ", source, flags=re.DOTALL)
        assert not set(re.findall(r"[A-Za-z]{4,}", bare)), bare


def test_a_report_in_chinese(tmp_path):
    picture = tmp_path / "figure.png"
    picture.write_bytes(b"png")
    checks = (Check("size", 1.0, 1.0, True), Check("rise", 0.0, 0, True, True), Check("x", 2, 3))
    experiment = lab.get_experiment("ch1_nand")
    done = SimpleNamespace(
        experiment=experiment,
        result=Result({}, checks),
        picture=picture,
        seconds=5400.0,
        origin=Origin("2026-11-28", "a <fast> one", "keras 3"),
    )
    report.write_report([done], tmp_path / "index.html", fast=True, language="zh")
    text = (tmp_path / "index.html").read_text("utf-8")
    assert "第 1 章" in text
    assert "构成与非门的感知器" in text
    assert "<small>(预期)</small>" in text
    for part in ("测于 2026-11-28", "处理器 a &lt;fast&gt; one", "版本 keras 3", "1.5 小时"):
        assert part in text
    assert '<span class="verdict agrees">一致</span>' in text
    assert "python -m zoo lab run ch1_nand --fast" in text


def test_a_language_that_is_not_there_is_told_at_once(tmp_path, capsys):
    with pytest.raises(UnknownNameError, match="There are: en, zh"):
        translator("zn")
    assert main(["lab", "report", "--lang", "xx", "--out", str(tmp_path)]) == 2
    assert "There are: en, zh" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_chinese_readme_has_the_commands_of_the_english_one():
    def blocks(name):
        text = (ROOT / name).read_text("utf-8")
        found = re.findall(r"```(?:sh|python)\n(.*?)```", text, re.DOTALL)
        lines = [line.partition("#")[0].strip() for block in found for line in block.splitlines()]
        return [line for line in lines if line]

    english = set(blocks("README.md"))
    own = [line for line in blocks("README.zh.md") if line not in english]
    assert own == [
        "python -m zoo book",
        "python -m zoo draw",
        "python -m zoo lab list",
        "python -m zoo lab report --fast --lang zh",
        "python -m zoo lab pages --lang zh",
    ]
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", (ROOT / "README.zh.md").read_text()):
        assert (ROOT / link).exists(), link

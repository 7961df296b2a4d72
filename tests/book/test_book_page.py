"""The pages 'The book's code -> here' are up to date, and complete in both languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from zoo.book.page import PAGES, page
from zoo.book.printed import SECTIONS, SNIPPETS
from zoo.book.words import CHINESE, ENGLISH, in_chinese

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("language", PAGES)
def test_the_page_is_the_one_that_the_snippets_make(language):
    written = (ROOT / PAGES[language]).read_text(encoding="utf-8")
    assert written == page(language), "write it anew: python -m zoo.book.page"


@pytest.mark.parametrize("language", PAGES)
def test_every_snippet_has_its_row(language):
    rows = [line for line in page(language).splitlines() if line.startswith("| `")]
    assert len(rows) == len(SNIPPETS)
    for row, snippet in zip(rows, SNIPPETS, strict=True):
        printed = re.findall(r"`([^`]+)`", row.split(" | ")[0])
        assert printed == [line.strip() for line in snippet.code.splitlines()]


def test_nothing_is_left_in_english():
    assert CHINESE.keys() == ENGLISH.keys()
    chinese = re.compile(r"[\u4e00-\u9fff]")
    texts = [*CHINESE.values(), *(section[2] for section in SECTIONS.values())]
    assert all(chinese.search(text) for text in texts)
    for snippet in SNIPPETS:
        assert not re.search(r"[a-z]", in_chinese(snippet.book))
        assert _numbers(snippet.book) == _numbers(in_chinese(snippet.book))


def _numbers(text):
    return sorted(re.findall(r"[\d.,]*\d", text))


def test_the_code_of_every_snippet_is_python():
    for snippet in SNIPPETS:
        ast.parse(snippet.code)

"""The page 'The book's code -> here', in English and Chinese, made from the snippets.

`python -m zoo.book.page` writes docs/book_code.md and docs/book_code.zh.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from zoo.book.printed import SECTIONS, SNIPPETS, Snippet
from zoo.book.words import CHINESE, ENGLISH, in_chinese
from zoo.utils.atomic import atomic_write

PAGES = {"en": Path("docs/book_code.md"), "zh": Path("docs/book_code.zh.md")}


def page(language: str = "en") -> str:
    """The whole page as Markdown, in 'en' or 'zh'."""
    words = {"en": ENGLISH, "zh": CHINESE}[language]
    parts = [words["head"]]
    for chapter, of_chapter in groupby(SNIPPETS, key=lambda snippet: snippet.chapter):
        parts.append(f"## {words['chapter'].format(chapter)}")
        for section, snippets in groupby(of_chapter, key=lambda snippet: snippet.section):
            title = SECTIONS[section][1 if language == "en" else 2]
            parts.append(f"### {title}")
            parts.append(_table(snippets, words, language))
    parts.append(words["foot"])
    return "\n\n".join(parts) + "\n"


def _table(snippets: Iterable[Snippet], words: dict[str, str], language: str) -> str:
    rows = [f"| {words['code']} | {words['book']} | {words['zoo']} |", "| --- | --- | --- |"]
    for snippet in snippets:
        book = snippet.book if language == "en" else in_chinese(snippet.book)
        rows.append(f"| {_code(snippet.code)} | {book or '-'} | {_zoo(snippet.zoo)} |")
    return "\n".join(rows)


def _code(code: str) -> str:
    lines = [line.strip() for line in code.splitlines()]
    return "<br>".join(f"`{line}`" for line in lines)


def _zoo(name: str) -> str:
    if not name:
        return "-"
    if name.startswith("zoo "):
        return f"`python -m {name}`"
    return f"`python -m zoo lab run {name}`" if name.startswith("ch") else f'`zoo.build("{name}")`'


def main() -> None:
    """Write both pages, and print where."""
    for language, path in PAGES.items():
        with atomic_write(path) as temporary:
            temporary.write_text(page(language), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

"""Interactive pages: each a single HTML file of plain JavaScript that needs no network.

from zoo.lab.pages import write_pages
write_pages("pages")
"""

from __future__ import annotations

import re
from pathlib import Path

from zoo.lab.core.language import ENGLISH, translator
from zoo.lab.core.style import COLORS
from zoo.utils.atomic import atomic_write
from zoo.utils.html_page import check_ours, html_page

GENERATOR = "python -m zoo lab pages"

TITLES = {
    "neuron": "A neuron learns to say 0",
    "softmax": "Four neurons share one softmax",
    "bumps": "Five bumps for one function",
}

# A text to translate, in HTML or in a script.
MARKED = re.compile(r"⟦(.+?)⟧", re.DOTALL)

_HERE = Path(__file__).parent


def texts(name: str) -> list[str]:
    """What a page says, in English: the texts between brackets in its sources, and its title."""
    found = [_plain(text) for source in _sources(name) for text in MARKED.findall(source)]
    return [TITLES[name], *found]


def page(name: str, language: str = ENGLISH) -> str:
    """One page as HTML, with its style and its scripts inside.

    Raises:
        UnknownNameError: There is no such language.
    """
    translate = translator(language)
    main, script = (
        MARKED.sub(lambda match: translate(_plain(match[1])), source) for source in _sources(name)
    )
    colors = "".join(f"--color{number}: {color}; " for number, color in enumerate(COLORS))
    title = translate(TITLES[name])
    return html_page(
        language=language,
        generator=GENERATOR,
        title=title,
        style=f":root {{ {colors}}}\n{_read('page.css')}",
        body=f"<main>\n<h1>{title}</h1>\n{main}\n</main>",
        script=script,
    )


def write_pages(folder: str | Path, language: str = ENGLISH) -> list[Path]:
    """Write all pages into a folder, and return their paths.

    Raises OSError where the folder cannot be made or written, UnknownNameError where there is no
    such language, RunError where another file is in the way.
    """
    paths = [Path(folder) / f"{name}.html" for name in TITLES]
    for path in paths:
        check_ours(path, GENERATOR)
    for path in paths:
        with atomic_write(path) as temporary:
            temporary.write_text(page(path.stem, language), encoding="utf-8")
    return paths


def _sources(name: str) -> tuple[str, str]:
    return _read(f"{name}.html"), _read("chart.js") + _read(f"{name}.js")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

"""Interactive pages: each a single HTML file of plain JavaScript that needs no network.

from zoo.lab.pages import write_pages
write_pages("pages")
"""

from __future__ import annotations

from pathlib import Path
from string import Template

from zoo.lab.core.style import COLORS
from zoo.utils.atomic import atomic_write

TITLES = {
    "neuron": "A neuron learns to say 0",
    "softmax": "Four neurons share one softmax",
    "bumps": "Five bumps for one function",
}

_HERE = Path(__file__).parent


def page(name: str) -> str:
    """One page as HTML, with its style and its scripts inside."""
    colors = "".join(f"--color{number}: {color}; " for number, color in enumerate(COLORS))
    return Template(_read("frame.html")).substitute(
        title=TITLES[name],
        style=f":root {{ {colors}}}\n{_read('page.css')}",
        main=_read(f"{name}.html"),
        script=_read("chart.js") + _read(f"{name}.js"),
    )


def write_pages(folder: str | Path) -> list[Path]:
    """Write all pages into a folder, and return their paths.

    Raises OSError where the folder cannot be made or written.
    """
    paths = [Path(folder) / f"{name}.html" for name in TITLES]
    for path in paths:
        with atomic_write(path) as temporary:
            temporary.write_text(page(path.stem), encoding="utf-8")
    return paths


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

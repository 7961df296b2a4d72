"""Curves that grow while a network learns: a page for any browser, and a window where there is one.

The page holds its picture, needs no server, and loads itself anew until the run is over.
"""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.errors import LabError
from zoo.lab.core import style
from zoo.utils.atomic import atomic_write
from zoo.utils.html_page import generator_tag

SECONDS = 2  # between two looks of the page

GENERATOR = "python -m zoo lab monitor"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
{again}{generator}
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 64rem; margin: 1rem auto;
       padding: 0 1rem }}
svg {{ max-width: 100%; height: auto }}
</style>
<h1>{title}</h1>
<p id="progress">{progress}</p>
{picture}
</html>
"""

AXES = {"cost": "cost per image, with its L2 term", "accuracy": "images classified correctly (%)"}


def draw(figure: Figure, rows: Sequence[dict[str, float]], title: str = "") -> None:
    """Cost and accuracy over the epochs of all rows, into a figure, in place of what it shows.

    Args:
        figure: It is cleared first.
        rows: At least one; each has 'epoch', and numbers whose names end with what AXES lists.
        title: Of the whole figure.
    """
    figure.clear()
    epochs = [row["epoch"] for row in rows]
    for axes, (what, label) in zip(figure.subplots(1, 2), AXES.items(), strict=True):
        names = [name for name in rows[0] if name.endswith(what)]
        for number, name in enumerate(names):
            look = style.line(number, label=name.removesuffix(what).strip(), marker=".")
            axes.plot(epochs, [row[name] for row in rows], **look)
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        style.tidy(axes)
        axes.legend(frameon=False)
    figure.suptitle(title)


def write_page(
    path: Path, rows: Sequence[dict[str, float]], title: str, epochs: int | None = None
) -> None:
    """Write the page of a run as far as it has come.

    Args:
        path: Of the HTML file, which is replaced.
        rows: As for `draw`.
        title: Of the page.
        epochs: How many rows there will be; until then the page loads itself again. None is a run
            that has ended.
    """
    figure, picture = Figure(figsize=(10, 4), layout="constrained"), io.StringIO()
    draw(figure, rows)
    figure.savefig(picture, format="svg")
    svg = picture.getvalue()
    goes_on = epochs is not None and len(rows) < epochs
    last = ", ".join(f"{name} {value:g}" for name, value in rows[-1].items() if name != "epoch")
    label = f"{len(rows)} of {epochs} epochs" if goes_on else f"{len(rows)} epochs, done"
    text = PAGE.format(
        again=f'<meta http-equiv="refresh" content="{SECONDS}">\n' if goes_on else "",
        generator=generator_tag(GENERATOR),
        title=html.escape(title),
        progress=html.escape(f"{label}: {last}"),
        picture=svg[svg.index("<svg") :],
    )
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def window(title: str) -> Callable[[Sequence[dict[str, float]]], Any]:
    """Open a window; the function that is returned draws rows into it.

    Raises LabError where matplotlib finds no display.
    """
    try:
        import matplotlib
        from matplotlib import pyplot
        from matplotlib.backends import BackendFilter, backend_registry

        figure = pyplot.figure(title, figsize=(10, 4), layout="constrained")
        known = backend_registry.list_builtin(BackendFilter.INTERACTIVE)
        if matplotlib.get_backend().lower() not in known:
            pyplot.close(figure)
            raise ImportError(f"matplotlib draws with {matplotlib.get_backend()}")
    except Exception as error:  # each toolkit has its own when it finds no display
        raise LabError(
            f"no window can be opened here ({str(error).splitlines()[0]}): leave --show out, and "
            "open live.html of the run's folder in a browser"
        ) from error

    def show(rows: Sequence[dict[str, float]]) -> None:
        draw(figure, rows, title)
        figure.canvas.draw()
        figure.canvas.flush_events()

    pyplot.show(block=False)
    return show

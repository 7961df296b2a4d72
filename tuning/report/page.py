"""The page of a report: all that there is to see of a search, in one HTML file."""

from __future__ import annotations

from pathlib import Path

from tuning.report import charts, pareto, rows, sections, slices
from tuning.report.drawing import escaped
from tuning.report.importance import Importance, importance
from tuning.report.record import Record
from zoo.lab.core.style import COLORS
from zoo.utils.atomic import atomic_write
from zoo.utils.html_page import check_ours, html_page

# What tells a page of ours from a file that must not be replaced.
GENERATOR = "python -m tuning report"

_HERE = Path(__file__).parent


def write_page(record: Record, path: str | Path, *, refresh: float = 0) -> Path:
    """Write the report of a search, in place of an older one; return its path.

    Args:
        record: The search.
        path: Of the page.
        refresh: After how many seconds a browser reads it again; 0 for never.

    Raises:
        RunError: Another file is in the way.
        OSError: The folder cannot be written.
    """
    path = Path(path)
    check_ours(path, GENERATOR)
    with atomic_write(path) as temporary:
        temporary.write_text(page(record, refresh), encoding="utf-8")
    return path


def style() -> str:
    """The style of all pages about searches."""
    colors = "".join(f"--color{number}: {color}; " for number, color in enumerate(COLORS))
    return f":root {{ {colors}}}\n{_read('page.css')}"


def page(record: Record, refresh: float = 0) -> str:
    """The report of a search, as HTML with its style, script and pictures inside.

    Args:
        record: The search, over or not.
        refresh: After how many seconds a browser reads it again; 0 for never.
    """
    parts = [sections.summary(record)]
    if record.ended:
        found = importance(record)
        parts += [_accuracy(record), _parallel(record), sections.importance_of(found)]
        parts += [_slices(record, found)]
        parts += [_curves(record)]
    parts += [sections.explanation(record)]
    if record.all:
        parts += [rows.table(record)]
    title = escaped(f"Search of {record.spec.name}: {record.kind.lower()}")
    main = "\n".join(part for part in parts if part)
    return html_page(
        title=title,
        style=style(),
        head=f'<meta http-equiv="refresh" content="{refresh:g}">' if refresh else "",
        body=f"<main>\n<h1>{title}</h1>\n{main}\n</main>",
        script=_read("page.js"),
        generator=GENERATOR,
    )


def _accuracy(record: Record) -> str:
    draw = (charts.against_time, charts.against_seconds, charts.against_cost)
    fronts = [pareto.against_parameters(record), pareto.against_latency(record)]
    drawn = [*(each(record) for each in draw), *fronts]
    pictures = "".join(f"<div>{chart}</div>" for chart in drawn if chart)
    return f"""<section id="accuracy">
<h2>Accuracy, time and cost</h2>
<p>A mark a trial. The accuracies are stretched towards 100 %: what halves the error is one step
up.</p>
<div class="charts">{pictures}</div>
{sections.keys(_marks(record, front=any(fronts)))}
</section>"""


def _marks(record: Record, *, front: bool) -> list[tuple[str, str]]:
    best = [('<circle class="best" cx="19" cy="8" r="6"/>', "the best")]
    keys = best if record.best else []
    keys += [('<circle class="full" cx="19" cy="8" r="4.5"/>', "a trial")]
    if len(record.fullest) < len(record.ended):
        keys[-1] = (keys[-1][0], f"a trial on {record.fullest[0].fidelity}")
        keys += [('<circle class="less" cx="19" cy="8" r="4.5"/>', "on less of it")]
    if any(not trial.score for trial in record.ended):
        keys += [('<path class="cross" d="M15 4l8 8m0-8l-8 8"/>', "diverged, or failed: no score")]
    if record.best:
        keys += [('<path class="so-far" d="M0 8H38"/>', "the best so far")]
    if front:
        keys += [('<path class="front" d="M0 8H38"/>', "no smaller or quicker one is as good")]
    return keys


def _parallel(record: Record) -> str:
    keys = [('<path class="way best" d="M0 8H38"/>', "the best")]
    keys += [('<path class="way shade5" d="M0 8H38"/>', "good")]
    keys += [('<path class="way shade1" d="M0 8H38"/>', "bad")]
    if len(record.fullest) < len(record.ended):
        keys += [('<path class="way less" d="M0 8H38"/>', "on less of the problem")]
    return f"""<section id="parallel">
<h2>All settings at once</h2>
<p>A line a trial, from setting to setting and to its accuracy; below the last axis end those that
diverged or failed.</p>
<div class="scroll wide">{charts.parallel(record)}</div>
{sections.keys(keys)}
</section>"""


def _slices(record: Record, found: Importance | str) -> str:
    drawn = slices.slices(record)
    pairs = slices.contours(record, found)
    if not drawn:
        return ""
    expected = f"""<p>What a random forest expects over two settings at once, the darker the better,
and the trials.</p>
<div class="charts">{"".join(f"<div>{chart}</div>" for chart in pairs)}</div>"""
    return f"""<section id="slices">
<h2>Setting by setting</h2>
<div class="charts">{"".join(f"<div>{chart}</div>" for chart in drawn)}</div>
{expected if pairs else ""}
</section>"""


def _curves(record: Record) -> str:
    if not record.best:
        return ""
    accuracy, cost, drawn = charts.curves(record)
    keys = [
        (f'<path class="curve curve{number}" d="M0 8H38"/>', sections.trial_text(trial))
        for number, trial in enumerate(drawn)
    ]
    seeds = " A line a seed." if record.executions > 1 else ""
    which = f"best {len(drawn)} trials" if len(drawn) > 1 else "best trial"
    return f"""<section id="curves">
<h2>Learning curves of the best</h2>
<p>Of the {which} on {escaped(record.best.fidelity)}.{seeds}</p>
<div class="charts"><div>{accuracy}</div><div>{cost}</div></div>
{sections.keys(keys)}
</section>"""


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

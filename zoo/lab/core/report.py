"""The report: all experiments that ran, as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from zoo.lab.core.experiment import Check
from zoo.lab.core.language import ENGLISH, Translate, translator
from zoo.lab.core.running import Done
from zoo.utils.atomic import atomic_write
from zoo.utils.html_page import check_ours, generator_tag

GENERATOR = "python -m zoo lab report"
PAGE = """<!doctype html>
<html lang="{lang}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{generator}
<title>{title}</title>
<style>
body {{ font: 16px/1.5 Georgia, serif; color: #222; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem }}
h1, h2, h3, th, nav {{ font-family: system-ui, sans-serif }}
img {{ max-width: 100%; height: auto; display: block }}
table {{ border-collapse: collapse; margin: 0.5rem 0; font-size: 0.95rem }}
th, td {{ text-align: left; padding: 0.15rem 1.2rem 0.15rem 0; border-bottom: 1px solid #ddd }}
code {{ background: #f2f2f2; padding: 0.1rem 0.3rem }}
section {{ margin: 2.5rem 0 }}
nav {{ columns: 2 20rem; font-size: 0.95rem }}
nav h2 {{ font-size: 1rem; margin: 0 }}
nav ul {{ margin: 0 0 1rem; padding-left: 1.2rem; break-before: avoid }}
.verdict {{ font: 0.85rem system-ui, sans-serif; border: 1px solid #888; border-radius: 0.3rem;
           padding: 0.05rem 0.5rem; margin-left: 0.6rem; white-space: nowrap }}
.differs {{ background: #fbe3da; border-color: #c1440e }}
.agrees {{ background: #e3eef8; border-color: #1f4e79 }}
</style>
<h1>{title}</h1>
<p>{intro}</p>
<p>{origin}</p>
<nav>
{contents}
</nav>
{sections}
<p>{outro}</p>
</html>
"""

TITLE = "The figures of the book, made by running code"
INTRO = (
    "Experiments of <i>Neural Networks and Deep Learning</i> (M. Nielsen): {count} in all, {agrees}"
    " agree with the book, {differs} differ, {unjudged} are not judged, {silent} have no figure in"
    " the book to compare.{fast} Ranges are such that one in twenty, or one in a hundred where it"
    " says so, differs by chance alone."
)
ORIGIN = "Measured {dates} on {processor}, with {versions}; {hours} hours of measuring in all."
OUTRO = (
    "Some of these can be played with: <code>python -m zoo lab pages</code> writes a neuron, a"
    " softmax and a game of bumps."
)
FAST = (
    " This is the fast form: fewer images, epochs or repetitions than the book's. Where that leaves"
    " nothing to compare, the book's figure is shown and not judged by."
)


# The labels of the page, beside the sentences above: what a catalogue of another language has.
LABELS = (
    "Chapter {}", "here", "the book", "expected", "agrees", "differs", "not judged", "no figure",
)  # fmt: skip


def write_report(done: Sequence[Done], path: Path, *, fast: bool, language: str = ENGLISH) -> None:
    """Write experiments that ran as one page, pictures included, chapter by chapter.

    Args:
        done: The experiments, in the order of the book.
        path: The HTML file.
        fast: Whether they ran in the fast form.
        language: That of titles and labels; questions and remarks stay English.

    Raises:
        UnknownNameError: There is no such language.
        RunError: Another file is in the way.
    """
    check_ours(path, GENERATOR)
    translate = translator(language)
    verdicts = [each.result.verdict for each in done]
    intro = translate(INTRO).format(
        count=len(done),
        agrees=verdicts.count("agrees"),
        differs=verdicts.count("differs"),
        unjudged=verdicts.count("not judged"),
        silent=verdicts.count("no figure"),
        fast=translate(FAST) if fast else "",
    )
    text = PAGE.format(
        lang=language,
        generator=generator_tag(GENERATOR),
        title=translate(TITLE),
        intro=intro,
        origin=_origin(done, translate),
        outro=translate(OUTRO),
        contents="\n".join(_contents(done, translate)),
        sections="\n".join(_chapters(done, fast, translate)),
    )
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _origin(done: Sequence[Done], translate: Translate) -> str:
    origins = [each.origin for each in done]
    dates = sorted({each.date for each in origins})
    return html.escape(
        translate(ORIGIN).format(
            dates=", ".join(dates),
            processor=", ".join(dict.fromkeys(each.processor for each in origins)),
            versions=", ".join(dict.fromkeys(each.versions for each in origins)),
            hours=f"{sum(each.seconds for each in done) / 3600:.1f}",
        )
    )


def _contents(done: Sequence[Done], translate: Translate) -> list[str]:
    lists = []
    for chapter, group in groupby(done, key=lambda each: each.experiment.chapter):
        entries = "\n".join(_entry(each, translate) for each in group)
        lists.append(f"<h2>{translate('Chapter {}').format(chapter)}</h2>\n<ul>\n{entries}\n</ul>")
    return lists


def _chapters(done: Sequence[Done], fast: bool, translate: Translate) -> list[str]:
    sections = []
    for chapter, group in groupby(done, key=lambda each: each.experiment.chapter):
        sections.append(f"<h2>{translate('Chapter {}').format(chapter)}</h2>")
        sections += [_section(each, fast, translate) for each in group]
    return sections


def _entry(done: Done, translate: Translate) -> str:
    experiment = done.experiment
    title = html.escape(translate(experiment.title))
    return f'<li><a href="#{experiment.name}">{title}</a>{_verdict(done, translate)}</li>'


def _section(done: Done, fast: bool, translate: Translate) -> str:
    experiment, result = done.experiment, done.result
    picture = base64.b64encode(done.picture.read_bytes()).decode()
    command = f"python -m zoo lab run {experiment.name}{' --fast' if fast else ''}"
    remark = f"<p>{html.escape(result.remark)}</p>" if result.remark else ""
    title = html.escape(translate(experiment.title))
    return f"""<section id="{experiment.name}">
<h3>{title}{_verdict(done, translate)}</h3>
<p>{html.escape(experiment.question)}</p>
<img src="data:image/png;base64,{picture}" alt="{title}">
{_table(result.checks, translate)}{remark}
<p><code>{command}</code> ({done.seconds:.0f} s)</p>
</section>"""


def _table(checks: Sequence[Check], translate: Translate) -> str:
    if not checks:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(check.what)}</td><td>{_number_text(check.ours)}</td>"
        f"<td>{_compared(check, translate)}</td><td>{_judged(check.agrees, translate)}</td></tr>"
        for check in checks
    )
    here, book = translate("here"), translate("the book")
    return f"<table><tr><th></th><th>{here}</th><th>{book}</th><th></th></tr>{rows}</table>"


def _number_text(value: float | str | None) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else html.escape(str(value))


def _compared(check: Check, translate: Translate) -> str:
    expected = _number_text(check.book)
    return f"{expected} <small>({translate('expected')})</small>" if check.expected else expected


def _judged(agrees: bool | None, translate: Translate) -> str:
    return {None: "", True: translate("agrees"), False: translate("differs")}[agrees]


def _verdict(done: Done, translate: Translate) -> str:
    verdict = done.result.verdict
    return f'<span class="verdict {verdict.replace(" ", "-")}">{translate(verdict)}</span>'

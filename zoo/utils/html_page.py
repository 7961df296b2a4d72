"""The frame of a page that is one HTML file: its style and its scripts inside, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from string import Template

from zoo.errors import RunError
from zoo.utils.regular import readable

_FRAME = Template("""<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$generator<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; $sources">
<title>$title</title>
$head<style>
$style
</style>
</head>
<body>
$body
<script>
"use strict";
$script
</script>
</body>
</html>
""")


def generator_tag(generator: str) -> str:
    """The tag by which a page says what wrote it.

    >>> generator_tag("zoo draw")
    '<meta name="generator" content="zoo draw">'
    """
    return f'<meta name="generator" content="{generator}">'


def check_ours(path: Path, generator: str) -> None:
    """Check that a page may be written: nothing is there, or what the same generator wrote.

    Args:
        path: Of the page.
        generator: What writes it, as its tag says.

    Raises:
        RunError: Something else is in the way.
    """
    try:
        if not path.exists():
            return
    except OSError:  # nobody may look: whoever writes says so
        return
    there = "" if path.is_dir() else readable(path).read_text(encoding="utf-8", errors="replace")
    if generator_tag(generator) not in there:
        raise RunError(
            f"{path} exists and was not written by `{generator}`: choose another --out, or move it "
            "away"
        )


def html_page(
    *,
    title: str,
    style: str,
    body: str,
    script: str,
    language: str = "en",
    generator: str = "",
    sources: str = "script-src 'unsafe-inline'",
    head: str = "",
) -> str:
    """A page as HTML.

    Args:
        title: Of the window, escaped.
        style: CSS.
        body: HTML.
        script: JavaScript, run in strict mode after the body.
        language: As HTML names it.
        generator: What wrote the page.
        sources: What the browser may load, beside the style: of a Content-Security-Policy.
        head: More tags for the head.
    """
    return _FRAME.substitute(
        language=language,
        generator=f"{generator_tag(generator)}\n" if generator else "",
        sources=sources,
        title=title,
        head=f"{head}\n" if head else "",
        style=style,
        body=body,
        script=script,
    )

"""The frame of a page that is one HTML file: its style and its scripts inside, nothing fetched."""

from __future__ import annotations

from string import Template

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

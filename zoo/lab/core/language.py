"""The languages of the lab's report and pages: gettext catalogues in zoo/locale, English without.

`python -m zoo.lab.core.language` compiles every zoo.po there into the zoo.mo that is read; it needs
Babel. To translate into a language of yours, copy zh/ and translate its zoo.po.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from pathlib import Path

from zoo.errors import UnknownNameError, nearest
from zoo.utils.extras import naming_extras

FOLDER = Path(__file__).parents[2] / "locale"
ENGLISH = "en"

Translate = Callable[[str], str]


def languages() -> list[str]:
    """The languages there are, English first.

    >>> languages()
    ['en', 'zh']
    """
    return [ENGLISH, *sorted(path.parent.parent.name for path in FOLDER.glob("*/*/zoo.mo"))]


def translator(language: str = ENGLISH) -> Translate:
    """A function from an English text to the same in `language`; a text that is missing stays.

    Raises:
        UnknownNameError: There is no catalogue of that language.

    >>> translator("zh")("Chapter {}")
    '第 {} 章'
    """
    if language == ENGLISH:
        return gettext.NullTranslations().gettext
    if language not in languages():
        close = nearest(language, languages())
        raise UnknownNameError(
            f"there is no language {language!r}.{close} There are: {', '.join(languages())}."
        )
    return gettext.translation("zoo", FOLDER, [language]).gettext


def compiled(path: Path) -> bytes:
    """The bytes of the .mo of a .po."""
    import io

    with naming_extras():
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

    with path.open("rb") as source:
        catalogue = read_po(source)
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def main() -> None:
    """Compile all catalogues."""
    from zoo.utils.atomic import atomic_write

    for path in sorted(FOLDER.glob("*/*/zoo.po")):
        with atomic_write(path.with_suffix(".mo")) as temporary:
            temporary.write_bytes(compiled(path))
        print(path.with_suffix(".mo"))


if __name__ == "__main__":
    main()

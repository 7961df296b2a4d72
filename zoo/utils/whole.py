"""Whole numbers in texts from outside: names of folders, addresses, headers, variables, options."""

from __future__ import annotations

LARGEST = 2**63 - 1


def whole_number(text: str, least: int = 0, most: int = LARGEST) -> int | None:
    """The number that a text spells in the digits 0 to 9, or None where it spells none in range.

    `int` alone takes signs, spaces, underscores and the digits of other scripts, too, and raises
    an error of its own from 4,300 digits on.

    >>> whole_number("12"), whole_number("12", most=11), whole_number("-1"), whole_number("")
    (12, None, None, None)
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(LARGEST)):
        return None
    number = int(text)
    return number if least <= number <= most else None

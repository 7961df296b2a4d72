"""Mutations of sound files: bytes changed, moved and cut, and values of JSON made awkward."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

# What a field of JSON is replaced by. The text of a number may be longer than Python converts.
AWKWARD = (
    *(None, True, -1, 0, 2**63, 10**400, 1e308, -0.0, 0.5),
    *("", "x", "\0", "\ud800", "../..", "9" * 5000),
    *([], {}, [[]], [None], {"": None}, {"kind": "os:abort"}, ["NaN"], "KerasFunction"),
)  # fmt: skip

EXTREMES = (b"\0", b"\xff", b"\xff" * 8, b"\0" * 8, b"\x80", b"\r\n", b",", b'"', b"9" * 400)

# For these the text is written as it is, since no JSON writer would.
UNWRITABLE = ("NaN", "Infinity", "-Infinity", "9" * 5000, "[" * 5000, "1e999", "'x'", "{")


def mutated(sound: bytes, generator: random.Random) -> bytes:
    """One to four changes of bytes, half of them in the first 200, where headers are."""
    content = bytearray(sound)
    for _ in range(generator.randint(1, 4)):
        reach = min(len(content), 200) if generator.random() < 0.5 else len(content)
        place = generator.randrange(max(reach, 1))
        kind = generator.randrange(6)
        if kind == 0 and content:
            content[place % len(content)] ^= 1 << generator.randrange(8)
        elif kind == 1:
            del content[place:]
        elif kind == 2:
            content[place : place + generator.randint(0, 9)] = generator.choice(EXTREMES)
        elif kind == 3:
            content[place:place] = generator.randbytes(generator.randint(1, 30))
        elif kind == 4:
            start = generator.randrange(len(content) + 1)
            content[place:place] = content[start : start + generator.randint(1, 300)]
        else:
            del content[place : place + generator.randint(1, 50)]
    return bytes(content)


def mutated_json(sound: bytes, generator: random.Random) -> bytes:
    """A JSON file with one value replaced, or a field deleted or added; or with changed bytes."""
    if generator.random() < 0.4:
        return mutated(sound, generator)
    plain = json.loads(sound)
    where, key = generator.choice(list(_places(plain)))
    kind = generator.random()
    if kind < 0.7:
        where[key] = copy.deepcopy(generator.choice(AWKWARD))
    elif kind < 0.85:
        del where[key]
    elif isinstance(where, dict):
        where[generator.choice(["", "extra", "kind", "class"])] = generator.choice(AWKWARD)
    else:
        where.insert(key, generator.choice(AWKWARD))
    return json.dumps(plain).encode()


def mutated_number(sound: bytes, generator: random.Random) -> bytes:
    """A JSON file in which one value stands that no writer of JSON would write."""
    plain = json.loads(sound)
    where, key = generator.choice(list(_places(plain)))
    where[key] = "@@@"
    return json.dumps(plain).replace('"@@@"', generator.choice(UNWRITABLE)).encode()


def _places(plain: Any) -> Any:
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain)
    for key, value in list(pairs):
        yield plain, key
        if isinstance(value, dict | list):
            yield from _places(value)


def mutated_line(sound: bytes, generator: random.Random) -> bytes:
    """Lines of JSON with one of them changed, left out or doubled; or with changed bytes."""
    if generator.random() < 0.3:
        return mutated(sound, generator)
    lines = sound.splitlines(keepends=True)
    number, kind = generator.randrange(len(lines)), generator.random()
    if kind < 0.1:
        del lines[number]
    elif kind < 0.2:
        lines.insert(generator.randrange(len(lines)), lines[number])
    else:
        change = mutated_json if kind < 0.7 else mutated_number
        lines[number] = change(lines[number].strip(), generator) + b"\n"
    return b"".join(lines)

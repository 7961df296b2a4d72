"""Letters A to Z drawn from the fonts of this machine, as a folder of pictures for `--data`.

    apt-get install fonts-dejavu fonts-liberation fonts-freefont-ttf fonts-lato fonts-urw-base35
    python -m benchmarks.letters letters
    python -m zoo data --data letters

Expect letters/train and letters/test, each with 26 sub-folders of PNG files of 32x32 pixels, light
ink on a dark ground, after half a minute. Families of one foundry, such as DejaVu Sans and DejaVu
Serif, are in one of the two: the test asks for letters in faces that were never seen. The same
fonts and the same seed make the same pictures.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from benchmarks.parsers import command_parser
from zoo.errors import DataError, ZooError
from zoo.utils.atomic import atomic_directory

LETTERS = string.ascii_uppercase
SIDE = 32

# Every third foundry, in the order of their names, is held out for the test.
HELD_OUT = 3

# Drawn larger and reduced, so that a turn leaves no jagged edges.
_OVERSAMPLED = 4
_NO_PLAIN_LETTERS = ("symbol", "dingbats", "math", "emoji", "icon", "keyboard", "initials", "d050")


def find_fonts(folder: Path) -> dict[str, list[Path]]:
    """The font files below a folder that have all 26 letters, by foundry, in the order of names.

    The foundry is taken to be the first word of the family's name. Raises DataError where there are
    fewer than three.
    """
    families: dict[str, list[Path]] = {}
    for path in sorted([*folder.rglob("*.ttf"), *folder.rglob("*.otf")]):
        try:
            # Opened here, since a font that cannot be parsed would leave its file open.
            with path.open("rb") as file, TTFont(file, lazy=True) as font:
                family = str(font["name"].getDebugName(16) or font["name"].getDebugName(1))
                complete = set(map(ord, LETTERS)) <= set(font.getBestCmap() or {})
        except (TTLibError, KeyError, OSError):
            continue  # a damaged file, or one of another kind
        if complete and not any(word in family.lower() for word in _NO_PLAIN_LETTERS):
            foundry = re.match(r"\w+", family)
            families.setdefault(foundry[0] if foundry else family, []).append(path)
    if len(families) < HELD_OUT:
        raise DataError(
            f"{folder} has fonts of {len(families)} foundries with the letters A to Z; at least"
            f" {HELD_OUT} are needed: apt-get install fonts-dejavu fonts-freefont-ttf fonts-lato"
        )
    return dict(sorted(families.items()))


def draw(letter: str, font: Path, generator: np.random.Generator, side: int = SIDE) -> Image.Image:
    """A letter in a font, grey: its size, place, slope and shades drawn at random.

    Args:
        letter: One character.
        font: The font's file.
        generator: What decides size (50 to 80 % of the side), place (up to 8 % off the middle),
            turn (up to 12 degrees) and the shades of ink, ground and noise.
        side: Pixels of the square picture.
    """
    large = side * _OVERSAMPLED
    face = ImageFont.truetype(str(font), int(large * generator.uniform(0.5, 0.8)))
    picture = Image.new("L", (large, large), 0)
    middle = large * (0.5 + generator.uniform(-0.08, 0.08, 2))
    left, top, right, bottom = face.getbbox(letter)
    corner = middle - ((left + right) / 2, (top + bottom) / 2)
    ImageDraw.Draw(picture).text(tuple(corner), letter, fill=255, font=face)
    picture = picture.rotate(generator.uniform(-12, 12), Image.Resampling.BILINEAR)
    ink = np.asarray(picture.resize((side, side), Image.Resampling.BOX)) / 255
    ground = generator.uniform(0, 60)
    pixels = ground + ink * (generator.uniform(150, 255) - ground)
    pixels += generator.normal(0, 5, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


def pictures(fonts: list[Path], count: int, seed: int) -> Iterator[tuple[str, int, Image.Image]]:
    """`count` pictures of each letter, with the letter and a number; the fonts take turns."""
    for place, letter in enumerate(LETTERS):
        generator = np.random.default_rng([seed, place])
        for number in range(count):
            yield letter, number, draw(letter, fonts[number % len(fonts)], generator)


def write(target: Path, fonts: Path, train: int, test: int, seed: int = 0) -> dict[str, list[str]]:
    """Write the folder `target`, whole or not at all; returns the foundries of each part.

    Raises DataError where the folder is there already, and where there are too few fonts.
    """
    if target.exists():
        raise DataError(f"{target} is there already: name a folder that is not.")
    families = find_fonts(fonts)
    names = list(families)
    parts = {
        "train": [name for place, name in enumerate(names) if place % HELD_OUT != HELD_OUT - 1],
        "test": names[HELD_OUT - 1 :: HELD_OUT],
    }
    with atomic_directory(target) as folder:
        for (part, chosen), count in zip(parts.items(), (train, test), strict=True):
            # Faces of all foundries take turns, so that one with many counts for no more.
            rows = [families[name] for name in chosen]
            longest = max(map(len, rows))
            turns = [row[turn % len(row)] for turn in range(longest) for row in rows]
            drawn = pictures(turns, count, seed + (part == "test"))
            for letter, number, picture in tqdm(drawn, part, total=26 * count, leave=False):
                path = folder / part / letter / f"{number:05}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path)
    return parts


def main(arguments: list[str] | None = None) -> int:
    """Write the folder, and tell which foundries are in which part."""
    parser = command_parser("benchmarks.letters", __doc__)
    parser.add_argument("folder", type=Path, help="to be written; it must not be there")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--train", type=int, default=1300, help="pictures a letter (default 1300)")
    parser.add_argument("--test", type=int, default=200, help="pictures a letter (default 200)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        parts = write(options.folder, options.fonts, options.train, options.test, options.seed)
    except (ZooError, OSError) as error:
        print(f"letters: {error}", file=sys.stderr)
        return 1
    for part, families in parts.items():
        print(f"{part}: fonts of {len(families)} foundries: {', '.join(families)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

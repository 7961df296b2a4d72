"""What several commands do."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

from zoo.errors import SpecError, UnknownNameError, ZooError
from zoo.utils.regular import is_readable_to_its_end
from zoo.utils.whole import whole_number

# Of whole numbers; and of `--seeds`: more runs than that nobody has.
_DIGITS, _MOST_SEEDS = 18, 100_000


def load_images(options: argparse.Namespace, run: Path | None = None):
    """The images that --data and the options about it name, with progress unless --quiet.

    Without --resize, pictures come to their size as those of `run` did, the folder of a finished
    run: a network is to see what it was trained on.
    """
    from zoo.data import load_data
    from zoo.training.run_record import read_run

    quiet = getattr(options, "quiet", False)
    resize = options.resize or (read_run(run / "run.json").resize if run else "stretch")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        data = load_data(
            options.data,
            source=options.source,
            progress=not quiet,
            size=options.size,
            channels=options.channels,
            resize=resize,
            cache=options.cache,
        )
    for warning in caught:
        print(f"zoo: {warning.message}", file=sys.stderr)
    return data


def add_picture_options(command: argparse.ArgumentParser) -> None:
    """Give a command the options that say how pictures of --data are read."""
    command.add_argument(
        "--size", type=_size, metavar="HxW", help="height and width of all pictures, as in 32x32"
    )
    command.add_argument("--channels", type=int, choices=(1, 3), help="1 for grey, 3 for colour")
    command.add_argument(
        "--resize",
        choices=("stretch", "crop", "pad"),
        help="how a picture comes to --size (default stretch, or what a trained run had)",
    )
    command.add_argument(
        "--cache", type=path, metavar="DIR", help="keep the images on this disk, not in memory"
    )


def path(text: str) -> Path:
    """The path that an option names; argparse.ArgumentTypeError where it is empty or a pipe.

    A pipe would be waited for, and a device may never end, or be replaced by a file.
    """
    named = picture(text)
    if not is_readable_to_its_end(named):
        raise argparse.ArgumentTypeError(f"{text} is a pipe or a device: name a file or a folder")
    return named


def picture(text: str) -> Path:
    """The path of a picture: whether it can be read is told beside the others' answers.

    An empty one, as from a variable that is not set, would mean the current folder: that is
    refused by an argparse.ArgumentTypeError.
    """
    if not text:
        raise argparse.ArgumentTypeError("must be a path, not ''; the current folder is .")
    return Path(nonempty(text))


def nonempty(text: str) -> str:
    """A text that is not empty and can be in a path; argparse.ArgumentTypeError otherwise."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    if "\0" in text:
        raise argparse.ArgumentTypeError("must not contain the character 0")
    return text


def count(text: str) -> int:
    """A whole number from 1 up; argparse.ArgumentTypeError otherwise."""
    number = whole_number(text, least=1)
    if number is None:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, not {text[:40]!r}")
    return number


def seed(text: str) -> int:
    """A whole number from 0 up; argparse.ArgumentTypeError otherwise."""
    number = whole_number(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 up, not {text[:40]!r}")
    return number


def port(text: str) -> int:
    """The number of a port, 0 for any free one; argparse.ArgumentTypeError otherwise."""
    number = whole_number(text, most=65535)
    if number is None:
        raise argparse.ArgumentTypeError(f"must be a whole number 0 to 65535, not {text[:40]!r}")
    return number


def seeds(text: str) -> list[int]:
    """Seeds as in 0-9,12; argparse.ArgumentTypeError otherwise."""
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"must be as in 0-9,12, not {text!r}")
    if max(map(len, re.findall(r"\d+", text))) > _DIGITS:
        raise argparse.ArgumentTypeError(f"must be of at most {_DIGITS} digits each")
    parts = (part.partition("-") for part in text.split(","))
    ranges = [range(int(first), int(last or first) + 1) for first, _, last in parts]
    if sum(map(len, ranges)) > _MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"must name at most {_MOST_SEEDS:,} seeds")
    return [seed for seeds in ranges for seed in seeds]


def _size(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"[1-9]\d{0,3}x[1-9]\d{0,3}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"must be HEIGHTxWIDTH, as in 32x32, not {text!r}")
    height, width = text.split("x")
    return int(height), int(width)


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of a recipe that --set, --epochs and --limit change.

    Raises SpecError where --set is given something else than SETTING=VALUE.
    """
    changed: dict[str, Any] = {}
    for assignment in options.set:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise SpecError(
                f"--set takes SETTING=VALUE, as in learning_rate=0.5, not {assignment!r}"
            )
        try:
            changed[name] = json.loads(value.lower() if value in ("True", "False") else value)
        except (ValueError, RecursionError):
            changed[name] = value  # a word, as in cost=quadratic
    if options.epochs is not None:
        changed["epochs"] = options.epochs
    if options.limit is not None:
        changed["images"] = options.limit
    return changed


def add_command(choices, name: str, run, help: str) -> argparse.ArgumentParser:
    """Add a command that calls `run` with the options."""
    command = choices.add_parser(name, help=help, description=help)
    command.set_defaults(command=run)
    add_output_options(command)
    return command


def add_output_options(command: argparse.ArgumentParser) -> None:
    """Give a command -q and -v."""
    command.add_argument("-q", "--quiet", action="store_true", help="no progress")
    command.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show what TensorFlow and the converters say, too",
    )


def add_recipe_options(command: argparse.ArgumentParser) -> None:
    """Give a command the options that change a recipe."""
    command.add_argument("--seed", type=seed, default=0, metavar="S", help="default 0")
    command.add_argument("--epochs", type=int, help="in place of the recipe's")
    command.add_argument("--limit", type=int, metavar="N", help="the first N training images only")
    command.add_argument(
        "--set",
        metavar="SETTING=VALUE",
        action="append",
        default=[],
        help="change a setting of the recipe, as in learning_rate=0.5; may be given again",
    )


def add_data_options(command: argparse.ArgumentParser) -> None:
    """Give a command the options that say which images it takes."""
    summary = (
        "mnist, a folder of pictures (one sub-folder per class) or IDX files, .npz, or a TFDS name"
    )
    command.add_argument("--data", type=nonempty, default="mnist", help=summary)
    add_picture_options(command)
    command.add_argument(
        "--source", type=path, metavar="DIR", help="folder with MNIST's files, or mnist.pkl.gz"
    )


def data_words(options: argparse.Namespace) -> str:
    """The options about images, as they were given; empty where they are the defaults."""
    given = {"data": options.data} if options.data != "mnist" else {}
    if options.size:
        given["size"] = "x".join(str(side) for side in options.size)
    others = ("resize", "channels", "cache", "source")
    given |= {name: getattr(options, name) for name in others}
    return shlex.join(
        word for name, value in given.items() if value for word in (f"--{name}", str(value))
    )


def import_module(module: str) -> None:
    """Import a module of the reader's, from the current folder too, for what it registers.

    Raises:
        UnknownNameError: It cannot be imported, whatever it raises.
    """
    sys.path.insert(0, str(Path.cwd()))
    try:
        importlib.import_module(module)
    except ZooError:
        raise
    except Exception as error:  # whatever a module of the reader's may raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnknownNameError(
            f"--import {module}: {reason[:300]} (give the name of a module, as in my_networks; "
            f'`python -c "import {module}"` shows where it fails)'
        ) from error

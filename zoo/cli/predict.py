"""The command `predict`: it says what pictures show, without TensorFlow where it can."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.cli.checks import check_run, check_weights
from zoo.errors import RunError, SpecError, ZooError
from zoo.registry import get_spec
from zoo.spec import IMAGE_SHAPE, FunctionSpec, NetworkSpec
from zoo.utils.regular import is_readable_to_its_end

# The names of zoo.data.pictures, which takes NumPy to import.
RESIZE = ("stretch", "crop", "pad")

# One image, uint8 [height, width, channels], to its probabilities and the label of the answer.
Answer = Callable[[Any], tuple[Any, int]]


@dataclass(frozen=True)
class _Asked:
    """Which network is asked, the names of its classes, and how pictures come to its size.

    One that `reads_digits` sees pictures cropped, inverted and centred as MNIST's digits are.
    """

    spec: NetworkSpec
    run: Path | None
    names: tuple[str, ...]
    resize: str
    reads_digits: bool


def predict(options: argparse.Namespace) -> int:
    """Say what each picture shows; exit code 1 if one of them cannot be read."""
    if "numpy" not in sys.modules:  # to wake more threads costs more than they save on a picture
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    asked = _asked(options)
    if options.all and not asked.reads_digits:
        raise SpecError(f"--all finds digits, and {asked.spec.name} tells other classes apart")
    if options.resize and asked.reads_digits:
        raise SpecError(
            f"--resize is for other pictures: for {asked.spec.name} a digit is found and centred"
        )
    pictures = [_read(path, asked, options.all) for path in options.files]
    places = _places(options, [len(images) for _, images in pictures])
    answer = _network(asked) if any(images for _, images in pictures) else None
    records: list[dict[str, Any]] = []
    for path, (error, images), seen in zip(options.files, pictures, places, strict=True):
        if error:
            records.append({"file": str(path), "error": error})
        for (image, box), place in zip(images, seen, strict=True):
            assert answer is not None  # there are images
            record: dict[str, Any] = {"file": str(path), **({"box": list(box)} if box else {})}
            records.append(record | _shown(image, place) | _answered(asked, *answer(image)))
    if options.json:
        print(json.dumps(records, indent=2))
    else:
        for record in records:
            print(f"{record['file']}: {record.get('error') or _sentence(record)}")
    return 1 if any("error" in record for record in records) else 0


def _asked(options: argparse.Namespace) -> _Asked:
    spec = get_spec(options.name)
    if options.run is None:
        check_weights(spec)
        names = tuple(map(str, range(spec.output_classes)))
        digits = spec.input.shape == IMAGE_SHAPE and spec.output_classes == 10
        return _Asked(spec, None, names, options.resize or RESIZE[0], digits)
    check_run(options.run, spec)
    from zoo.training.run_record import read_run

    run = read_run(options.run / "run.json")
    resize = options.resize or run.resize
    return _Asked(run.network, options.run, run.classes, resize, run.reads_digits)


def _read(path: Path, asked: _Asked, several: bool) -> tuple[str, list[tuple[Any, Any]]]:
    """The images of a picture, each with the box of its digit if asked; or why there are none."""
    if reason := _why_closed(path):
        return reason, []
    try:
        if not asked.reads_digits:
            from zoo.data.pictures import PictureFormat, read_picture

            *size, channels = asked.spec.input.shape
            form = PictureFormat((size[0], size[1]), channels, asked.resize)  # type: ignore[arg-type]
            return "", [(read_picture(path, form), None)]
        from zoo.data.photos import digit_images, one_digit

        digits = digit_images(path) if several else [one_digit(path)]
        return "", [(digit.image, digit.box if several else None) for digit in digits]
    except (ZooError, OSError) as error:
        return str(error), []


def _why_closed(path: Path) -> str:
    """Why a file cannot be opened, or nothing; asked first, since decoders take long to import."""
    if not is_readable_to_its_end(path):
        return ""  # left to them: it must not be opened
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return f"Cannot read {path}: {reason}. Name a PNG, JPEG, WebP, TIFF, GIF or BMP file."
    return ""


def _network(asked: _Asked) -> Answer:
    """The network in NumPy, or in Keras where a function or a layer of one's own builds it."""
    if not isinstance(asked.spec, FunctionSpec):
        from zoo.pretrained import forward

        try:
            network = forward.load_run(asked.run) if asked.run else forward.load(asked.spec)
        except SpecError:
            return _in_keras(asked)

        def in_numpy(image):
            answers = network.predict(image[None])
            return answers.probabilities[0], int(answers.digits[0])

        return in_numpy
    return _in_keras(asked)


def _in_keras(asked: _Asked) -> Answer:
    from zoo.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from zoo.nn.voting import with_named_outputs
    from zoo.pretrained.models import load
    from zoo.training.run_folder import load_run

    model = with_named_outputs(load_run(asked.run)[1] if asked.run else load(asked.spec))

    def in_keras(image):
        outputs = model.predict(image[None], verbose=0)
        return outputs["probabilities"][0], int(outputs["digit"][0])

    return in_keras


def _places(options: argparse.Namespace, counts: list[int]) -> list[list[Path | None]]:
    """Where to write what the network sees of each image; files of one name get a number.

    Args:
        options: Of the command.
        counts: How many images each file has.

    Raises:
        RunError: Something is there already, and may not be replaced.
    """
    if options.show is None:
        return [[None] * count for count in counts]
    places: list[list[Path | None]] = []
    alike: Counter[str] = Counter()
    for path, count in zip(options.files, counts, strict=True):
        alike[path.stem] += 1
        number = f"-{alike[path.stem]}" if alike[path.stem] > 1 else ""
        ends = ("", *(f"-digit{digit}" for digit in range(2, count + 1)))[:count]
        seen = [options.show / f"{path.stem}-seen{number}{end}.png" for end in ends]
        for place in seen:
            _check_free(place, options)
        places.append([*seen])
    return places


def _check_free(place: Path, options: argparse.Namespace) -> None:
    if place.resolve() in {path.resolve() for path in options.files}:
        raise RunError(f"{place} is one of the pictures themselves: choose another folder")
    if os.path.lexists(place) and not options.overwrite:
        raise RunError(f"{place} exists already: --overwrite replaces it, or choose another folder")


def _shown(image, seen: Path | None) -> dict[str, Any]:
    if seen is None:
        return {}
    from zoo.evaluation.plots import save_image

    save_image(image, seen)
    return {"seen": str(seen)}


def _answered(asked: _Asked, probabilities, label: int) -> dict[str, Any]:
    confidence = {"confidence": round(float(probabilities[label]), 4)}
    rounded = [round(float(each), 6) for each in probabilities]
    if asked.names == tuple("0123456789"):
        return {"digit": label, **confidence, "probabilities": rounded}
    shares = dict(zip(asked.names, rounded, strict=True))
    return {"class": asked.names[label], **confidence, "probabilities": shares}


def _sentence(record: dict[str, Any]) -> str:
    seen = f", seen as {record['seen']}" if "seen" in record else ""
    box = record.get("box")
    where = f", from ({box[0]}, {box[1]}) to ({box[2]}, {box[3]})" if box else ""
    confidence = f"{record['confidence']:.2%}".replace("%", " %")
    answer = record["class"] if "class" in record else record["digit"]
    return f"{answer}, confidence {confidence}{where}{seen}"

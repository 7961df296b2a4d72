"""The command `predict`: it reads the digits in pictures, without TensorFlow where it can."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.cli.checks import check_weights
from zoo.errors import ZooError
from zoo.registry import get_spec
from zoo.spec import FunctionSpec

# One image, uint8 [28, 28, 1], to its ten probabilities and the digit that the network answers.
Answer = Callable[[Any], tuple[Any, int]]


def predict(options: argparse.Namespace) -> int:
    """Read the digit in each picture; exit code 1 if one of them shows none."""
    spec = get_spec(options.name)
    check_weights(spec)
    pictures = [_read(path, options.all) for path in options.files]
    answer = _network(spec) if any(digits for _, digits in pictures) else None
    records = []
    for (path, (error, digits)), seen in zip(
        zip(options.files, pictures, strict=True), _seen(options), strict=True
    ):
        if error:
            records.append({"file": str(path), "error": error})
        for number, digit in enumerate(digits, start=1):
            assert answer is not None  # there are digits
            place = seen and (seen if number == 1 else seen.with_stem(f"{seen.stem}-{number}"))
            records.append(_record(path, digit, answer, place, boxed=options.all))
    if options.json:
        print(json.dumps(records, indent=2))
    else:
        for record in records:
            print(f"{record['file']}: {record.get('error') or _sentence(record)}")
    return 1 if any("error" in record for record in records) else 0


def _read(path: Path, several: bool) -> tuple[str, list[Any]]:
    """The digits of a picture, or why there are none."""
    from zoo.data.photos import digit_images, one_digit

    try:
        return "", digit_images(path) if several else [one_digit(path)]
    except (ZooError, OSError) as error:
        return str(error), []


def _network(spec) -> Answer:
    """The pretrained network: in NumPy, or in Keras where a Keras function builds it."""
    if not isinstance(spec, FunctionSpec):
        from zoo.pretrained.forward import load

        network = load(spec)

        def in_numpy(image):
            answers = network.predict(image[None])
            return answers.probabilities[0], int(answers.digits[0])

        return in_numpy

    from zoo.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from zoo.nn.voting import with_named_outputs
    from zoo.pretrained.models import load as load_keras

    model = with_named_outputs(load_keras(spec))

    def in_keras(image):
        outputs = model.predict(image[None], verbose=0)
        return outputs["probabilities"][0], int(outputs["digit"][0])

    return in_keras


def _seen(options: argparse.Namespace) -> list[Path | None]:
    # Where to write what the network sees of each file; files of one name get a number.
    if options.show is None:
        return [None for _ in options.files]
    paths: list[Path | None] = []
    counts: Counter[str] = Counter()
    for path in options.files:
        counts[path.stem] += 1
        number = f"-{counts[path.stem]}" if counts[path.stem] > 1 else ""
        paths.append(options.show / f"{path.stem}-seen{number}.png")
    return paths


def _record(path: Path, digit, answer: Answer, seen: Path | None, *, boxed: bool) -> dict[str, Any]:
    record: dict[str, Any] = {"file": str(path)}
    if boxed:
        record["box"] = list(digit.box)
    if seen:
        from zoo.evaluation.plots import save_image

        save_image(digit.image, seen)
        record["seen"] = str(seen)
    probabilities, answered = answer(digit.image)
    record |= {"digit": answered, "confidence": round(float(probabilities[answered]), 4)}
    return record | {"probabilities": [round(float(each), 6) for each in probabilities]}


def _sentence(record: dict[str, Any]) -> str:
    seen = f", seen as {record['seen']}" if "seen" in record else ""
    box = record.get("box")
    where = f", from ({box[0]}, {box[1]}) to ({box[2]}, {box[3]})" if box else ""
    confidence = f"{record['confidence']:.2%}".replace("%", " %")
    return f"{record['digit']}, confidence {confidence}{where}{seen}"

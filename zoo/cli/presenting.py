"""What a person sees of a trained network: its score beside the book's, confusions, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from zoo.cli.figures import answers_record, claim_record, print_json
from zoo.data import Data
from zoo.data.mnist_files import is_mnist
from zoo.evaluation import plots
from zoo.evaluation.diversity import diversity
from zoo.evaluation.scores import Predictions, Score, confusion_table, predict
from zoo.registry import get_spec, list_models
from zoo.spec import Claim, NetworkSpec
from zoo.training.job import TrainResult
from zoo.training.run_files import CURVES, WRONG


def present(result: TrainResult, data: Data, folder: Path, *, as_json: bool = False) -> None:
    """Print how a run went and how its model scores, and draw pictures into the run's folder."""
    epoch = 0 if result.spec.members else result.best_epoch
    if not as_json:
        _print_run(result)
    answers = present_model(
        result.spec, result.model, data, folder, epoch, run=_run(result) if as_json else None
    )
    claim = result.spec.claim if is_mnist(data) and not as_json else None
    if claim and claim.accuracy and (measured := result.measured(claim)) is not None:
        print(f"measured as the book does, on the {_protocol(claim)}: {_percent(measured)}")
    if not epoch:
        return
    curves = folder / CURVES
    title = f"{result.spec.name}, seed {result.seed}: {answers.score} on the test images"
    plots.learning_curves(result.history, curves, title=title, best_epoch=epoch)
    if not as_json:
        print(f"learning curves: {curves}")


def present_model(
    spec: NetworkSpec,
    model: keras.Model,
    data: Data,
    folder: Path,
    epoch: int = 0,
    *,
    run: dict[str, Any] | None = None,
) -> Predictions:
    """Print a model's score on the test images, and draw the ones it missed.

    The book's figure stands beside it where the images are MNIST's.

    Args:
        spec: What the model was built from.
        model: A trained one.
        data: It is scored on the test images.
        folder: For the picture.
        epoch: The best validation epoch, where it is known.
        run: What a record in JSON has besides; None prints text.
    """
    answers = predict(model, data.test)
    wrong = folder / WRONG
    # Figures come first: whoever trained for hours has them where a picture cannot be drawn.
    if run is not None:
        print_json(
            {
                "name": spec.name,
                "spec_hash": spec.hash,
                **run,
                "test": answers_record(answers),
                "book": claim_record(spec.claim if is_mnist(data) else None),
                "folder": str(folder),
            }
        )
    else:
        _print_answers(spec, model, data, answers, epoch)
    plots.wrong_digits(data.test, answers, wrong, title=spec.name, names=data.class_names)
    if run is None and len(answers.misclassified):
        print(f"\nthe images it got wrong: {wrong}")
    return answers


def _print_answers(
    spec: NetworkSpec, model: keras.Model, data: Data, answers: Predictions, epoch: int
) -> None:
    when = f" after its best validation epoch, {epoch}" if epoch else ""
    print(f"\n{spec.name} on the test images{when}")
    print(f"  here      {answers.score}, {_interval(answers.score)}")
    if is_mnist(data):
        print(f"  the book  {_claimed(spec)}")
    else:
        print(f"  the book  has no figure for {data.name}")
    print()
    print(confusion_table(answers.confusion(), data.class_names))
    if spec.members:
        print(f"\n{diversity(model, data.test)}")


def _claimed(spec: NetworkSpec) -> str:
    """The book's figure, and whether it is of another recipe or other layers than these."""
    declared = get_spec(spec.name) if spec.name in list_models() else spec
    same = declared.hash == spec.hash
    return f"{spec.claim or 'no figure'}{'' if same or not spec.claim else ', by its own recipe'}"


def _print_run(result: TrainResult) -> None:
    speed = f"{result.images_per_second:,.0f} images a second"
    count = len(result.history)
    epochs = "all members" if result.spec.members else f"{count} epoch{'' if count == 1 else 's'}"
    print(f"\n{epochs} in {result.seconds:.1f} s, {speed}, validation included")
    print_devices(result.devices)
    if result.diverged:
        print(f"diverged: the cost of epoch {len(result.history)} was no longer a number")


def print_devices(devices: tuple[int, ...]) -> None:
    """Print how many devices shared the mini-batches of a run, where that was more than one."""
    if devices != (1,):
        print(f"devices that shared each mini-batch: {', then '.join(map(str, devices))}")


def _run(result: TrainResult) -> dict[str, Any]:
    claim = result.spec.claim
    measured = result.measured(claim) if claim and claim.accuracy else None
    return {
        "seed": result.seed,
        "epochs": len(result.history),
        "best_epoch": result.best_epoch,
        "seconds": result.seconds,
        "images_per_second": result.images_per_second,
        "diverged": result.diverged,
        "devices": [*result.devices],
        "measured_as_the_book_does": None if measured is None else 100 * measured,
    }


def _protocol(claim: Claim) -> str:
    return f"{claim.on} images at the {claim.protocol}"


def _interval(score: Score) -> str:
    low, high = score.interval()
    return f"95 % interval {100 * low:.2f} to {100 * high:.2f} %"


def _percent(accuracy: float) -> str:
    return f"{100 * accuracy:.2f} %"

"""What a network's folder is made of: pretrained weights, a finished run, or a model."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.data.dataset import DIGIT_NAMES
from zoo.errors import SpecError
from zoo.nn.builder import build_model
from zoo.nn.nested import activations
from zoo.pretrained.hub_folder import CARD
from zoo.pretrained.manifest import entry_of, verify, weights_file
from zoo.registry import get_spec
from zoo.spec import NetworkSpec
from zoo.spec.validation import as_tuple, shown
from zoo.training import weights
from zoo.training.job import TrainResult
from zoo.training.run_folder import load_run
from zoo.training.run_record import read_run

_CARD = """\
---
library_name: keras
pipeline_tag: image-classification
tags: [neural-networks-and-deep-learning]
---

# {name}

{summary}A network{parameters}, trained with neural-zoo.

```python
import zoo

# a keras.Model: bytes {images} in, a number for each of {classes} classes out
model = zoo.load("hf://owner/name")  # or the path of this folder
```

{facts}

The classes, in the order of the outputs:

```json
{names}
```
"""


@dataclass(frozen=True)
class Contents:
    """What goes into a folder; `write_weights` writes a safetensors file to a path."""

    spec: NetworkSpec
    class_names: tuple[str, ...]
    card: str
    write_weights: Callable[[Path], object]


def contents_of(
    source: str | os.PathLike | TrainResult | keras.Model,
    spec: str | NetworkSpec | None,
    class_names: Sequence[str],
) -> Contents:
    """The checked contents of a network's folder.

    Args:
        source: The name of a pretrained network, the folder of a finished run, a result of
            `zoo.train`, or a model. A string is a folder where it has a separator in it or a
            `run.json`.
        spec: What a model was built from, by name or declaration; None for any other source.
        class_names: Of a model's outputs, in order; none gives the digits' names to ten classes,
            and numbers to any other count. Empty for any other source.

    Raises:
        SpecError: spec or class_names are missing, superfluous or do not fit the model.
        UnknownNameError: There is no pretrained network of the name.
        RunError: The run or the pretrained weights are damaged, or a weight is not finite.
    """
    if isinstance(source, keras.Model):
        if spec is None:
            raise SpecError("give the name or declaration that the model was built from: spec=...")
        names = as_tuple(class_names)
        if names is None or not all(isinstance(name, str) for name in names):
            raise SpecError(f"class_names are words, one a class, not {shown(class_names)}")
        return _of_model(source, get_spec(spec), names)
    if spec is not None or class_names:
        raise SpecError("spec and class_names go with a model: of other sources they are known")
    if isinstance(source, TrainResult):
        facts = _facts(source.seed, source.best_epoch, source.history)
        return _of_model(source.model, source.spec, source.class_names, facts)
    if not isinstance(source, str | os.PathLike):
        raise SpecError(
            "push takes a network's name, the folder of a run, what zoo.train returned or a model, "
            f"not {shown(source)}"
        )
    if isinstance(source, os.PathLike) or os.sep in source or (Path(source) / "run.json").is_file():
        return _of_run(Path(source).expanduser())
    return _pretrained(source)


def _pretrained(name: str) -> Contents:
    entry = entry_of(name)
    path = weights_file(entry)
    verify(path, entry)
    spec = entry.trained_by
    names = tuple(map(str, range(spec.output_classes)))
    text = path.with_name(CARD).read_text(encoding="utf-8")
    return Contents(spec, names, text, lambda place: shutil.copyfile(path, place))


def _of_run(folder: Path) -> Contents:
    spec, _ = load_run(folder)  # which checks the weights
    run = read_run(folder / "run.json")
    facts = _facts(run.seed, run.best_epoch, run.history)
    names = run.class_names or _names(spec)
    path = folder / "weights.safetensors"
    return Contents(
        spec, names, _card(spec, names, facts), lambda place: shutil.copyfile(path, place)
    )


def _of_model(
    model: keras.Model,
    spec: NetworkSpec,
    class_names: tuple[str, ...],
    facts: Mapping[str, str] = {},
) -> Contents:
    declared = build_model(spec, draw_weights=False)
    expected = weights.shapes(declared.weights)
    shapes = weights.shapes(model.weights)
    if shapes != expected:
        odd = min(set(shapes.items()) ^ set(expected.items()))[0]
        raise SpecError(f"the model has other layers than {spec.name} declares: see {odd}")
    found, wanted = activations(model), activations(declared)
    if found != wanted:
        raise SpecError(
            f"the model has the activations {', '.join(found)}, and {spec.name} declares "
            f"{', '.join(wanted)}"
        )
    arrays = weights.arrays(model.weights)
    tensors = {name: array.astype(np.float32) for name, array in arrays.items()}
    weights.check_finite(tensors, "the model")
    names = class_names or _names(spec)
    if len(names) != spec.output_classes:
        raise SpecError(f"{len(names)} class_names for the {spec.output_classes} of {spec.name}")
    metadata = {"spec_hash": spec.hash, "name": spec.name}
    return Contents(
        spec,
        names,
        _card(spec, names, facts),
        lambda place: weights.write(place, tensors, metadata),
    )


def _names(spec: NetworkSpec) -> tuple[str, ...]:
    digits = spec.output_classes == len(DIGIT_NAMES)
    return DIGIT_NAMES if digits else tuple(map(str, range(spec.output_classes)))


def _facts(seed: int, best_epoch: int, history: Sequence[Mapping]) -> dict[str, str]:
    facts = {"run": f"seed {seed}, after its best validation epoch, {best_epoch} of {len(history)}"}
    if best_epoch:
        accuracy = 100 * history[best_epoch - 1]["val_accuracy"]
        facts["validation images"] = f"{accuracy:.2f} % correct"
    return facts


def _card(spec: NetworkSpec, names: Sequence[str], facts: Mapping[str, str]) -> str:
    rows = {**facts, "declaration": f"`{spec.name}`, SHA-256 `{spec.hash}`"}
    summary = " ".join(spec.summary.split())
    return _CARD.format(
        name=spec.name,
        summary=f"{summary[:1].upper()}{summary[1:]}. " if summary else "",
        parameters="" if spec.parameters is None else f" of {spec.parameters:,} parameters",
        images=f"[n, {', '.join(map(str, spec.input.shape))}]",
        classes=spec.output_classes,
        facts="\n".join(["| | |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows.items())]),
        names=json.dumps(list(names), ensure_ascii=False),
    )

"""Model cards: what a pretrained network is, how it was made and how it does, in Markdown.

The front matter is the Hugging Face hub's, so that a card can go up there as it is.
"""

from __future__ import annotations

from zoo.errors import UnknownNameError
from zoo.evaluation.scores import Predictions, confusion_table
from zoo.networks import NETWORKS
from zoo.pretrained.manifest import Entry
from zoo.quoted_networks import QUOTED_NETWORKS
from zoo.registry import get_spec
from zoo.spec import Claim, NetworkSpec

TEXT = """\
---
license: apache-2.0
library_name: keras
pipeline_tag: image-classification
datasets: [{data_name}]
metrics: [accuracy]
tags: [{data_name}, digits, neural-networks-and-deep-learning]
model-index:
- name: {name}
  results:
  - task: {{type: image-classification}}
    dataset: {{name: {title}, type: {data_name}, split: test}}
    metrics: [{{type: accuracy, value: {accuracy}, verified: false}}]
---

# {name}

{summary}{parameters}{source}.

```python
import zoo

# a keras.Model: bytes (n, 28, 28, 1) in, ten numbers an image out
model = zoo.load("{name}")
```

| | |
| --- | --- |
| test images | {score}, 95 % interval {low:.2f} to {high:.2f} % |
| validation images | {validation:,} / {validation_total:,} |
| the book | {claim} |
| recipe | {recipe} |
| run | seed {seed}, {epochs} |
| weights | {precision}, {size:,} bytes, SHA-256 `{sha256}` |
| spec | `{spec_hash}` |
| data | `{data}` |
| made with | {versions} |

## What it confuses

{wrong}

```text
{confusion}
```

## Use, and limits

Made for readers of the book: to look at, to measure, to fine-tune. It knows single handwritten
digits as {title} has them: white on black, 20 pixels high, centred by mass in 28x28; `python -m zoo
predict` brings other images into that form. It has no answer for "no digit", its probabilities are
those of its training and not of your data, and small changes made on purpose can fool it. It is
not for reading anything that matters to somebody without a person who looks.
"""


def card(entry: Entry, answers: Predictions, data_name: str = "mnist") -> str:
    """The card of a pretrained network.

    Args:
        entry: The network's entry of the manifest.
        answers: Its predictions for the test images.
        data_name: Of the images that it was trained on.

    Returns:
        Markdown, with front matter that the Hugging Face hub reads.
    """
    low, high = entry.score.interval()
    architecture = _of_the_book(entry)
    count = architecture.parameters  # None where only Keras can count them
    named = any(spec.name == architecture.name for spec in (*NETWORKS, *QUOTED_NETWORKS))
    return TEXT.format(
        name=entry.name,
        accuracy=f"{entry.score.accuracy:.4f}",
        summary=architecture.summary[:1].upper() + architecture.summary[1:],
        parameters="" if count is None else f", with {count:,} parameters",
        source=", from *Neural Networks and Deep Learning* (M. Nielsen)" if named else "",
        title={"mnist": "MNIST"}.get(data_name, data_name),
        data_name=data_name,
        score=entry.score,
        low=100 * low,
        high=100 * high,
        validation=entry.validation,
        validation_total=entry.validation_total,
        claim=_claim(architecture.claim),
        recipe=_recipe(entry, architecture),
        seed=entry.seed,
        epochs=_epochs(entry),
        precision={"F16": "half precision", "F32": "single precision"}[entry.precision],
        size=entry.size,
        sha256=entry.sha256,
        spec_hash=entry.spec_hash,
        data=entry.data,
        versions=", ".join(f"{name} {number}" for name, number in entry.versions.items()),
        wrong=(
            f"{len(answers.misclassified)} of {len(answers.true):,} test images are answered "
            "wrongly."
        ),
        confusion=confusion_table(answers.confusion()),
    )


def _of_the_book(entry: Entry) -> NetworkSpec:
    """The declaration with the book's figure: its own, or that of its architecture's own recipe."""
    trained_by = entry.trained_by
    if trained_by.claim is not None and _is_the_books(trained_by):
        return trained_by
    try:
        return get_spec(entry.architecture)
    except UnknownNameError:  # a recipe alone may be registered
        return trained_by


def _claim(claim: Claim | None) -> str:
    if claim is None:
        return "no figure"
    return f"{claim}; {claim.note}" if claim.note else str(claim)


def _recipe(entry: Entry, architecture: NetworkSpec) -> str:
    trained_by = entry.trained_by
    if trained_by.hash == architecture.hash:
        whose = "the book's" if _is_the_books(trained_by) else "ours"
        return f"`{trained_by.name}`, {whose}"
    return f"`{trained_by.name}`, **not the book's**: {trained_by.summary}"


def _is_the_books(spec: NetworkSpec) -> bool:
    return any(declared.hash == spec.hash for declared in NETWORKS)


def _epochs(entry: Entry) -> str:
    epochs = entry.trained_by.recipe.epochs
    if entry.trained_by.members:
        return f"members after their best validation epochs of {epochs}"
    return f"after its best validation epoch, {entry.best_epoch} of {epochs}"

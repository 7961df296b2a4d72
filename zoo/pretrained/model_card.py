"""Model cards: what a pretrained network is, how it was made and how it does, in Markdown.

The front matter is the Hugging Face hub's, so that a card can go up there as it is.
"""

from __future__ import annotations

from zoo.evaluation.scores import Predictions, confusion_table
from zoo.pretrained.manifest import Entry
from zoo.spec import Claim, NetworkSpec

TEXT = """\
---
license: apache-2.0
library_name: keras
pipeline_tag: image-classification
datasets: [mnist]
metrics: [accuracy]
tags: [mnist, digits, neural-networks-and-deep-learning]
model-index:
- name: {name}
  results:
  - task: {{type: image-classification}}
    dataset: {{name: MNIST, type: mnist, split: test}}
    metrics: [{{type: accuracy, value: {accuracy}, verified: false}}]
---

# {name}

{summary}, with {parameters:,} parameters, from *Neural Networks and Deep Learning* (M. Nielsen).

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
digits as MNIST has them: white on black, 20 pixels high, centred by mass in 28x28; `python -m zoo
predict` brings other images into that form. It has no answer for "no digit", its probabilities are
those of its training and not of your data, and small changes made on purpose can fool it. It is
not for reading anything that matters to somebody without a person who looks.
"""


def card(entry: Entry, architecture: NetworkSpec, answers: Predictions) -> str:
    """The card of a pretrained network.

    Args:
        entry: The network's entry of the manifest.
        architecture: Its declaration with the book's recipe and figure.
        answers: Its predictions for the test images.

    Returns:
        Markdown, with front matter that the Hugging Face hub reads.
    """
    low, high = entry.score.interval()
    return TEXT.format(
        name=entry.name,
        accuracy=f"{entry.score.accuracy:.4f}",
        summary=architecture.summary[:1].upper() + architecture.summary[1:],
        parameters=architecture.parameters,
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


def _claim(claim: Claim | None) -> str:
    if claim is None:
        return "no figure"
    return f"{claim}; {claim.note}" if claim.note else str(claim)


def _recipe(entry: Entry, architecture: NetworkSpec) -> str:
    trained_by = entry.trained_by
    if trained_by.hash == architecture.hash:
        return f"`{trained_by.name}`, the book's"
    return f"`{trained_by.name}`, **not the book's**: {trained_by.summary}"


def _epochs(entry: Entry) -> str:
    epochs = entry.trained_by.recipe.epochs
    if entry.trained_by.members:
        return f"members after their best validation epochs of {epochs}"
    return f"after its best validation epoch, {entry.best_epoch} of {epochs}"

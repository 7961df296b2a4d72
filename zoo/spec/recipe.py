"""The recipe: how a network is trained, everything that, with a seed, decides its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.errors import SpecError
from zoo.spec import validation

Cost = Literal["quadratic", "cross_entropy", "log_likelihood"]

Initializer = Literal["unit_normal", "lecun_normal", "fan_out_normal", "he_normal"]

Schedule = Literal["constant", "halve", "tenth", "one_cycle", "decay"]

Precision = Literal["float32", "mixed_bfloat16"]

Augmentation = Literal["shift", "rotate", "skew", "elastic"]

# Settings, and values of settings, that had other names in earlier versions.
RENAMED_SETTINGS = {"calm": "dropout_off_epochs"}
RENAMED_VALUES = {
    "initializer": {
        "large": "unit_normal",
        "scaled": "lecun_normal",
        "network3": "fan_out_normal",
        "he": "he_normal",
    }
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained: everything that, with a seed, decides its weights.

    `l2` and `l1` are the book's lambda (eq. 85, 95). It is divided by the training images in
    chapters 3 and 5, but by the mini-batches in chapter 6, where the same number weighs
    `batch_size` times as much: `lambda_per` says which. `images` is the size of the training set,
    the first so many of it; `expanded` adds the four one-pixel shifts of every image before they
    are counted, and `augment` alters each image afresh whenever it is seen. The last
    `dropout_off_epochs` are without dropout, and of the alterations only shifts remain.

    `momentum` is the book's mu (eq. 107). `schedule` says what happens when the validation accuracy
    has not improved in `patience` epochs: 'constant' stops, 'halve' and 'tenth' divide the learning
    rate by 2 or 10, and stop when it is 128 or 1,000 times smaller. 'one_cycle' raises it to
    `learning_rate` in the first fifth of all steps, and lowers it to 0 in the rest. 'decay'
    multiplies it by `decay` after every `decay_epochs` epochs, whatever the accuracy. `signed`
    targets are -1 and 1 in place of 0 and 1, for tanh outputs. `label_smoothing` takes that share
    from the target of the right digit and spreads it evenly over all ten. 'mixed_bfloat16' computes
    with 8 significant bits and keeps weights with 24, which is faster on processors that know how.

    Raises SpecError for values out of range and for choices that do not exist.
    """

    cost: Cost
    epochs: int
    learning_rate: float
    batch_size: int = 10
    l2: float = 0.0
    l1: float = 0.0
    lambda_per: Literal["image", "batch"] = "image"
    momentum: float = 0.0
    nesterov: bool = False
    schedule: Schedule = "constant"
    patience: int | None = None
    decay: float = 1.0
    decay_epochs: int = 1
    signed: bool = False
    label_smoothing: float = 0.0
    initializer: Initializer = "lecun_normal"
    shuffle: bool = True
    partial_batch: bool = True
    expanded: bool = False
    augment: tuple[Augmentation, ...] = ()
    dropout_off_epochs: int = 0
    images: int = 50_000
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        validation.whole(self, "epochs", "batch_size", "images", "decay_epochs")
        validation.positive(self, "learning_rate", "decay")
        validation.real(self, "l2", "l1", least=0)
        validation.real(self, "momentum", "label_smoothing", least=0, below=1)
        validation.whole(self, "dropout_off_epochs", least=0)
        validation.flag(self, "nesterov", "signed", "shuffle", "partial_batch", "expanded")
        validation.choice(self, "cost", Cost)
        renamed = RENAMED_VALUES["initializer"]
        if isinstance(self.initializer, str) and self.initializer in renamed:
            now = renamed[self.initializer]
            raise SpecError(f"the initializer {self.initializer!r} is now {now!r}")
        validation.choice(self, "initializer", Initializer)
        validation.choice(self, "lambda_per", Literal["image", "batch"])
        validation.choice(self, "schedule", Schedule)
        validation.choice(self, "precision", Precision)
        validation.choices(self, "augment", Augmentation)
        if self.patience is not None:
            validation.whole(self, "patience")
        self._check_together()

    def _check_together(self) -> None:
        if self.schedule in ("halve", "tenth") and self.patience is None:
            raise SpecError(f"schedule {self.schedule!r} needs patience: after how many epochs?")
        if (self.schedule == "decay") != (self.decay < 1) or self.decay > 1:
            raise SpecError("schedule 'decay' goes with a decay below 1, as in decay=0.3")
        if self.decay_epochs > 1 and self.schedule != "decay":
            raise SpecError("decay_epochs goes with schedule='decay'")
        if self.nesterov and not self.momentum:
            raise SpecError("nesterov goes with a momentum above 0")
        if self.signed and self.cost != "quadratic":
            raise SpecError(f"signed targets are for the quadratic cost, not for {self.cost}")
        if self.label_smoothing and self.cost != "log_likelihood":
            raise SpecError(f"label_smoothing is for log_likelihood, not for {self.cost}")
        if self.batches < 1:
            raise SpecError(
                f"{self.images} images do not fill one batch of {self.batch_size}: use a smaller "
                "batch_size, more images, or partial_batch=True"
            )

    @property
    def batches(self) -> int:
        """Mini-batches in one epoch."""
        full, rest = divmod(self.images, self.batch_size)
        return full + (1 if rest and self.partial_batch else 0)

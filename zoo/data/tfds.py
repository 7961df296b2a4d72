"""Image classification sets of tensorflow_datasets, with their own splits and class names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from zoo.data.dataset import Data
from zoo.data.mapped import set_key
from zoo.data.pictures import PictureFormat
from zoo.data.sources import data_root
from zoo.data.splits import PARTS, SHARE, check_classes, check_no_seed, check_unused, divide
from zoo.data.storage import ImageSet, Part, gather, stored
from zoo.errors import DataError, ZooError, nearest

_BLOCK = 256

# EMNIST's classes, which TFDS only numbers; its letters have the labels 1 to 26 of 37.
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MERGED = "0123456789" + _UPPER + "abdefghnqrt"
_EMNIST = {
    "byclass": "0123456789" + _UPPER + _UPPER.lower(),
    "bymerge": _MERGED,
    "balanced": _MERGED,
    "letters": _UPPER.lower(),
    "digits": "0123456789",
    "mnist": "0123456789",
}


def load_from_tfds(
    name: str,
    data_dir: str | Path | None = None,
    progress: bool = True,
    *,
    form: PictureFormat | None = None,
    shares: Mapping[str, float | None] | None = None,
    seed: int | None = None,
    cache: Path | None = None,
) -> Data:
    """An image classification set of TFDS, such as "fashion_mnist", "cifar100" or "emnist/letters".

    Its own splits are kept, in TFDS's own order. Where it has no validation split, the last sixth
    of its training images is for validation; where it has no test split, where a share is given, or
    where that sixth lacks a class, a share of every class is drawn. EMNIST's transposed pictures
    are put right.

    Args:
        name: TFDS's, with a configuration or a version where it needs one.
        data_dir: TFDS's folder of data sets; None is the usual one of `data_root`.
        progress: Whether bars are shown.
        form: What the pictures are brought to; None leaves them as they are.
        shares: For 'validation' and 'test', the share of the training images; of splits that the
            set has itself none may be given; None draws as said above.
        seed: Of the draw; None is 0.
        cache: A folder where the set is kept as a memory-mapped file, whatever its size; None keeps
            it beside TFDS's, if it is large.

    Raises:
        SpecError: A share is given of a part that the set has, or a seed where nothing is drawn.
        DataError: For an unknown name, a set without one image of bytes and one class label, images
            of different sizes where `form` names none, and where TFDS cannot get the set.
    """
    known = tfds.list_builders(with_community_datasets=False)
    if name.partition("/")[0].partition(":")[0] not in known:
        raise DataError(
            f"No data set {name!r}.{nearest(name, ['mnist', *known])} A name is 'mnist', a folder"
            " of pictures or of four IDX files, an .npz file, or a tensorflow_datasets name such as"
            " 'fashion_mnist'."
        )
    tfds.display_progress_bar(progress)
    # TFDS raises whatever its download, its disk, or TensorFlow raises.
    try:
        builder = tfds.builder(name, data_dir=data_root(data_dir), try_gcs=False)
        reader = _Reader(name, builder, form or PictureFormat())
        builder.download_and_prepare()
        root = cache or data_root(data_dir) / "zoo_image_sets"
        return reader.load(
            dict(shares or {}), seed, root, None if cache is None else True, progress
        )
    except ZooError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"tensorflow_datasets cannot get {name!r}: {reason[:500]}") from error
    finally:
        tfds.display_progress_bar(True)


class _Reader:
    """One set of TFDS: what its features are called, and how its images are read."""

    def __init__(self, name: str, builder: tfds.core.DatasetBuilder, form: PictureFormat):
        self.name = name
        self.builder = builder
        features = builder.info.features
        named = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
        self.image = _first(named, tfds.features.Image, "image")
        self.label = _first(named, tfds.features.ClassLabel, "label")
        if not self.image or not self.label or named[self.image].dtype != np.uint8:
            raise DataError(
                f"{name!r} is no set for these networks: they need one feature of the kind Image,"
                f" in bytes, and one ClassLabel, it has {' '.join(str(features).split())}."
            )
        height, width, channels = named[self.image].shape
        if form.size is None and None in (height, width):
            raise DataError(
                f"The pictures of {name!r} have different sizes: say which one they are to have,"
                " size=(height, width), on the command line --size HEIGHTxWIDTH."
            )
        self.form = replace(
            form, size=form.size or (height, width), channels=form.channels or (channels or 3)
        )
        if self.form.channels == channels and self.form.size == (height, width):
            self.form = PictureFormat()
        self.shape = (*(form.size or (height, width)), form.channels or channels or 3)
        self.transposed = builder.name == "emnist"
        # Their labels count from 1.
        self.first = 1 if name.startswith("emnist/letters") else 0

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the labels 0, 1, ...; some sets know them only when they are prepared."""
        label = self.builder.info.features[self.label]
        config = self.builder.builder_config
        if self.transposed and config is not None and config.name in _EMNIST:
            return tuple(_EMNIST[config.name])
        return tuple(label.names or map(str, range(label.num_classes or 10)))

    def load(
        self,
        shares: dict[str, float | None],
        seed: int | None,
        root: Path,
        on_disk: bool | None,
        progress: bool,
    ) -> Data:
        plan = [self.name, str(self.builder.version), asdict(self.form), shares, seed or 0]
        key = set_key(self.builder.name, hashlib.sha256(json.dumps(plan).encode()))
        ready = stored(root, key)
        if ready is not None:
            return ready
        labels = {part: self._labels(part) for part in PARTS if part in self.builder.info.splits}
        if "train" not in labels:
            raise DataError(f"{self.name!r} has no split 'train', only {sorted(labels)}.")
        names = self.class_names
        check_classes(labels, names, self.name)
        chosen = self._chosen(labels, shares, seed)
        images = ImageSet(self.name, self.shape, {}, names, key)
        images.parts = {
            part: Part(len(indices), self._blocks(split, indices))
            for part, (split, indices) in chosen.items()
        }
        return gather(images, root, on_disk=on_disk, progress=progress)

    def _chosen(
        self, labels: dict[str, np.ndarray], shares: dict[str, float | None], seed: int | None
    ) -> dict[str, tuple[str, np.ndarray]]:
        """For each part the TFDS split it is taken from, and which of its images, in order."""
        own = {part: (part, np.arange(len(values))) for part, values in labels.items()}
        check_unused(shares, own, self.name)
        train = labels["train"]
        missing = [part for part in ("validation", "test") if part not in own]
        if missing == ["validation"] and shares.get("validation") is None:
            kept = len(train) - len(train) // 6
            if set(train[:kept].tolist()) == set(train[kept:].tolist()):
                own["train"] = "train", np.arange(kept)
                own["validation"] = "train", np.arange(kept, len(train))
                missing = []
        if missing:
            drawn = divide(
                train,
                {part: shares.get(part) or SHARE for part in missing},
                seed or 0,
                self.class_names,
            )
            own |= {part: ("train", np.sort(indices)) for part, indices in drawn.items()}
        else:
            check_no_seed(seed, self.name)
        return {part: own[part] for part in PARTS}

    def _labels(self, split: str) -> np.ndarray:
        skip = {self.image: tfds.decode.SkipDecoding()}
        dataset = self.builder.as_dataset(split=split, shuffle_files=False, decoders=skip)
        labels = dataset.map(lambda row: row[self.label]).batch(4096)
        found = [np.asarray(batch) for batch in labels.as_numpy_iterator()]
        return np.concatenate(found) - self.first if found else np.zeros(0, np.int64)

    def _blocks(self, split: str, indices: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        dataset = self.builder.as_dataset(split=split, shuffle_files=False)
        # Images of different sizes come one by one.
        alike = None not in self.builder.info.features[self.image].shape
        dataset = dataset.map(lambda row: (row[self.image], row[self.label]))
        start = 0
        for images, labels in dataset.batch(_BLOCK if alike else 1).as_numpy_iterator():
            wanted = np.isin(np.arange(start, start + len(images)), indices)
            start += len(images)
            if wanted.any():
                turned = images.transpose(0, 2, 1, 3) if self.transposed else images
                brought = [self.form.bring(image) for image in turned[wanted]]
                yield np.stack(brought), (labels[wanted] - self.first).astype(np.int32)


def _first(named: Mapping[str, Any], kind: type, preferred: str) -> str | None:
    found = [name for name, feature in named.items() if isinstance(feature, kind)]
    return preferred if preferred in found else next(iter(found), None)

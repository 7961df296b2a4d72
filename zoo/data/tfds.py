"""Other sets of 28x28 images with ten classes, through tensorflow_datasets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from zoo.data.dataset import IMAGE_SHAPE, Split
from zoo.data.mnist_files import Pair, book_split
from zoo.data.sources import data_root
from zoo.errors import DataError, nearest


def load_from_tfds(
    name: str, data_dir: str | Path | None = None, progress: bool = True
) -> tuple[Split, Split, Split]:
    """Training, validation and test split of a TFDS set, such as "fashion_mnist".

    The order is TFDS's own, unshuffled; the last sixth of its training images is for validation.
    Raises DataError for an unknown name, for images that are not bytes of 28x28, for more than
    ten classes, and where TFDS cannot get the set.
    """
    known = tfds.list_builders(with_community_datasets=False)
    if name.partition("/")[0].partition(":")[0] not in known:
        raise DataError(
            f"No data set {name!r}.{nearest(name, ['mnist', *known])} A name is 'mnist', a folder"
            " of four IDX files, or a tensorflow_datasets name such as 'fashion_mnist'."
        )
    tfds.display_progress_bar(progress)
    # TFDS raises whatever its download, its disk, or TensorFlow raises.
    try:
        builder = tfds.builder(name, data_dir=data_root(data_dir), try_gcs=False)
        _check_features(name, builder.info.features)
        builder.download_and_prepare()
        train, test = (_read(builder, split) for split in ("train", "test"))
    except DataError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"tensorflow_datasets cannot get {name!r}: {reason}") from error
    finally:
        tfds.display_progress_bar(True)
    return book_split(train, test, name)


def _check_features(name: str, features: tfds.features.FeatureConnector) -> None:
    named = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
    image, label = named.get("image"), named.get("label")
    if not (
        isinstance(image, tfds.features.Image)
        and image.shape == IMAGE_SHAPE
        and isinstance(label, tfds.features.ClassLabel)
        and (label.num_classes or 10) <= 10
    ):
        raise DataError(
            f"{name!r} is no set for these networks: they need a feature 'image' of 28x28x1 bytes"
            f" and a 'label' of at most ten classes, it has {' '.join(str(features).split())}."
        )


def _read(builder: tfds.core.DatasetBuilder, split: str) -> Pair:
    whole = builder.as_dataset(split=split, batch_size=-1, shuffle_files=False)
    images, labels = (np.asarray(whole[key]) for key in ("image", "label"))
    return images, labels

"""`load_data`: the one way in, to MNIST in the book's split and to other sets like it."""

from __future__ import annotations

from pathlib import Path

from zoo.data.dataset import Data
from zoo.data.expand import expand
from zoo.data.mnist_files import read_idx_folder, splits_of
from zoo.data.sources import mnist_files
from zoo.errors import DataError


def load_data(
    name: str | Path = "mnist",
    *,
    source: str | Path | None = None,
    expanded: bool = False,
    data_dir: str | Path | None = None,
    progress: bool = True,
) -> Data:
    """Training, validation and test data, in the book's split and order.

    `name` is "mnist" (50,000, 10,000 and 10,000 images), or a folder of four IDX files with
    28x28 images and labels 0 to 9, or the name of such a set in tensorflow_datasets; of another
    set's training images the last sixth is for validation. `source` is a folder to take MNIST
    from, instead of the network. `expanded` adds the four one-pixel shifts of every training
    image. `data_dir` is where prepared data is kept: else $TFDS_DATA_DIR, else
    ~/tensorflow_datasets. `progress` False keeps stderr quiet.

    Raises DataError where the data cannot be had, or is not what it claims to be.
    """
    folder = Path(name).expanduser()
    if name == "mnist":
        files = mnist_files(source, data_dir, progress)
        data = Data("mnist", *splits_of(files, "MNIST"))
    elif source is not None:
        raise DataError(f"source= is for 'mnist' alone: give the folder {source} as the name.")
    elif folder.is_dir():
        data = Data(folder.resolve().name, *splits_of(read_idx_folder(folder), str(folder)))
    else:
        # Imported late: MNIST and folders need neither TensorFlow nor TFDS.
        from zoo.data.tfds import load_from_tfds

        data = Data(str(name), *load_from_tfds(str(name), data_dir, progress))
    if expanded:
        return Data(f"{data.name}_expanded", expand(data.train), data.validation, data.test)
    return data

"""The builder of the TFDS set `book_mnist`: what `load_data` returns, as tf.data records."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import tensorflow_datasets as tfds

from zoo.data.dataset import IMAGE_SHAPE, Split
from zoo.data.loading import load_data


@dataclasses.dataclass(eq=False)
class BookMnistConfig(tfds.core.BuilderConfig):
    """A variant: `data` is any name or folder `load_data` knows, `expanded` as it takes it."""

    data: str = "mnist"
    expanded: bool = False


class Builder(tfds.core.GeneratorBasedBuilder):
    """MNIST in the book's split (train, validation, test) and in the book's order."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "The book's split and order."}  # noqa: RUF012
    BUILDER_CONFIGS = [  # noqa: RUF012
        BookMnistConfig(name="plain", description="The book's 50,000 training images."),
        BookMnistConfig(
            name="expanded",
            description="Every training image also one pixel up, down, left and right: 250,000.",
            expanded=True,
        ),
    ]
    DEFAULT_CONFIG_NAME = "plain"

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=IMAGE_SHAPE),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="http://neuralnetworksanddeeplearning.com/",
            # TFDS would order the records by a hash of their keys; the book's order is kept.
            disable_shuffling=True,
        )

    # TFDS owns this signature, so its arguments go through as they come.
    def download_and_prepare(self, **arguments: object) -> None:
        """Prepare the set as TFDS does, also where another process does so at the same time."""
        try:
            super().download_and_prepare(**arguments)
        except FileExistsError:
            # The other process was first, with the same records: they are read in place of ours.
            if not (self.data_path / "dataset_info.json").exists():
                raise

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict]]]:
        config = self.builder_config
        data = load_data(config.data, expanded=config.expanded, data_dir=self.data_dir_root)
        return {
            "train": self._generate_examples(data.train),
            "validation": self._generate_examples(data.validation),
            "test": self._generate_examples(data.test),
        }

    def _generate_examples(self, split: Split) -> Iterator[tuple[int, dict]]:
        for key, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
            yield key, {"image": image, "label": int(label)}

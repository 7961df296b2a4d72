"""The fast fit: mini-batches travel in blocks, and the training step loops over a block inside.

Keras' `fit` pays a fixed price a step, which for a small network and the book's batches of ten is
far more than the arithmetic. So the data here are blocks of hundreds of mini-batches, and
`BlockModel.train_step` takes a step of gradient descent for each in turn, within one compiled call.
The weights take the same steps in the same order; callbacks and the progress bar stay Keras'.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.nn.batching import Blocks
from zoo.nn.block_dataset import BatchDataset, BlockDataset, batch_dataset, tensorflow_dataset
from zoo.nn.block_steps import backend_model, has_devices, is_block
from zoo.nn.losses import takes_labels
from zoo.nn.user_data import Door, alone, one_line

if TYPE_CHECKING:  # it needs TensorFlow
    from zoo.nn.conv_lowering import Program

# What trains on blocks and what on single batches cannot share one compiled step.
BLOCKS, FEW_BLOCKS, BATCHES = "blocks", "too few blocks for XLA", "batches"


@keras.saving.register_keras_serializable("zoo", name="BlockModel")
class BlockModel(backend_model()):  # type: ignore[misc] # its base depends on the backend
    """A `keras.Model` that trains on `Blocks`, and on all that Keras trains on as ever.

    Whatever comes in from elsewhere is checked by the contract of zoo/nn/contract.py, and a `Split`
    is taken for its images and labels.
    """

    # The convolutions as matrix products, and the blocks that they are compiled for.
    program: Program | None = None
    _trained_on: str | None = None
    jit_compile: bool  # Keras' own property

    def __call__(self, inputs, *arguments, **options):
        """Keras' call; images that are no bytes yet are made bytes, or refused."""
        return super().__call__(self._door().images(alone(inputs)), *arguments, **options)

    def compile(self, *arguments, **options):
        """Keras' `compile`; the metrics of an earlier one, which suit its loss, do not stay."""
        self._compile_metrics = None
        super().compile(*arguments, **options)

    def fit(self, *arguments, **options):
        """Keras' `fit`; given `Blocks`, it keeps their order and trains on each batch in them."""
        options = _by_name(super().fit, arguments, options)
        x = options.pop("x", None)
        if isinstance(x, Blocks):
            return self._fit_blocks(x, **options)
        door = self._door(labels=True)
        with one_line():
            x, options["y"] = door.labelled(x, options.get("y"))
            if options.get("validation_data") is not None:
                options["validation_data"] = door.validation(options["validation_data"])
            self._prepare_for(BATCHES)
            return super().fit(x, **options)

    def evaluate(self, *arguments, **options):
        """Keras' `evaluate`, of images and labels that are checked, or of a `Split`."""
        if options.get("_use_cached_eval_dataset"):
            return super().evaluate(*arguments, **options)  # from `fit`, which has checked them
        options = _by_name(super().evaluate, arguments, options)
        with one_line():
            data = self._door(labels=True).labelled(options.get("x"), options.get("y"))
            options["x"], options["y"] = data
            return super().evaluate(**options)

    def predict(self, *arguments, **options):
        """Keras' `predict`, of images that are checked, or of a `Split`."""
        options = _by_name(super().predict, arguments, options)
        with one_line():
            options["x"], _ = self._door().data(options["x"])
            return super().predict(**options)

    def train_on_batch(self, x, y=None, *arguments, **options):
        """Keras' `train_on_batch`; of a block, it trains on each batch in it."""
        if isinstance(x, np.ndarray) and is_block(x):
            self._prepare_for(BLOCKS)
        else:
            self._prepare_for(BATCHES)
            x, y = self._door(labels=True).labelled(x, y)
        return super().train_on_batch(x, y, *arguments, **options)

    def test_on_batch(self, x, y=None, *arguments, **options):
        """Keras' `test_on_batch`, of images and labels that are checked."""
        return super().test_on_batch(*self._door(labels=True).labelled(x, y), *arguments, **options)

    def predict_on_batch(self, x):
        """Keras' `predict_on_batch`, of images that are checked."""
        return super().predict_on_batch(self._door().data(x)[0])

    def compile_from_config(self, config):
        """Compile a loaded model as the saved one was: Keras does not where `compile` is ours."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self):
        """Keras' own; the optimizer gets the variables that it will have where it is loaded."""
        optimizer = getattr(self, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.trainable_variables)
        config = super().get_compile_config()
        if config and optimizer is not None:  # Keras drops it from there when it writes an .h5 file
            config.setdefault("optimizer", keras.saving.serialize_keras_object(optimizer))
        return config

    def _door(self, labels: bool = False) -> Door:
        checked = labels and takes_labels(getattr(self, "loss", None))
        return Door(self.input_shape[1:], self.output_shape[-1] if checked else None)

    def _prepare_for(self, kind: str) -> None:
        if self._trained_on not in (None, kind):
            self.train_function = None
        self._trained_on = kind
        optimizer = getattr(self, "optimizer", None)
        # Keras builds the optimizer of an .h5 file for no variables.
        if optimizer is not None and optimizer.built and not optimizer._trainable_variables:
            optimizer.built = False
            optimizer.build(self.trainable_variables)

    def _fit_blocks(self, blocks: Blocks, callbacks=None, **options):
        # Keras' own hook at the end of an epoch is called once before the first one, too.
        redraw = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: blocks.next_epoch())
        options["callbacks"] = [*keras.tree.flatten(callbacks or []), redraw]
        options["shuffle"] = False
        backend = keras.backend.backend()
        if has_devices(self):
            return self._fit_on_devices(blocks, **options)
        if backend == "tensorflow":
            return self._fit_in_tensorflow(blocks, **options)
        self._prepare_for(BLOCKS)
        if backend == "jax":
            self._build_on_one_batch(blocks)
        return super().fit((BlockDataset if backend == "jax" else BatchDataset)(blocks), **options)

    def _fit_on_devices(self, blocks: Blocks, **options):
        # Keras cuts what it is given into shares, which must be mini-batches; XLA compiles no step
        # in which devices meet.
        asked = self.jit_compile
        self.jit_compile = asked and keras.backend.backend() == "jax"
        self._prepare_for(BATCHES)
        try:
            self._build_on_one_batch(blocks)
            return super().fit(batch_dataset(blocks), **options)
        finally:
            self.jit_compile = asked

    def _fit_in_tensorflow(self, blocks: Blocks, **options):
        from zoo.nn.step_choice import choose, worth_xla

        asked, size = self.jit_compile, blocks.batch_size
        images, batches = len(blocks.split) * options.get("epochs", 1), blocks.ends[0] // size
        program = choose(self, images=images, batches=batches, size=size)
        if program != self.program:
            self.program, self.train_function = program, None
        self.jit_compile = asked and worth_xla(images)
        self._prepare_for(BLOCKS if self.jit_compile == asked else FEW_BLOCKS)
        try:
            return super().fit(tensorflow_dataset(blocks), **options)
        finally:
            self.jit_compile = asked

    def _build_on_one_batch(self, blocks: Blocks) -> None:
        # Keras builds metrics and optimizer from the first data it sees, where it does not leave
        # that to the step; these must not be a block, nor the mean of the devices' shares.
        self.test_on_batch(*BatchDataset(blocks)[0])
        self.optimizer.build(self.trainable_variables)


# Keras names the class in its errors, and there `load_model` without `import zoo` must say what to
# import. An .h5 file knows it by this name alone.
BlockModel.__name__ = "zoo.BlockModel"
keras.saving.get_custom_objects()[BlockModel.__name__] = BlockModel


def _by_name(method, arguments: tuple, options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a Keras method by their names, however they were given."""
    bound = inspect.signature(method).bind(*arguments, **options).arguments
    return {**bound, **bound.pop("kwargs", {})}

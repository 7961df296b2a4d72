"""What each network of the registry must do on the backend that Keras runs on: a program.

    KERAS_BACKEND=torch python -m tests.nn.every_network [NAME ...]

Every network is trained by its own recipe for one epoch of a few images, asked, saved, loaded,
asked again, and trained on by Keras' own step. Those above five million parameters have an eighth
of their maps and neurons; ensembles above that are not trained. What is wrong is an AssertionError,
or whatever Keras raises.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

import zoo
from zoo.pretrained.forward import load as load_in_numpy
from zoo.pretrained.manifest import manifest

IMAGES = 20
LARGEST = 5_000_000  # parameters of one stack of layers that is trained as it is declared


def narrow(spec: zoo.ModelSpec) -> zoo.ModelSpec:
    """The declaration with an eighth of the maps and neurons in each hidden layer."""
    layers = [
        replace(layer, filters=layer.filters // 8)
        if isinstance(layer, zoo.ConvPool)
        else replace(layer, units=layer.units // 8)
        for layer in spec.layers[:-1]
    ]
    return spec.with_settings(layers=(*layers, spec.layers[-1]))


def declared(name: str) -> zoo.spec.NetworkSpec:
    """The declaration to train: a short recipe, and narrow where it is large."""
    spec = zoo.get_spec(name)
    if not spec.members and spec.parameters > LARGEST:
        spec = narrow(spec).with_settings(classes=10)
    return spec.with_settings(
        epochs=1, expanded=False, augment=(), batch_size=10, partial_batch=True
    )


def noise(spec: zoo.spec.NetworkSpec) -> zoo.Data:
    """Images of noise for a network, each set the same, with labels of ten classes."""
    size = (IMAGES, *spec.input.shape)
    images = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    split = zoo.Split(images, np.arange(IMAGES, dtype=np.int32) % 10)
    return zoo.Data("noise", split, split, split)


def moved(model: keras.Model, before: list[np.ndarray]) -> bool:
    """Whether any weight is another than before, and all are numbers."""
    after = model.get_weights()
    assert all(np.isfinite(weights).all() for weights in after)
    return any((old != new).any() for old, new in zip(before, after, strict=True))


def check(name: str, folder: Path) -> None:
    """Build, train, ask, save, load and train one network; then ask its pretrained weights."""
    spec = declared(name)
    data = noise(spec)
    split = data.train
    model = zoo.build(spec, seed=1)
    if not spec.members or spec.parameters <= LARGEST:
        before = model.get_weights()
        model = zoo.train(spec, data, seed=1, progress=False).model
        assert moved(model, before), f"{name} did not learn"
    expected = model.predict(split.images, verbose=0)
    assert expected.shape == (IMAGES, spec.output_classes)
    model.save(folder / "m.keras")
    other = keras.models.load_model(folder / "m.keras")
    np.testing.assert_array_equal(other.predict(split, verbose=0), expected)
    if not spec.members:
        other.fit(split.images / 255, split.labels, verbose=0)  # by Keras' own step
        assert moved(other, model.get_weights()), f"{name} did not learn after it was loaded"
    if name in manifest():
        # NumPy alone, from the same file of weights, is the oracle.
        answers = zoo.load(name).predict(split.images, verbose=0)
        expected = load_in_numpy(name).predict(split.images).outputs
        np.testing.assert_allclose(answers, expected, atol=1e-4)


def main(names: list[str]) -> None:
    """Check the networks named, or all of them, and say how long each took."""
    for name in names or zoo.list_models():
        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            check(name, Path(folder))
        keras.utils.clear_session()
        print(f"{name}: {time.process_time() - start:.1f} s of CPU", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

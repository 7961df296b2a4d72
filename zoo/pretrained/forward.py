"""Pretrained networks without Keras: a forward pass in NumPy, from the spec and its weights file.

It answers as the Keras model does, and starts in a tenth of the time, since neither TensorFlow nor
Keras is imported. A network that a Keras function builds has no declared layers: it needs Keras.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.errors import RunError, SpecError
from zoo.pretrained.forward_layers import NAMES, apply, parts_of
from zoo.pretrained.manifest import entry_of, verify, weights_file
from zoo.registry import get_spec
from zoo.spec import EnsembleSpec, Layer, ModelSpec, NetworkSpec, Shape
from zoo.spec.counting import shares_of, tie_break
from zoo.training import weights
from zoo.training.run_record import read_run

# Images computed at a time: their patches (1.2 MB for the second convolution) stay in the cache.
BATCH = 20

# Keras divides by no smaller sum than this where a vote's members put out next to nothing.
_LEAST_SUM = np.float32(1e-7)


@dataclass(frozen=True)
class Outputs:
    """A network's outputs for n images.

    `outputs` is what the Keras model puts out, float32 [n, 10]. `probabilities` is the same, of a
    vote the members' mean; `votes`, of a vote alone, the share of votes for each digit, [n, 10].
    """

    outputs: np.ndarray
    probabilities: np.ndarray
    votes: np.ndarray | None = None

    @property
    def digits(self) -> np.ndarray:
        """The digit with the largest output, int64 [n]."""
        return self.outputs.argmax(axis=1)


class NumpyNetwork:
    """A declared network with weights, ready to classify images.

    >>> network = NumpyNetwork(get_spec("linear"), {
    ...     "dense_1/kernel": np.zeros((784, 10), np.float32),
    ...     "dense_1/bias": np.zeros(10, np.float32)})
    >>> network.predict(np.zeros((2, 28, 28, 1), np.uint8)).outputs[1, :3].tolist()
    [0.5, 0.5, 0.5]
    """

    def __init__(self, spec: NetworkSpec, tensors: Mapping[str, np.ndarray]) -> None:
        """Take the weights of `spec` by the names that `tensor_shapes` gives; any float type."""
        self.spec = spec
        self._tensors = {
            name: np.asarray(tensors[name], np.float32) for name in tensor_shapes(spec)
        }

    def predict(self, images: np.ndarray) -> Outputs:
        """Classify images: uint8 [n, 28, 28, 1], 0 white to 255 black.

        Raises SpecError for another type or shape.
        """
        shape = self.spec.input.shape
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            wanted = ", ".join(map(str, ("n", *shape)))
            raise SpecError(f"images are uint8 [{wanted}], not {images.dtype} {list(images.shape)}")
        if not len(images):
            return Outputs(*(np.zeros((0, self.spec.output_classes), np.float32),) * 2)
        parts = [self._batch(images[at : at + BATCH]) for at in range(0, len(images), BATCH)]
        outputs, probabilities, votes = zip(*parts, strict=True)
        return Outputs(
            np.concatenate(outputs),
            np.concatenate(probabilities),
            None if votes[0] is None else np.concatenate(votes),
        )

    def _batch(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        x = images.astype(np.float32) * np.float32(self.spec.input.scale)
        if isinstance(self.spec, ModelSpec):
            outputs = self._member(self.spec.layers, x, "")
            return outputs, outputs, None
        assert isinstance(self.spec, EnsembleSpec)  # tensor_shapes refuses other kinds
        members = [
            self._member(member.layers, x, f"member_{number}_")
            for number, member in enumerate(self.spec.members, start=1)
        ]
        votes, probabilities = count_votes(self.spec.weights, np.stack(members))
        if self.spec.rule == "mean":
            return probabilities, probabilities, votes
        step = tie_break(shares_of(self.spec.weights, len(members)))
        return (votes + step * probabilities) / (1 + step), probabilities, votes

    def _member(self, layers: Iterable[Layer], x: np.ndarray, prefix: str) -> np.ndarray:
        for layer, name in named(layers, prefix):
            x = apply(layer, x, *(self._tensors[f"{name}/{part}"] for part in parts_of(layer)))
        return x


def load(name: str | NetworkSpec) -> NumpyNetwork:
    """A pretrained network by name, as `zoo.load`, but without Keras.

    The file's SHA-256 is checked before it is read, and names, shapes and types before a number is.
    Raises UnknownNameError for a name without weights, SpecError for a network that a Keras
    function builds, and RunError for a file that is not what the manifest says.
    """
    spec = get_spec(name)
    entry = entry_of(spec.name)
    entry.check_fits(spec)
    expected = tensor_shapes(spec)
    path = weights_file(entry)
    verify(path, entry)
    tensors, metadata = weights.read(path, expected)
    weights.check_finite(tensors, path)
    if metadata.get("spec_hash") != entry.spec_hash or entry.trained_by.hash != entry.spec_hash:
        raise RunError(f"{path} was trained by another spec than the manifest says: fetch it again")
    return NumpyNetwork(spec, tensors)


def load_run(folder: Path) -> NumpyNetwork:
    """The network of a finished run, without Keras.

    Raises SpecError where only Keras can compute it, and RunError for a damaged run, or weights of
    another.
    """
    spec = read_run(folder / "run.json").network
    path = folder / "weights.safetensors"
    tensors, metadata = weights.read(path, tensor_shapes(spec))
    weights.check_finite(tensors, path)
    if metadata.get("spec_hash") != spec.hash:
        raise RunError(f"the weights in {folder} are not of the spec beside them: train again")
    return NumpyNetwork(spec, tensors)


def tensor_shapes(spec: NetworkSpec) -> dict[str, Shape]:
    """The shapes of a network's weights, by the names that they have in its weights file.

    Raises SpecError for a network that a Keras function builds.

    >>> tensor_shapes(get_spec("conv1_only"))["conv_1/kernel"]
    (5, 5, 1, 20)
    """
    if isinstance(spec, ModelSpec):
        return dict(_shapes(spec, ""))
    if not isinstance(spec, EnsembleSpec):
        raise SpecError(f"{spec.name} is built by {spec}: only Keras can compute it")
    return {
        name: shape
        for number, member in enumerate(spec.members, start=1)
        for name, shape in _shapes(member, f"member_{number}_")
    }


def _shapes(spec: ModelSpec, prefix: str) -> Iterable[tuple[str, Shape]]:
    shape: Shape = spec.input.shape
    for layer, name in named(spec.layers, prefix):
        for part, lengths in parts_of(layer, shape).items():
            yield f"{name}/{part}", lengths
        shape = layer.output_shape(shape)


def named(layers: Iterable[Layer], prefix: str = "") -> Iterable[tuple[Layer, str]]:
    """Each layer with the name that the builder gives it: conv_1, conv_2, dense_1, ...

    Args:
        layers: In order; each kind is counted from 1.
        prefix: Comes before each name, such as 'member_1_'.

    Raises:
        SpecError: A layer is of a kind that has no forward pass here.
    """
    count = dict.fromkeys(NAMES, 0)
    for layer in layers:
        if type(layer) not in NAMES:
            raise SpecError(f"there is no NumPy forward pass for {type(layer).__name__} layers")
        count[type(layer)] += 1
        yield layer, f"{prefix}{NAMES[type(layer)]}_{count[type(layer)]}"


def count_votes(weights: Sequence[float], outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shares of the votes and the mean probabilities, as a vote of networks counts them.

    Outputs of sigmoids are divided by their sum first, so that networks of both kinds can vote
    together, and where an image has outputs below 0, the least of them counts as 0.

    Args:
        weights: One a member, above 0; none counts all alike.
        outputs: The members' outputs, [members, n, classes].

    Returns:
        The share of the votes for each class, and the mean probability of each, float32 [n,
        classes].
    """
    shares = np.array(shares_of(weights, len(outputs)), np.float32).reshape(-1, 1, 1)
    ballots = np.eye(outputs.shape[-1], dtype=np.float32)[outputs.argmax(axis=-1)]
    outputs = outputs - np.minimum(outputs.min(axis=-1, keepdims=True), 0)
    totals = np.maximum(outputs.sum(axis=-1, keepdims=True), _LEAST_SUM)
    return (shares * ballots).sum(axis=0), (shares * (outputs / totals)).sum(axis=0)

"""Programs for the page: folded, packed and unpacked again, for every architecture of the zoo."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo import ConvPool, FullyConnected, ModelSpec, Softmax
from zoo.errors import SpecError
from zoo.networks import NETWORKS
from zoo.serve.draw.program import programs
from zoo.spec import InputSpec

RECIPE = zoo.get_spec("conv2_relu").recipe


def random_weights(spec, seed=0):
    """Arrays by the names that the builder gives them, without building anything."""
    generator = np.random.default_rng(seed)
    weights = {}
    for number, member in enumerate(spec.members or [spec], start=1):
        prefix, count = f"member_{number}_" if spec.members else "", {}
        shape = (28, 28, 1)
        for layer, output, _ in member.walk():
            kinds = {ConvPool: "conv", FullyConnected: "dense", Softmax: "softmax"}
            kind = kinds[type(layer)]
            count[kind] = count.get(kind, 0) + 1
            stem = f"{prefix}{kind}_{count[kind]}"
            fields = (
                (layer.kernel, layer.kernel, shape[-1]) if kind == "conv" else (np.prod(shape),)
            )
            kernel = generator.normal(size=(*fields, output[-1])) / np.sqrt(np.prod(fields))
            weights[f"{stem}/kernel"] = kernel.astype(np.float32)
            weights[f"{stem}/bias"] = generator.normal(size=output[-1]).astype(np.float32)
            shape = output
    return weights


def unpacked(program):
    """Kernel and bias of each layer, read back as the page reads them."""
    raw, place, found = program.packed, 0, []

    def take(count, kind):
        nonlocal place
        array = np.frombuffer(raw, kind, count, place)
        place += array.nbytes
        return array.astype(np.float32)

    for record in program.layers:
        outputs = record["output"][-1]
        conv = record["kind"] == "conv"
        inputs = record["size"] ** 2 * record["input"][2] if conv else int(np.prod(record["input"]))
        if program.precision == "int8":
            scales = take(outputs, "<f4")
            kernel = take(inputs * outputs, "i1").reshape(inputs, outputs) * scales
        else:
            kind = {"float16": "<f2", "float32": "<f4"}[program.precision]
            kernel = take(inputs * outputs, kind).reshape(inputs, outputs)
        found.append((kernel, take(outputs, "<f4")))
    assert place == len(raw)
    return found


@pytest.mark.parametrize("name", ["conv2_relu", "mlp30x2", "conv2_relu_dropout", "linear"])
@pytest.mark.parametrize(
    ("precision", "off"), [("float32", 0), ("float16", 2**-11), ("int8", 0.5 / 127)]
)
def test_numbers_come_back_with_dropout_folded_in(name, precision, off):
    spec = zoo.get_spec(name)
    weights = random_weights(spec)
    (program,) = programs(spec, weights, precision)
    kernels = [value for key, value in weights.items() if key.endswith("kernel")]
    biases = [value for key, value in weights.items() if key.endswith("bias")]
    for layer, kernel, bias, (got, got_bias) in zip(
        spec.layers, kernels, biases, unpacked(program), strict=True
    ):
        kept = 1 - getattr(layer, "dropout", 0)
        expected = kept * kernel.reshape(-1, kernel.shape[-1])
        most = np.abs(expected).max(axis=0)
        assert (np.abs(got - expected) <= off * most * 1.001 + 1e-7).all()
        np.testing.assert_array_equal(got_bias, bias)
    assert zlib.decompress(base64.b64decode(program.base64())) == program.packed


def test_every_architecture_of_the_zoo_has_a_program_named_as_the_builder_names_it():
    # The programs of network3.py; what the book only quotes has other layers, too.
    architectures = {str(spec.body()): spec for spec in NETWORKS}
    for spec in architectures.values():
        found = programs(spec, random_weights(spec), "int8")
        assert len(found) == (len(spec.members) or 1)
        assert [record["output"] for record in found[0].layers][-1] == [10]
    for name in ("conv2_tanh", "mlp30x3"):
        names = {
            variable.path for variable in zoo.build(name).weights if "seed" not in variable.path
        }
        assert names == set(random_weights(zoo.get_spec(name)))


def test_a_constant_zero_filter_survives_eight_bits():
    spec = ModelSpec("silent", (FullyConnected(10),), zoo.get_spec("linear").recipe)
    weights = {"dense_1/kernel": np.zeros((784, 10)), "dense_1/bias": np.ones(10)}
    ((kernel, bias),) = unpacked(programs(spec, weights, "int8")[0])
    assert not kernel.any()
    assert bias.all()


def test_what_the_page_cannot_compute_is_refused():
    @zoo.register("of_a_function", recipe=replace(RECIPE, l2=0.0))
    def of_a_function():
        """Never built."""

    try:
        with pytest.raises(SpecError, match="cannot compute of_a_function, a FunctionSpec"):
            programs(zoo.get_spec("of_a_function"), {})
    finally:
        zoo.unregister("of_a_function")
    wide = replace(zoo.get_spec("linear"), input=InputSpec((32, 32, 3)))
    with pytest.raises(SpecError, match=r"28x28 in grey, and linear takes \(32, 32, 3\)"):
        programs(wide, {})


def test_weights_of_another_network_are_refused():
    spec = zoo.get_spec("mlp30")
    weights = random_weights(spec)
    with pytest.raises(SpecError, match=r"dense_1/kernel has shape \(784, 30\), not \(784, 100\)"):
        programs(zoo.get_spec("mlp100"), weights)
    with pytest.raises(SpecError, match="hold no conv_1/kernel"):
        programs(zoo.get_spec("conv2"), weights)
    with pytest.raises(SpecError, match="float32, float16, int8, not 'int4'"):
        programs(spec, weights, "int4")

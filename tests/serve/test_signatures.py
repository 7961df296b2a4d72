"""Signatures of what is no digit: colour, and pictures that come to their size as in training."""

from __future__ import annotations

import io
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from PIL import Image

from tests.serve.running import write_model
from zoo.data.pictures import PictureFormat
from zoo.serve.limits import Limits
from zoo.serve.runtime import OnnxModel
from zoo.serve.signatures import signatures_of


def _sums(path, shape, **metadata):
    """A model that answers byte images: the sum of each row of each channel."""
    write_model(
        path,
        [
            ("Cast", ["images"], ["f"], {"to": TensorProto.FLOAT}),
            ("ReduceSum", ["f", "axes"], ["sums"], {"keepdims": 0}),
        ],
        [("images", TensorProto.UINT8, ["n", *shape])],
        [("sums", TensorProto.FLOAT, ["n", shape[0], shape[2]])],
        {"axes": np.array([2])},
    )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return OnnxModel(path)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _answer(model, name, given):
    return model.run(signatures_of(model, Limits())[name].prepare({"images": given}))["sums"]


def test_a_network_of_colour_has_every_signature(tmp_path):
    model = _sums(tmp_path / "colour.onnx", (4, 6, 3))
    assert list(signatures_of(model, Limits())) == ["serving_default", "bytes", "floats", "encoded"]
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    sums = image.astype(int).sum(axis=1)[None]
    files = np.array([_png(image)], object)
    assert _answer(model, "bytes", image[None]).tolist() == sums.tolist()
    assert _answer(model, "floats", np.float32(image[None] / 256)).tolist() == sums.tolist()
    assert _answer(model, "encoded", files).tolist() == sums.tolist()


@pytest.mark.parametrize("shape", [(4, 6, 2), (4, 6, 4)])
def test_other_channels_are_no_pictures(tmp_path, shape):
    model = _sums(tmp_path / "other.onnx", shape)
    assert list(signatures_of(model, Limits())) == ["serving_default"]


@pytest.mark.parametrize(
    ("said", "done"),
    [("stretch", "stretch"), ("crop", "crop"), ("pad", "pad"), (None, "pad"), ("bicubic", "pad")],
)
def test_a_file_comes_to_the_size_as_the_models_metadata_say(tmp_path, said, done):
    metadata = {"class_names": json.dumps(["dark", "light"])} | ({"resize": said} if said else {})
    model = _sums(tmp_path / "pictures.onnx", (4, 6, 1), **metadata)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 7), np.uint8)
    expected = PictureFormat((4, 6), 1, done).bring(pixels[..., None]).astype(int).sum(axis=1)
    found = _answer(model, "encoded", np.array([_png(pixels)], object))
    assert found[0].tolist() == expected.tolist()

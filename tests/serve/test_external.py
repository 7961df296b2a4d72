"""ONNX files whose weights lie in other files: read from the model's folder, and watched there."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from zoo.errors import RunError
from zoo.serve.external import data_files
from zoo.serve.limits import Limits
from zoo.serve.metrics import Metrics
from zoo.serve.repository import Repository
from zoo.serve.runtime import OnnxModel
from zoo.serve.sources import Source

X = np.zeros((1, 3), np.float32)


def _plus(path, addend, data: str = "model.onnx.data"):
    """x + addend, a number a column; the numbers are in the file `data`."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "plus",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.asarray(addend, np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path, save_as_external_data=True, location=data, size_threshold=0)
    return path


def _chosen(path):
    """Two constants, one in each branch of a condition."""

    def branch(name, value):
        return helper.make_graph(
            [helper.make_node("Identity", [name], [f"{name}_out"])],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, [2])],
            [numpy_helper.from_array(np.full(2, value, np.float32), name)],
        )

    node = helper.make_node(
        "If", ["c"], ["y"], then_branch=branch("a", 5), else_branch=branch("b", 6)
    )
    graph = helper.make_graph(
        [node],
        "chosen",
        [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path, save_as_external_data=True, location="d.bin", size_threshold=0)
    return path


def test_weights_come_from_the_models_folder_and_no_other(tmp_path, monkeypatch):
    path = _plus(tmp_path / "mine/model.onnx", [1, 2, 3])
    other = _plus(tmp_path / "other/model.onnx", [7, 7, 7])
    monkeypatch.chdir(other.parent)
    assert OnnxModel(path).run({"x": X})["y"].tolist() == [[1, 2, 3]]
    (path.parent / "model.onnx.data").unlink()
    with pytest.raises(RunError, match="cannot load"):
        OnnxModel(path)


def test_those_of_a_subgraph_do_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    model = OnnxModel(_chosen(tmp_path / "sub/chosen.onnx"))
    answers = [model.run({"c": np.array(c)})["y"].tolist() for c in (True, False)]
    assert answers == [[5, 5], [6, 6]]
    assert list(data_files(tmp_path / "sub/chosen.onnx")) == ["d.bin"]


def test_a_loaded_model_keeps_its_weights_when_somebody_writes_over_them(tmp_path):
    path = _plus(tmp_path / "model.onnx", [1, 2, 3])
    model = OnnxModel(path)
    (tmp_path / "model.onnx.data").write_bytes(np.full(3, 9, np.float32).tobytes())
    assert model.run({"x": X})["y"].tolist() == [[1, 2, 3]]


def test_other_weights_beside_the_same_file_are_loaded(tmp_path):
    path = _plus(tmp_path / "1/model.onnx", [1, 2, 3])
    (tmp_path / "1/notes.txt").write_text("no part of it")
    repository = Repository([Source("net", tmp_path)], Limits(), Metrics())
    repository.load_all()
    before = repository.get("net")
    (tmp_path / "1/notes.txt").write_text("still no part of it")
    repository.refresh()
    repository.refresh()
    assert repository.get("net") is before
    (path.parent / "model.onnx.data").write_bytes(np.full(3, 9, np.float32).tobytes())
    repository.refresh()
    repository.refresh()
    assert repository.get("net").model.run({"x": X})["y"].tolist() == [[9, 9, 9]]
    repository.close()


@pytest.mark.parametrize("place", ["../secret", "a/../../secret", "/etc/passwd", "..\\secret"])
def test_data_outside_of_the_folder_are_refused(tmp_path, place):
    path = _plus(tmp_path / "in/model.onnx", [1, 2, 3])
    model = onnx.load(path, load_external_data=False)
    (location,) = [
        each for each in model.graph.initializer[0].external_data if each.key == "location"
    ]
    location.value = place
    path.write_bytes(model.SerializeToString())
    with pytest.raises(RunError, match="in the file's own folder"):
        OnnxModel(path)
    assert list(Source("net", path).versions()) == [1], "it is named, and then refused"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are not of this system")
def test_a_pipe_in_place_of_the_data_is_not_waited_for(tmp_path):
    path = _plus(tmp_path / "model.onnx", [1, 2, 3])
    (tmp_path / "model.onnx.data").unlink()
    os.mkfifo(tmp_path / "model.onnx.data")
    with pytest.raises(RunError, match="pipe"):
        OnnxModel(path)


def test_a_damaged_file_names_nothing(tmp_path):
    whole = _plus(tmp_path / "model.onnx", [1, 2, 3]).read_bytes()
    generator = np.random.default_rng(0)
    damaged = tmp_path / "damaged.onnx"
    for cut in range(0, len(whole), 7):
        damaged.write_bytes(whole[:cut] + generator.bytes(8))
        assert list(data_files(damaged)) in ([], ["model.onnx.data"])

"""Runtimes: a model on disk as a function of arrays. ONNX Runtime, or TensorFlow where asked."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, get_args

import numpy as np

from zoo.data.pictures import Resize
from zoo.errors import RunError
from zoo.serve.external import data_files
from zoo.serve.tensors import NUMPY_OF_ONNX, Arrays, TensorInfo
from zoo.utils.regular import readable

_FOLDER = "session.model_external_initializers_file_folder_path"

# Other programs get in the way of some of them, and the least of their times is taken.
_TIMED_CALLS = 10


class Model(Protocol):
    """A model that is loaded: what it takes, what it gives, and `run`, callable from one thread.

    `resize` is how pictures come to the size of its images: what its export says, or 'pad'.
    """

    platform: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    resize: Resize

    def run(self, arrays: Arrays) -> Arrays:
        """All outputs, by name, of inputs by name."""
        ...


class OnnxModel:
    """An ONNX file in ONNX Runtime, on the processor, with the data files in its folder.

    Args:
        path: The file.
        threads: Threads that share one computation.

    Raises:
        RunError: Where the file is no ONNX file, or not complete yet.
    """

    platform = "onnxruntime_onnx"

    def __init__(self, path: Path, threads: int = 1):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its errors come as exceptions, too
        try:
            content = readable(path).read_bytes()
            files = {name: readable(file).read_bytes() for name, file in data_files(path).items()}
            if files:
                # Those of a subgraph it reads by itself, else from the working folder.
                options.add_session_config_entry(_FOLDER, str(path.parent))
                options.add_external_initializers_from_files_in_memory(
                    list(files), list(files.values()), list(map(len, files.values()))
                )
            self._session = onnxruntime.InferenceSession(
                content or b"empty", options, providers=["CPUExecutionProvider"]
            )
        except RunError:
            raise
        except Exception as error:  # ONNX Runtime has a dozen kinds
            reason = str(error).strip().partition("\n")[0][:200]
            raise RunError(f"cannot load {path} ({reason}): is it a whole ONNX file?") from error
        self.inputs = tuple(_info(each, path) for each in self._session.get_inputs())
        self.outputs = tuple(_info(each, path) for each in self._session.get_outputs())
        self.resize = _resize(self._session.get_modelmeta().custom_metadata_map)
        self._names = [info.name for info in self.outputs]

    def run(self, arrays: Arrays) -> Arrays:
        """All outputs, by name."""
        return dict(zip(self._names, self._session.run(self._names, arrays), strict=True))


class SavedModel:
    """A SavedModel in TensorFlow, by its signature `serving_default`.

    Args:
        path: The folder of one version.
        threads: Not used: TensorFlow reads its own settings.

    Raises:
        RunError: Where the folder holds no SavedModel, or TensorFlow is missing.
    """

    platform = "tensorflow_savedmodel"

    def __init__(self, path: Path, threads: int = 1):
        try:
            from zoo.utils.tensorflow import import_tensorflow

            import_tensorflow()
            import tensorflow as tf

            self._loaded = tf.saved_model.load(str(path))
            self._call = self._loaded.signatures["serving_default"]
        except ImportError as error:
            raise RunError("SavedModels need TensorFlow: pip install tensorflow") from error
        except Exception as error:
            reason = str(error).strip().partition("\n")[0][:200]
            raise RunError(f"cannot load {path} ({reason}): is it a SavedModel?") from error
        self._tensor = tf.constant
        self.resize = _resize(_metadata(path))
        self.inputs = _tensorflow_infos(self._call.structured_input_signature[1])
        self.outputs = _tensorflow_infos(self._call.structured_outputs)

    def run(self, arrays: Arrays) -> Arrays:
        """All outputs, by name."""
        outputs = self._call(**{name: self._tensor(array) for name, array in arrays.items()})
        return {info.name: np.asarray(outputs[info.name].numpy()) for info in self.outputs}


def load(path: Path, runtime: str = "onnx", threads: int = 1) -> Model:
    """Load a model from the disk.

    Args:
        path: An ONNX file, or the folder of one version of a SavedModel.
        runtime: 'tensorflow' for a SavedModel; anything else is an ONNX file.
        threads: Threads that share one computation; TensorFlow does not heed it.

    Raises:
        RunError: Where it cannot be loaded.
    """
    return (SavedModel if runtime == "tensorflow" else OnnxModel)(path, threads)


def batchable(infos: Sequence[TensorInfo]) -> bool:
    """Whether any number of examples may be put in one array: the first side of all is free."""
    return all(info.shape and info.shape[0] == -1 for info in infos)


def warm_up(model: Model, batch: int, patience: float) -> float:
    """Run a model for one example and for a batch; returns the seconds that one takes.

    The first call of each size prepares the model and takes its memory: no client is to wait for
    that, and a model too large for this machine is to fail at the start.

    Args:
        model: The model.
        batch: Examples of a batch.
        patience: Seconds; a model that takes longer for one example is not run again.

    Returns:
        The least seconds of the calls for one example; infinity where it does not take zeros.
    """
    seconds = []
    try:
        for count in (1, batch, *[1] * _TIMED_CALLS):
            began = time.perf_counter()
            model.run(_example(model, count))
            if count == 1:
                seconds.append(time.perf_counter() - began)
            if seconds[-1] > patience:
                break
    except Exception:  # sides that are free together need not be 1
        return math.inf
    return min(seconds)


def _example(model: Model, count: int) -> Arrays:
    shapes = {
        info.name: [1 if side == -1 else side for side in info.shape] for info in model.inputs
    }
    return {
        info.name: np.zeros([count, *shapes[info.name][1:]], info.dtype)
        if batchable([info])
        else np.zeros(shapes[info.name], info.dtype)
        for info in model.inputs
    }


def _resize(metadata: Any) -> Resize:
    # Anybody's models have metadata of any kind.
    word: Any = metadata.get("resize") if isinstance(metadata, dict) else None
    return word if word in get_args(Resize) else "pad"


def _metadata(folder: Path) -> Any:
    try:
        return json.loads(readable(folder / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _info(declared: Any, path: Path) -> TensorInfo:
    if declared.type not in NUMPY_OF_ONNX or declared.type == "tensor(string)":
        raise RunError(
            f"{path} has the tensor {declared.name} of type {declared.type}, which is not served"
        )
    sides = (side if isinstance(side, int) else -1 for side in declared.shape)
    return TensorInfo(declared.name, NUMPY_OF_ONNX[declared.type], tuple(sides))


def _tensorflow_infos(specs: dict[str, Any]) -> tuple[TensorInfo, ...]:
    for name, spec in specs.items():
        if spec.dtype.name not in NUMPY_OF_ONNX.values() or spec.dtype.name == "string":
            raise RunError(f"the tensor {name} is of type {spec.dtype.name}, which is not served")
        if spec.shape.rank is None:
            raise RunError(f"the tensor {name} may have any number of sides, which is not served")
    return tuple(
        TensorInfo(
            name, spec.dtype.name, tuple(-1 if side is None else side for side in spec.shape)
        )
        for name, spec in sorted(specs.items())
    )

"""Runners: a model in any form as a function from byte images to its named outputs.

Loading and running are two steps, so that either can be timed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import RunError
from zoo.export import isolated_client
from zoo.export.common import INPUT, answering, suppress_tool_output, tool
from zoo.export.litert import SIGNATURE
from zoo.export.saved_model import ENDPOINTS
from zoo.nn.voting import with_named_outputs

Outputs = dict[str, np.ndarray]
Runner = Callable[[np.ndarray], Outputs]

BATCH = 500


def in_batches(run: Runner, images: np.ndarray, size: int = BATCH) -> Outputs:
    """Run over any number of images, some at a time, and join the outputs.

    Args:
        run: From uint8 images to named outputs.
        images: [n, height, width, channels], in memory or memory-mapped.
        size: How many at a time.

    Returns:
        The outputs by their names, [n, ...].
    """
    parts = [run(images[start : start + size]) for start in range(0, len(images), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def keras_runner(model: keras.Model) -> Runner:
    """The model itself, with the outputs that exports have."""
    answer = answering(with_named_outputs(model))
    return lambda images: {
        name: keras.ops.convert_to_numpy(output) for name, output in answer(images).items()
    }


def saved_model_runner(folder: str | Path, endpoint: str = ENDPOINTS[0]) -> Runner:
    """A SavedModel in this process; it takes what the endpoint takes.

    Args:
        folder: Of the SavedModel.
        endpoint: One of its endpoints.
    """
    loaded = tf.saved_model.load(str(folder))
    asked = loaded.signatures[endpoint]

    def run(images):
        answers = asked(**{INPUT: tf.constant(images)})
        # `loaded` is named here since the signature alone does not keep its variables.
        return {name: answers[name].numpy() for name in answers if loaded}

    return run


def onnx_runner(path: str | Path, threads: int = 1) -> Runner:
    """An ONNX file in ONNX Runtime, on the processor.

    Args:
        path: The file.
        threads: Threads that share one computation.

    Raises:
        RunError: ONNX Runtime is not installed.
    """
    onnxruntime = tool("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    with suppress_tool_output():
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {INPUT: images}), strict=True))


def litert_runner(path: str | Path, threads: int = 1) -> Runner:
    """A LiteRT file in its interpreter, with the kernels that it comes with.

    A file for one image at a time is run for one after the other.

    Args:
        path: The file.
        threads: Threads that share one computation.

    Raises:
        RunError: LiteRT is not installed.
    """
    litert = tool("ai_edge_litert.interpreter")
    with suppress_tool_output():
        interpreter = litert.Interpreter(str(path), num_threads=threads)
        run = interpreter.get_signature_runner(SIGNATURE)
        details = run.get_input_details()[INPUT]
        shape = details["shape"]
        run(**{INPUT: np.zeros((1, *shape[1:]), "uint8")})  # it chooses its kernels only now
    if details["shape_signature"][0] == 1:
        return lambda images: in_batches(lambda image: run(**{INPUT: image}), images, size=1)
    return lambda images: run(**{INPUT: images})


def file_runner(path: str | Path, threads: int = 1) -> Runner:
    """A file that `export` wrote, in what runs it.

    Args:
        path: By its ending .onnx an ONNX file; by any other a LiteRT file.
        threads: Threads that share one computation.

    Raises:
        RunError: What runs it is not installed.
    """
    runner = onnx_runner if Path(path).suffix == ".onnx" else litert_runner
    return runner(path, threads)


def saved_model_alone(
    folder: str | Path,
    images: np.ndarray,
    endpoints: Sequence[str] = ENDPOINTS,
    threads: int = 1,
) -> dict[str, Outputs]:
    """The outputs of a SavedModel in a fresh process that can import neither zoo nor Keras.

    Args:
        folder: Of the SavedModel.
        images: uint8, [n, height, width, channels].
        endpoints: Those that are asked.
        threads: Of TensorFlow.

    Returns:
        For each endpoint, its outputs by their names.

    Raises:
        RunError: The process fails.
    """
    with tempfile.TemporaryDirectory() as place:
        given, answered = Path(place) / "images.npy", Path(place) / "answers.npz"
        np.save(given, images)
        done = subprocess.run(
            [sys.executable, "-I", isolated_client.__file__, folder, given, answered, *endpoints],
            env={
                **os.environ,
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "TF_NUM_INTRAOP_THREADS": str(threads),
                "TF_NUM_INTEROP_THREADS": "1",
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["killed"])[-1][:300]
            raise RunError(f"{folder} does not run by itself ({reason}): export it again")
        outputs: dict[str, Outputs] = {endpoint: {} for endpoint in endpoints}
        with np.load(answered) as arrays:
            for name in arrays.files:
                endpoint, _, output = name.partition("/")
                outputs[endpoint][output] = arrays[name]
    return outputs

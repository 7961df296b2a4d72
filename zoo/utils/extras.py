"""Packages that only some of the work needs: the extra that each belongs to, and their import.

pip install "neural-zoo[export]"
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from zoo.errors import RunError

# What pip calls this project.
PROJECT = "neural-zoo"

# The extra of pyproject.toml that brings a module, by the name it is imported by.
EXTRAS = {
    "ai_edge_litert": "export",
    "onnx": "export",
    "onnxruntime": "export",
    "tf2onnx": "export",
    "openvino": "export",
    "grpc": "tuning",
    "keras_tuner": "tuning",
    "optuna": "tuning",
    "tensorboard": "tuning",
    "threadpoolctl": "tuning",
    "datasets": "hugging-face",
    "sklearn": "data",
    "tensorflow_datasets": "data",
    "httptools": "serve",
    "prometheus_client": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
    "uvloop": "serve",
    "huggingface_hub": "hub",
}


def import_extra(module: str) -> ModuleType:
    """Import a module that not every installation has.

    Args:
        module: Its name, as in "onnx" or "tf2onnx.convert"; its package is in EXTRAS.

    Raises:
        RunError: It is not installed; the line has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RunError(_missing(module.partition(".")[0], error)) from error


def check_extra(*modules: str) -> None:
    """Raise RunError, as `import_extra` does, where a module is not installed; import none."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise RunError(_missing(module))


def _missing(package: str, error: ImportError | None = None) -> str:
    absent = importlib.util.find_spec(package) is None
    reason = "is not installed" if absent else f"cannot be imported ({error})"
    return f"{package} {reason}: pip install '{PROJECT}[{EXTRAS[package]}]'"

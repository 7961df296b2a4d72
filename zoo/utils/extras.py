"""Packages that only some of the work needs: the extra that each belongs to, and their import.

pip install "neural-zoo[export]"
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType

from zoo.errors import RunError

# What pip calls this project.
PROJECT = "neural-zoo"

# The extra of pyproject.toml that brings a module, by the name it is imported by.
EXTRAS = {
    "ai_edge_litert": "export",
    "babel": "docs",
    "cmaes": "samplers",
    "datasets": "hugging-face",
    "grpc": "tuning",
    "httptools": "serve",
    "huggingface_hub": "hub",
    "importlib_resources": "data",
    "keras_tuner": "tuning",
    "onnx": "export",
    "onnxruntime": "export",
    "optuna": "samplers",
    "prometheus_client": "serve",
    "psycopg": "storage",
    "ray": "ray",
    "sqlalchemy": "storage",
    "shtab": "completion",
    "sklearn": "data",
    "starlette": "serve",
    "tensorboard": "tuning",
    "tensorflow_datasets": "data",
    "tf2onnx": "export",
    "threadpoolctl": "tuning",
    "uvicorn": "serve",
    "uvloop": "serve",
}


def import_extra(module: str) -> ModuleType:
    """Import a module that not every installation has.

    Args:
        module: Its name, as in "onnx" or "tf2onnx.convert"; its package is in EXTRAS.

    Raises:
        RunError: It is not installed; the line has the command that installs it.
    """
    package = module.partition(".")[0]
    with naming_extras():
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError:
            raise
        except ImportError as error:
            raise RunError(
                f"{package} cannot be imported ({error}): {install_command(package)}"
            ) from error


def check_extras(*packages: str, extra: str | None = None) -> None:
    """Raise where a package is not installed, and import none.

    Args:
        *packages: Names that they are imported by.
        extra: What brings them all, where it is not the extra that EXTRAS names.

    Raises:
        RunError: Some are missing; the line has the command that installs them.
    """
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise RunError(_missing(*missing, extra=extra))


@contextlib.contextmanager
def naming_extras() -> Iterator[None]:
    """Make the error of a missing import one that names its extra.

    Raises:
        RunError: The block imports a module of EXTRAS that is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise RunError(_missing(package)) from error


def _missing(*packages: str, extra: str | None = None) -> str:
    verb = "is" if len(packages) == 1 else "are"
    return f"{', '.join(packages)} {verb} not installed: {install_command(packages[0], extra)}"


def install_command(package: str, extra: str | None = None) -> str:
    """What installs a package of EXTRAS, or the extra that is named.

    Args:
        package: The name it is imported by.
        extra: One of pyproject.toml's; None is the one that EXTRAS has for the package.
    """
    return f"pip install '{PROJECT}[{extra or EXTRAS[package]}]'"

"""The boundaries: for each a sound file, how it is mutated, and what reads it."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.campaigns.mutations import mutated, mutated_json, mutated_number
from tests.paths import ROOT

Mutation = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Boundary:
    """A kind of file that comes from outside: `read` may return, or raise a ZooError of one line.

    `name` is that of the file, whose ending its reader may look at.
    """

    name: str
    sound: Callable[[], bytes]
    read: Callable[[Path], object]
    mutate: Mutation = mutated


def _entry() -> dict:
    return json.loads((ROOT / "saved_models/manifest.json").read_text())["mlp30"]


def _weights() -> bytes:
    return (ROOT / "saved_models/linear/weights.safetensors").read_bytes()


def _read_weights(path: Path) -> object:
    import zoo
    from zoo.pretrained.forward import tensor_shapes
    from zoo.training import weights

    return weights.read(path, tensor_shapes(zoo.get_spec("linear")))


def _read_spec(path: Path) -> object:
    from zoo.spec import NetworkSpec
    from zoo.spec.limits import check_size

    spec = NetworkSpec.from_json(path.read_text(errors="replace"))
    check_size(spec)
    return spec.hash, spec.to_json()


def _run() -> bytes:
    entry = _entry()
    rows = [{"epoch": 1, "seconds": 0.5, "loss": 0.3, "val_accuracy": 0.9}]
    record = {name: entry[name] for name in ("spec", "spec_hash", "seed", "data", "versions")}
    more = {"best_epoch": 1, "diverged": False, "python": "3.11", "processor": "x"}
    return json.dumps({**record, **more, "history": rows}).encode()


def _read_run(path: Path) -> object:
    from zoo.training.run_record import read_run

    return read_run(path).network


def _read_manifest(path: Path) -> object:
    from zoo.pretrained.manifest import entry_of

    os.environ["ZOO_SAVED_MODELS"] = str(path.parent)
    entry = entry_of("mlp30")
    return entry.score, entry.trained_by


def _results() -> bytes:
    lines = (ROOT / "benchmarks/results.csv").read_bytes().splitlines(keepends=True)
    return b"".join(lines[:8])


def _read_results(path: Path) -> object:
    from zoo.reproduction import results, tables

    rows = results.read(path)
    return tables.table(rows), tables.headlines(rows)


def _idx() -> bytes:
    from zoo.data.idx import to_idx

    return to_idx(np.arange(5 * 784, dtype=np.uint32).astype(np.uint8).reshape(5, 28, 28))


def _read_idx(path: Path) -> object:
    from zoo.data.idx import parse_images, read_file, unpacked

    return parse_images(unpacked(read_file(path), path.name), path.name)


def _part(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((count, 784), 0.25, np.float32), np.arange(count) % 10


def _pickle() -> bytes:
    return pickle.dumps(tuple(map(_part, (12, 5, 4))), protocol=4)


def _read_pickle(path: Path) -> object:
    from zoo.data.book_pickle import parse_pickle

    return parse_pickle(gzip.compress(path.read_bytes(), 1), path.name)


def _npz() -> bytes:
    file = io.BytesIO()
    pixels = np.arange(30 * 64, dtype=np.uint32).astype(np.uint8).reshape(30, 8, 8)
    np.savez(
        file, x_train=pixels, y_train=np.arange(30) % 3, x_test=pixels, y_test=np.arange(30) % 3
    )
    return file.getvalue()


def _read_npz(path: Path) -> object:
    from zoo.data import load_data

    return load_data(path, progress=False)


def _photo(kind: str) -> bytes:
    from PIL import Image

    pixels = np.full((90, 70), 230, np.uint8)
    pixels[20:70, 30:38] = 40
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def _read_photo(path: Path) -> object:
    from zoo.data.photos import digit_images

    return digit_images(path)


def _spec() -> bytes:
    return json.dumps(_entry()["spec"]).encode()


def _manifest() -> bytes:
    return json.dumps({"mlp30": _entry()}).encode()


BOUNDARIES = {
    "weights": Boundary("weights.safetensors", _weights, _read_weights),
    "spec": Boundary("spec.json", _spec, _read_spec, mutated_json),
    "spec numbers": Boundary("spec.json", _spec, _read_spec, mutated_number),
    "run.json": Boundary("run.json", _run, _read_run, mutated_json),
    "run.json numbers": Boundary("run.json", _run, _read_run, mutated_number),
    "manifest": Boundary("manifest.json", _manifest, _read_manifest, mutated_json),
    "results": Boundary("results.csv", _results, _read_results),
    "IDX": Boundary("images-idx3-ubyte", _idx, _read_idx),
    "pickle": Boundary("mnist.pkl", _pickle, _read_pickle),
    "npz": Boundary("images.npz", _npz, _read_npz),
    "PNG": Boundary("digit.png", lambda: _photo("PNG"), _read_photo),
    "JPEG": Boundary("digit.jpg", lambda: _photo("JPEG"), _read_photo),
}

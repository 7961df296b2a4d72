"""Versions on disk: found, loaded while others answer, kept while somebody writes, unloaded."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.serve.running import brightness, half_plus, serving
from zoo.errors import RunError, SpecError, UnknownNameError
from zoo.pretrained import manifest
from zoo.registry import get_spec
from zoo.serve import pretrained
from zoo.serve.limits import Limits, Refused
from zoo.serve.metrics import Metrics
from zoo.serve.repository import Repository
from zoo.serve.sources import Source, sources

IMAGE = np.zeros((1, 28, 28, 1), np.uint8)


@pytest.fixture
def folder(tmp_path):
    brightness(tmp_path / "net/1/model.onnx", 1)
    return tmp_path / "net"


@pytest.fixture
def repository(folder):
    opened = Repository([Source("net", folder)], Limits(), Metrics())
    opened.load_all()
    yield opened
    opened.close()


def _answering(repository) -> int:
    version = repository.get("net")
    outputs = asyncio.run(version.answer({"images": IMAGE}, 1))
    assert outputs["version"] == [version.number]
    return version.number


def test_a_new_version_takes_over_when_it_holds_still(repository, folder):
    brightness(folder / "2/model.onnx", 2)
    repository.refresh()
    assert _answering(repository) == 1, "somebody may still be writing it"
    repository.refresh()
    assert _answering(repository) == 2
    assert asyncio.run(repository.get("net", "1").answer({"images": IMAGE}, 1))["version"] == [1]


def test_a_version_that_is_being_written_is_left_alone(repository, folder):
    whole = brightness(folder.parent / "other.onnx", 3).read_bytes()
    path = folder / "3/model.onnx"
    path.parent.mkdir()
    for size in range(0, len(whole), len(whole) // 5):
        path.write_bytes(whole[:size])
        repository.refresh()
        assert _answering(repository) == 1
    path.write_bytes(whole[: len(whole) // 2])  # and whoever wrote it rests
    repository.refresh()
    repository.refresh()
    assert _answering(repository) == 1
    state, why = repository.versions("net")[3]
    assert state == "END"
    assert "model.onnx" in why
    with pytest.raises(Refused, match="it has: 1"):
        repository.get("net", "3")
    path.write_bytes(whole)
    repository.refresh()
    repository.refresh()
    assert _answering(repository) == 3
    assert repository.versions("net")[3] == ("AVAILABLE", "")


def test_a_version_that_is_gone_is_unloaded_but_never_the_last(repository, folder):
    brightness(folder / "2/model.onnx", 2)
    repository.refresh()
    repository.refresh()
    shutil.rmtree(folder / "1")
    repository.refresh()
    assert list(repository.versions("net")) == [2]
    shutil.rmtree(folder)
    repository.refresh()
    assert _answering(repository) == 2


def test_a_version_that_changes_is_loaded_again(repository, folder):
    half_plus(folder / "1/model.onnx", 2)
    repository.refresh()
    repository.refresh()
    assert repository.get("net").model.inputs[0].name == "x"


def test_a_version_whose_file_was_replaced_by_a_broken_one_answers_and_says_so(folder):
    with serving(f"net={folder}", settings={"poll_seconds": 0.05}) as server:
        path = folder / "1/model.onnx"
        path.write_bytes(path.read_bytes()[:50])
        deadline = time.monotonic() + 60
        while not server.events("not loaded") and time.monotonic() < deadline:
            time.sleep(0.02)
        _, answer = server.ask("/v1/models/net")
        (version,) = answer["model_version_status"]
        assert (version["version"], version["state"]) == ("1", "AVAILABLE")
        assert version["status"]["error_code"] == "OK"
        assert "model.onnx" in version["status"]["error_message"]
        assert server.ask("/v1/models/net:predict", {"instances": IMAGE.tolist()})[0] == 200
        assert server.ask("/healthz")[1]["models"] == {"net": [1]}


def test_a_link_is_followed_to_where_it_leads_now(tmp_path):
    for number in (1, 2):
        file = brightness(tmp_path / f"rel{number}/1/model.onnx", number)
        os.utime(file, (1, 1))
    (tmp_path / "current").symlink_to("rel1")
    (source,) = sources([str(tmp_path / "current")])
    assert source.name == "current"
    repository = Repository([source], Limits(), Metrics())
    repository.load_all()

    def answer():
        return asyncio.run(repository.get("current").answer({"images": IMAGE}, 1))["version"]

    assert answer() == [1]
    (tmp_path / "next").symlink_to("rel2")
    (tmp_path / "next").replace(tmp_path / "current")
    repository.refresh()
    repository.refresh()
    assert answer() == [2]
    repository.close()


def test_a_model_has_the_name_that_was_typed(tmp_path, folder, monkeypatch):
    half_plus(tmp_path / "real.onnx", 1)
    (tmp_path / "digits.onnx").symlink_to("real.onnx")
    monkeypatch.chdir(folder)
    words = ["../digits.onnx", ".", f"{folder}/1/..", "again=../real.onnx"]
    names = [sources([word])[0].name for word in words]
    assert names == ["digits", "net", "net", "again"]
    monkeypatch.chdir(folder / "1")
    assert sources([".."])[0].name == "net"


def test_only_the_newest_are_kept(folder):
    for number in (2, 10):
        brightness(folder / f"{number}/model.onnx", number)
    repository = Repository([Source("net", folder)], Limits(), Metrics(), keep=2)
    repository.load_all()
    assert list(repository.versions("net")) == [10, 2]
    brightness(folder / "11/model.onnx", 11)
    repository.refresh()
    repository.refresh()
    assert list(repository.versions("net")) == [11, 10]
    repository.close()


def test_where_the_newest_cannot_be_loaded_an_older_one_answers(folder):
    (folder / "2").mkdir()
    (folder / "2/model.onnx").write_bytes(b"half of a file")
    repository = Repository([Source("net", folder)], Limits(), Metrics(), keep=1)
    try:
        repository.load_all()
        assert _answering(repository) == 1
        assert repository.versions("net")[2][0] == "END"
    finally:
        repository.close()


def test_names_that_look_like_versions_and_are_none(folder):
    for name in ("01x", ".2-0123456789abcdef0123456789abcdef", "-3", "\u0663", "9" * 30, "x"):
        brightness(folder / name / "model.onnx", 9)
    (folder / "4").write_text("a file")
    (folder / "5").mkdir()
    nanoseconds = 1_796_083_077_141_232_000
    brightness(folder / str(nanoseconds) / "model.onnx", 9)
    assert sorted(Source("net", folder).versions()) == [1, nanoseconds]


def test_requests_go_on_while_versions_change(folder):
    with serving(f"net={folder}", settings={"poll_seconds": 0.05}) as server:
        seen, failed, stop = set(), [], threading.Event()

        def ask():
            while not stop.is_set():
                status, body = server.ask("/v1/models/net:predict", {"instances": IMAGE.tolist()})
                if status != 200:
                    failed.append(body)
                else:
                    seen.add(body["predictions"][0]["version"])

        asking = threading.Thread(target=ask)
        asking.start()
        for number in (2, 3, 4):
            brightness(folder / f"{number}/model.onnx", number)
            deadline = time.monotonic() + 60
            while number not in seen and time.monotonic() < deadline:
                time.sleep(0.02)
            shutil.rmtree(folder / str(number - 1))
        stop.set()
        asking.join()
    assert not failed
    assert seen == {1, 2, 3, 4}


def test_what_can_be_served(tmp_path, folder):
    file = half_plus(tmp_path / "half.onnx", 2)
    half_plus(tmp_path / "many/a/a.onnx", 1)
    half_plus(tmp_path / "many/a/a-int8.onnx", 9)
    half_plus(tmp_path / "many/b/7/anything.onnx", 1)
    found = sources([str(file), f"{folder}", f"other={folder}", str(tmp_path / "many")])
    assert {each.name: list(each.versions()) for each in found} == {
        "half": [1],
        "net": [1],
        "other": [1],
        "a": [1],
        "b": [7],
    }
    assert found[3].versions()[1].path.name == "a.onnx"


def test_a_folder_keeps_its_files_under_another_name(tmp_path):
    half_plus(tmp_path / "a/a.onnx", 1)
    half_plus(tmp_path / "a/a-int8.onnx", 9)
    (tmp_path / "now").symlink_to("a")
    for found in sources([f"other={tmp_path / 'a'}", str(tmp_path / "now")]):
        assert found.versions()[1].path.name == "a.onnx"
    half_plus(tmp_path / "b/x.onnx", 1)
    half_plus(tmp_path / "b/y.onnx", 1)
    with pytest.raises(RunError, match=r"to serve one of x\.onnx, y\.onnx, name that file"):
        sources([str(tmp_path / "b")])


def test_a_folder_of_a_networks_name_stands_in_for_no_network(tmp_path, monkeypatch):
    half_plus(tmp_path / "mlp30/mlp30.onnx", 1)
    monkeypatch.chdir(tmp_path)
    (network,) = sources(["mlp30"], pretrained=lambda name: tmp_path / f"{name}.onnx")
    assert network.path == tmp_path / "mlp30.onnx"
    (folder,) = sources(["./mlp30"])
    assert folder.path == tmp_path / "mlp30"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owner here")
def test_a_version_that_cannot_be_read_hides_no_other(folder, repository, monkeypatch):
    brightness(folder / "2/model.onnx", 2)
    brightness(folder / "3/model.onnx", 3)
    closed, read = folder / "2/model.onnx", Path.read_bytes

    def refused(path):  # whoever runs the tests may be allowed to read everything
        if path == closed and not path.stat().st_mode & 0o077:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    closed.chmod(0o600)
    for _ in range(2):
        repository.refresh()
    assert _answering(repository) == 3
    assert "Permission denied" in repository.versions("net")[2][1]
    closed.chmod(0o644)
    for _ in range(2):
        repository.refresh()
    assert repository.get("net", "2").number == 2


def test_what_cannot_be_served_is_told(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "saved/1").mkdir(parents=True)
    (tmp_path / "saved/1/saved_model.pb").write_bytes(b"")
    for asked, error, message in [
        (str(tmp_path / "nothing"), RunError, "does not exist"),
        (str(tmp_path / "empty"), RunError, "VERSION/model.onnx"),
        (str(tmp_path / "saved"), RunError, "--runtime tensorflow"),
        (f"a b={folder}", SpecError, "no name for a model"),
        ("", SpecError, "names no model"),
        ("digits=", SpecError, "names no model"),
        ("mlp31", UnknownNameError, "mlp30"),
        ("mlp30.quadratic", UnknownNameError, "no pretrained weights"),
    ]:
        with pytest.raises(error, match=message):
            sources([asked])
    with pytest.raises(SpecError, match="two models are named net"):
        sources([str(folder), str(folder)])
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no ONNX file")
    repository = Repository(sources([str(broken)]), Limits(), Metrics())
    with pytest.raises(RunError, match="no version of broken can be served"):
        repository.load_all()


def test_a_saved_model_is_looked_for_under_the_name_that_it_was_exported_by(tmp_path, monkeypatch):
    recipe = get_spec("mlp30.l2").to_plain()
    entry = dataclasses.replace(manifest.entry_of("mlp30"), spec=recipe)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    manifest.record(entry)  # its name is the architecture's: one of the recipe's loads it, too
    with pytest.raises(RunError, match="python -m zoo export"):
        sources(["mlp30.l2"], "tensorflow")
    for version, sha256 in [("1", entry.sha256), ("2", "of a run"), ("3", None)]:
        (tmp_path / f"mlp30.l2/{version}").mkdir(parents=True)
        (tmp_path / f"mlp30.l2/{version}/saved_model.pb").write_bytes(b"")
        metadata = {"weights_sha256": sha256} if sha256 else {}
        (tmp_path / f"mlp30.l2/{version}/metadata.json").write_text(json.dumps(metadata))
    (found,) = sources(["mlp30.l2"], "tensorflow")
    assert list(found.versions()) == [1], "the others are not of the pretrained weights"
    (all_,) = sources([str(tmp_path / "mlp30.l2")], "tensorflow")
    assert sorted(all_.versions()) == [1, 2, 3]


def test_a_pretrained_network_is_exported_once(exported, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    shutil.copytree(exported.parents[3], cache)
    monkeypatch.setenv("ZOO_CACHE", str(cache))
    monkeypatch.setattr(pretrained, "_export", lambda *_: pytest.fail("it lies there already"))
    file = pretrained.onnx_file("mlp30")
    assert file == cache / exported.relative_to(exported.parents[3])
    with file.open("ab") as damaged:
        damaged.write(b"\0")
    with pytest.raises(pytest.fail.Exception):
        pretrained.onnx_file("mlp30")  # it would be written again

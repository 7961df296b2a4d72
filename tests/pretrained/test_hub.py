"""The shape that the Hugging Face hub takes: folders, cards, and a hub that runs here."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.cli.main import main
from zoo.errors import RunError, SpecError, UnknownNameError
from zoo.pretrained import manifest
from zoo.pretrained.hub_folder import CARD, CONFIG, WEIGHTS, folder_of, named_folder, read_config
from zoo.training import weights

FILES = {CARD, CONFIG, WEIGHTS}
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)


def hub_client():
    return pytest.importorskip(
        "huggingface_hub",
        reason="huggingface_hub is not installed: pip install 'neural-zoo[hub]'",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return zoo.push("linear", tmp_path_factory.mktemp("hub") / "linear")


@pytest.fixture
def copied(folder, tmp_path) -> Path:
    """A copy of the folder, to be damaged."""
    return Path(shutil.copytree(folder, tmp_path / "copied"))


# --- folders --------------------------------------------------------------------------------------


def test_a_folder_has_a_card_a_config_and_the_weights(folder):
    assert {path.name for path in folder.iterdir()} == FILES
    config = json.loads((folder / CONFIG).read_text())
    entry = manifest.entry_of("linear")
    assert config["spec"] == entry.spec
    assert config["weights_sha256"] == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert config["class_names"] == list("0123456789")


@pytest.mark.parametrize("form", [Path, str])
def test_a_folder_loads_as_the_network_does(folder, form):
    model = zoo.load(form(folder), learning_rate=0.25)
    expected = zoo.load("linear")
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert float(model.optimizer.learning_rate) == 0.25


def test_a_folder_of_a_networks_name_stands_in_for_no_network(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "mlp30")  # it holds `linear`
    monkeypatch.chdir(tmp_path)
    assert zoo.load("mlp30").count_params() == zoo.get_spec("mlp30").parameters
    assert zoo.load("./mlp30").count_params() == zoo.get_spec("linear").parameters


@pytest.mark.parametrize("form", [Path, str])
def test_a_folder_in_the_home_is_found_where_it_was_put(form, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert zoo.push("linear", form("~/net")) == tmp_path / "net"
    assert zoo.load(form("~/net")).count_params() == zoo.get_spec("linear").parameters


def test_a_folders_body_is_a_start_for_other_classes(tmp_path):
    network = zoo.push("mlp30", tmp_path / "network")
    there, here = (zoo.load(name, classes=26, seed=1) for name in (network, "mlp30"))
    assert there.output_shape == (None, 26)
    for mine, theirs in zip(there.get_weights(), here.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    fresh = zoo.load(network, fresh_head=True, seed=1).get_weights()[-2]
    assert not np.array_equal(fresh, zoo.load(network).get_weights()[-2])
    with pytest.raises(SpecError, match="is for images of 28x28, not 32x32"):
        zoo.load(network, input_shape=(32, 32, 1))


def test_a_folder_here_is_not_what_an_owner_and_a_name_push_to(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "me/net")
    monkeypatch.chdir(tmp_path)
    assert named_folder("me/net") is None
    assert folder_of("me/net") == Path("me/net")  # to load from


def test_a_revision_is_not_pushed_to():
    with pytest.raises(SpecError, match="main branch: leave out @v2"):
        zoo.push("linear", "me/net@v2")


def test_a_network_of_members_goes_there_and_back(tmp_path):
    name = "conv2_relu_dropout_x5"
    zoo.push(name, tmp_path / "vote")
    model = zoo.load(tmp_path / "vote")
    np.testing.assert_array_equal(
        model.predict(IMAGES, verbose=0), zoo.load(name).predict(IMAGES, verbose=0)
    )


def test_a_folder_that_is_there_stays(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    with pytest.raises(RunError, match="exists already: choose another folder"):
        zoo.push("linear", folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_what_has_no_weights_is_not_pushed(tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'linear'"):
        zoo.push("lineer", tmp_path / "new")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("repo", ["me", "a/b/c", "hf://", "hf://me/a b", "me/net;rm"])
def test_a_repository_is_owner_and_name(repo):
    with pytest.raises(SpecError, match="owner/name, as in 'hf://me/conv2_relu', or the path"):
        zoo.push("linear", repo)


# --- one's own ---


@pytest.fixture(scope="module")
def run(bars, tmp_path_factory):
    """A finished run in its folder, and what it returned."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    data = dataclasses.replace(bars.take(200), class_names=tuple("abcdefghij"))
    spec = zoo.get_spec("mlp30").with_settings(epochs=1)
    return folder, zoo.train(spec, data, out=folder, progress=False)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["folder", "result", "model"])
def test_a_run_goes_there_and_back(run, kind, tmp_path):
    folder, result = run
    if kind == "model":
        zoo.push(result.model, tmp_path / "net", spec=result.spec, class_names=result.class_names)
    else:
        zoo.push(folder if kind == "folder" else result, tmp_path / "net")
    model = zoo.load(tmp_path / "net")
    np.testing.assert_array_equal(
        model.predict(IMAGES, verbose=0), result.model.predict(IMAGES, verbose=0)
    )
    config = read_config(tmp_path / "net" / CONFIG)
    assert config.network == result.spec
    assert config.class_names == list("abcdefghij")
    card = (tmp_path / "net" / CARD).read_text()
    assert '["a", "b", "c"' in card
    if kind != "model":
        accuracy = result.history[result.best_epoch - 1]["val_accuracy"]
        assert f"| validation images | {100 * accuracy:.2f} % correct |" in card
    hub = hub_client()
    assert hub.ModelCard(card).data.pipeline_tag == "image-classification"


def test_what_is_pushed_is_checked(run, tmp_path):
    folder, result = run
    with pytest.raises(SpecError, match="other layers than linear declares: see dense_1/"):
        zoo.push(result.model, tmp_path / "net", spec="linear")
    with pytest.raises(SpecError, match="declaration that the model was built from: spec="):
        zoo.push(result.model, tmp_path / "net")
    with pytest.raises(SpecError, match="go with a model"):
        zoo.push("linear", tmp_path / "net", spec="linear")
    with pytest.raises(RunError, match="holds no finished run"):
        zoo.push(tmp_path, tmp_path / "net")
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    tensors, metadata = weights.read(damaged / "weights.safetensors")
    next(iter(tensors.values()))[0] = np.nan
    weights.write(damaged / "weights.safetensors", tensors, metadata)
    with pytest.raises(RunError, match="infinities, or what is no number"):
        zoo.push(damaged, tmp_path / "net")
    assert not (tmp_path / "net").exists()


def test_the_command_pushes_a_run_into_a_folder(run, tmp_path, capsys):
    folder, result = run
    place = str(tmp_path / "net")
    assert main(["push", "mlp30", place, "--run", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "mlp30", "place": place}
    assert read_config(tmp_path / "net" / CONFIG).network == result.spec
    assert main(["push", "mlp30", place]) == 1
    assert "exists already: choose another folder" in capsys.readouterr().err


# --- what a folder may hold -----------------------------------------------------------------------


def changed(config: Path, **values) -> None:
    config.write_text(json.dumps(json.loads(config.read_text()) | values))


@pytest.mark.parametrize(
    "values",
    [
        {"spec_hash": "0" * 64},
        {"spec": {}},
        {"spec": [1]},
        {"class_names": "0123456789"},
        {"more": 1},
        {"library_name": 3},
    ],
    ids=str,
)
def test_a_config_that_declares_no_network_is_refused(copied, values):
    changed(copied / CONFIG, **values)
    with pytest.raises(RunError, match="declares no network of this zoo"):
        zoo.load(copied)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"spec": NaN}', "[" * 100_000, "\xff"])
def test_a_config_that_is_no_json_object_is_refused(copied, text):
    (copied / CONFIG).write_text(text, encoding="latin-1")
    with pytest.raises(RunError, match="declares no network of this zoo"):
        zoo.load(copied)


def test_a_config_is_not_read_beyond_its_size(copied):
    (copied / CONFIG).write_text(" " * (2**20 + 1))
    with pytest.raises(RunError, match="more than 1,048,576 bytes"):
        zoo.load(copied)


def test_a_network_of_code_is_not_run(copied):
    spec = json.loads((copied / CONFIG).read_text())["spec"]
    spec["layers"] = [{"kind": "KerasFunction", "function": "os:getcwd"}]
    changed(copied / CONFIG, spec=spec)
    with pytest.raises(RunError, match="declares no network of this zoo"):
        zoo.load(copied)


def test_weights_are_those_that_the_config_names(copied):
    blob = bytearray((copied / WEIGHTS).read_bytes())
    blob[-1] ^= 1
    (copied / WEIGHTS).write_bytes(blob)
    with pytest.raises(RunError, match="another SHA-256 than config"):
        zoo.load(copied)
    (copied / WEIGHTS).unlink()
    with pytest.raises(RunError, match=f"{WEIGHTS} is missing: a network's folder has"):
        zoo.load(copied)


def test_weights_of_other_layers_are_refused(copied):
    other = manifest.weights_file(manifest.entry_of("mlp30"))
    shutil.copyfile(other, copied / WEIGHTS)
    changed(copied / CONFIG, weights_sha256=hashlib.sha256(other.read_bytes()).hexdigest())
    with pytest.raises(RunError, match="belongs to other layers"):
        zoo.load(copied)


# --- cards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", manifest.manifest())
def test_the_hub_reads_every_card(name):
    hub = hub_client()
    entry = manifest.entry_of(name)
    card = hub.ModelCard.load(manifest.weights_file(entry).with_name(CARD))
    (result,) = card.data.eval_results
    assert result.metric_value == round(entry.test / entry.test_total, 4)
    assert (result.dataset_name, result.metric_type) == ("MNIST", "accuracy")
    assert (card.data.license, card.data.library_name) == ("apache-2.0", "keras")
    assert card.data.pipeline_tag == "image-classification"
    assert card.data.datasets == ["mnist"]


# --- a hub ----------------------------------------------------------------------------------------


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub's interface as its own client asks for, on this machine."""

    files: dict[str, bytes]
    asked: list[str]
    COMMIT = "c" * 40

    def log_message(self, *_):
        pass

    def _send(self, content: bytes | dict, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        self.asked.append(f"{self.command} {self.path}")
        named = re.fullmatch(r"/me/net/resolve/[^/]+/([^/]+)", self.path)
        content = self.files.get(named[1]) if named else None
        if content is not None:
            etag = hashlib.sha256(content).hexdigest()
            self._send(content, ETag=f'"{etag}"', X_Repo_Commit=self.COMMIT)
        elif self.path.startswith("/api/models/me/net") and self.files:
            self._send({"id": "me/net", "sha": self.COMMIT, "siblings": []})
        elif named:
            self._send({}, 404, X_Error_Code="EntryNotFound", X_Repo_Commit=self.COMMIT)
        else:
            self._send({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(f"POST {self.path}")
        if self.path == "/api/repos/create":
            self._send({"url": f"http://{self.headers['Host']}/me/net", "name": "me/net"})
        elif self.path == "/api/validate-yaml":
            self._send({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            names = [file["path"] for file in json.loads(body)["files"]]
            modes = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}
            self._send({"files": [{"path": name, **modes} for name in names]})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    value = line["value"]
                    self.files[value["path"]] = base64.b64decode(value["content"])
            address = f"http://{self.headers['Host']}/me/net/commit/{self.COMMIT}"
            self._send({"commitUrl": address, "commitOid": self.COMMIT, "success": True})
        else:
            self._send({}, 404)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    client = hub_client()
    handler = type("Handler", (_Hub,), {"files": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(client.constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(client.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(client.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(client.constants, "HF_HUB_DISABLE_TELEMETRY", True)
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()
    client.close_session()


def test_a_network_goes_to_the_hub_and_comes_back(hub):
    address = zoo.push("linear", "me/net")
    assert address.endswith("/me/net")
    assert set(hub.files) >= FILES
    model = zoo.load("hf://me/net")
    for one, other in zip(model.get_weights(), zoo.load("linear").get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(RunError, match=r"me/net exists already: .* or overwrite=True"):
        zoo.push("mlp30", "hf://me/net")
    zoo.push("mlp30", "me/net", overwrite=True)
    assert json.loads(hub.files[CONFIG])["spec"]["name"] == "mlp30"


def test_what_is_not_on_the_hub_is_one_line(hub):
    with pytest.raises(RunError, match=r"cannot get config.json of me/net: ") as raised:
        zoo.load("hf://me/net")
    assert "\n" not in str(raised.value)


def test_weights_larger_than_the_network_are_not_fetched(hub, folder):
    hub.files |= {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.files[WEIGHTS] = bytes(2**21)
    with pytest.raises(RunError, match="has 2,097,152 bytes, more than the"):
        zoo.load("hf://me/net")
    assert not [line for line in hub.asked if line.startswith("GET") and WEIGHTS in line]


def test_a_function_whose_weights_only_keras_can_count_comes_back(hub):
    @zoo.register("wide_function")
    def wide():
        flat = [keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
        hidden = keras.layers.Dense(400, name="hidden")
        head = keras.layers.Dense(10, "softmax", name="head")
        return keras.Sequential([*flat, hidden, head], name="wide")

    try:
        model = zoo.build("wide_function", seed=0)
        zoo.push(model, "me/net", spec="wide_function")
        assert len(hub.files[WEIGHTS]) > 2**20
        back = zoo.load("hf://me/net")
        np.testing.assert_array_equal(model.predict(IMAGES), back.predict(IMAGES))
    finally:
        zoo.unregister("wide_function")

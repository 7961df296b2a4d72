"""The drawing page in Chromium: drawn on by mouse, finger, pen and keys, read, kept, taken away."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import threading
import zipfile

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

import zoo
from tests.serve.in_browser import Page
from tests.serve.strokes import DIGITS, HOOK, turned
from zoo.data.photos import digit_image
from zoo.errors import RunError
from zoo.pretrained.manifest import entry_of
from zoo.serve.draw import DEFAULT_NETWORKS, PageServer, page_files, write_page

MOST_BYTES = 12_000_000
AXE = "axe-core@4.14.1"


@pytest.fixture(scope="module")
def files(mnist):
    return page_files(data=mnist)


@pytest.fixture(scope="module")
def index(files, tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page"), files)


@pytest.fixture(scope="module")
def small_index(mnist, tmp_path_factory):
    """The page with two networks and no vote, which is there at once."""
    files = page_files(["mlp30", "conv2_relu"], data=mnist)
    return write_page(tmp_path_factory.mktemp("small"), files)


@pytest.fixture
def visit(chromium, index, small_index):
    """Open the page; complain at the end if its console did, or if it asked another host."""
    opened = []

    def open_page(url=None, small=False, **options):
        url = url or (small_index if small else index).as_uri()
        opened.append(Page(chromium, url, **options))
        opened[-1].ask("loaded.then(() => renew()).then(() => null)")
        return opened[-1]

    yield open_page
    for name in opened[-1].ask(
        "[location.href, ...performance.getEntriesByType('resource').map((each) => each.name)]"
    ):
        assert name.startswith(("file:", "http://127.0.0.1:", "blob:", "data:"))
    assert chromium.get_log("browser") == []


# --- the files ------------------------------------------------------------------------------------


def test_the_page_is_small_and_whole(files, index):
    assert sum(map(len, files.values())) <= MOST_BYTES
    members = len(DEFAULT_NETWORKS) - 1 + 5
    assert len(files) == 1 + (members - 1) + 1  # the index holds one; and the digits
    assert {path.name: path.read_bytes() for path in index.parent.iterdir()} == files
    text = files["index.html"].decode()
    assert 'zooWeights("conv2_relu.js"' in text
    assert "default-src 'none'" in text
    assert "src=" not in text.replace("script.src = file", "")


def test_a_page_replaces_a_page_and_nothing_else(files, tmp_path):
    small = {"index.html": files["index.html"]}
    write_page(tmp_path / "new" / "page", small)
    write_page(tmp_path / "new" / "page", small)
    own = tmp_path / "own"
    own.mkdir()
    (own / "index.html").write_text("my own page")
    for folder in (own, own / "index.html"):
        with pytest.raises(RunError, match="holds something else than this page"):
            write_page(folder, small)
    assert (own / "index.html").read_text() == "my own page"


def test_names_that_no_page_can_show_are_refused():
    with pytest.raises(zoo.errors.UnknownNameError, match="conv2_relu"):
        page_files(["conv2_rleu"])
    with pytest.raises(zoo.errors.UnknownNameError, match="no pretrained weights"):
        page_files(["simard2003"])
    with pytest.raises(zoo.errors.SpecError, match="at least one network"):
        page_files([])


def test_the_server_hands_out_the_page_and_nothing_else():
    import http.client

    with PageServer({"index.html": b"seven", "a.js": b"7"}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def get(path, method="GET"):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers["Content-Type"]

        assert get("/") == (200, b"seven", "text/html")
        assert get("/a.js?x=1")[:2] == (200, b"7")
        assert get("/", "HEAD")[:2] == (200, b"")
        for path in ("/b.js", "/../page.py", "/%2e%2e/page.py", "//etc/passwd"):
            assert get(path)[0] == 404
        assert get("/", "POST")[0] == 501
        with pytest.raises(RunError, match=f"port {server.server_port} .* cannot be had"):
            PageServer({}, server.server_port)
        server.shutdown()
    with pytest.raises(RunError, match="port 70000"):
        PageServer({}, 70_000)


# --- drawing --------------------------------------------------------------------------------------


def test_drawn_digits_are_read_while_they_are_drawn(visit):
    page = visit()
    assert page.text("digit") == "?"
    for digit, strokes in DIGITS.items():
        page.draw(strokes)
        assert page.digit("conv2_relu_dropout_x5") == digit
        assert page.text("digit") == str(digit)
        page.by_id("clear").click()


@pytest.mark.integration
@pytest.mark.parametrize(("kind", "width", "scale"), [("touch", 390, 3), ("pen", 820, 2)])
def test_fingers_and_pens_draw_on_sharp_and_narrow_screens(visit, kind, width, scale):
    page = visit(small=True, width=width, scale=scale)
    for digit in (2, 4):
        page.draw(DIGITS[digit], kind)
        assert page.text("digit") == str(digit)
        page.by_id("clear").click()
    assert page.ask("byId('pad').width / byId('pad').clientWidth") == pytest.approx(scale, rel=0.01)
    assert page.ask("document.documentElement.scrollWidth") <= width


@pytest.mark.integration
def test_one_network_answers_before_the_others_are_there(visit, index):
    """A page whose other files are missing says so, and still answers."""
    alone = index.parent.parent / "alone"
    write_page(alone, {"index.html": index.read_bytes()})
    page = visit((alone / "index.html").as_uri())
    page.draw(DIGITS[3])
    assert page.text("digit") == "3"
    assert "conv2_relu" in page.text("by")
    page.ask("loaded.then(() => null)")
    assert page.text("progress-text").startswith("6 of 7 networks could not be loaded")
    log = page.browser.get_log("browser")
    assert log
    assert all("ERR_FILE_NOT_FOUND" in each["message"] for each in log)


@pytest.mark.integration
@pytest.mark.parametrize("width", [390, 1240])
def test_strokes_are_seen_the_way_they_were_drawn(visit, tmp_path, width):
    page = visit(small=True, width=width)
    for quarters in range(4):
        page.draw(turned(HOOK, quarters), "touch" if width < 500 else "mouse")
        seen = page.seen()
        rows, columns = (np.flatnonzero((seen > 127).any(axis=axis)) for axis in (1, 0))
        box = np.rot90(seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], -quarters)
        # Turned back, it is an L: higher than wide, with nothing at the top on the right.
        assert box.shape[0] > box.shape[1]
        assert not box[:-4, 5:].any()
        assert box[:, :2].mean() > 127
        (tmp_path / "drawn.png").write_bytes(saved(page, "savePicture()"))
        off = np.abs(digit_image(tmp_path / "drawn.png")[..., 0].astype(int) - seen)
        assert off.max() <= 1  # `zoo predict` sees what the page saw
        page.by_id("clear").click()


def saved(page, expression):
    """The bytes of a blob that the page saves."""
    found = page.ask(
        f"Promise.resolve({expression})"
        ".then(async (blob) => { const bytes = new Uint8Array(await blob.arrayBuffer());"
        " return btoa(String.fromCharCode(...bytes)); })"
    )
    return base64.b64decode(found)


def test_nothing_drawn_no_answer(visit):
    page = visit(small=True)
    assert page.seen() is None
    assert page.text("sure") == "No digit yet"
    assert [page.by_id(name).is_enabled() for name in ("undo", "clear", "keep")] == [False] * 3
    page.ask("(pad.pen = 1, null)")
    page.draw([[(0.5, 0.5)]])  # a speck
    assert page.seen() is None
    assert page.text("digit") == "?"
    assert page.text("sure") == "Too small to be a digit"
    cells = page.browser.find_elements("css selector", ".cell")
    assert {cell.get_attribute("data-value") for cell in cells} == {""}


@pytest.mark.integration
def test_strokes_are_undone_one_by_one(visit):
    page = visit(small=True)
    page.draw(DIGITS[5][:1])
    first = page.seen()
    page.draw(DIGITS[5][1:])
    assert (page.seen() != first).any()
    page.by_id("undo").click()
    np.testing.assert_array_equal(page.seen(), first)
    page.by_id("pad").send_keys(Keys.CONTROL, "z")
    assert page.seen() is None
    page.draw(DIGITS[1])
    page.by_id("pad").send_keys(Keys.ESCAPE)
    assert page.seen() is None
    assert page.by_id("invitation").is_displayed()


def test_a_digit_is_drawn_by_keys_alone(visit):
    page = visit(small=True)
    pad = page.by_id("pad")
    pad.send_keys(Keys.ARROW_UP * 12, " ", Keys.ARROW_DOWN * 24, " ", Keys.ARROW_LEFT)
    seen = page.seen()
    assert np.ptp(np.flatnonzero((seen > 127).any(axis=1))) >= 18
    assert np.ptp(np.flatnonzero((seen > 127).any(axis=0))) <= 4
    assert page.digit("conv2_relu") == 1
    page.ask("new Promise((done) => setTimeout(done, 600))")
    assert "reads 1" in page.text("spoken")


def test_a_test_digit_is_shown_as_it_is_and_drawn_over(visit, mnist):
    page = visit(small=True)
    page.by_id("random").click()
    seen = page.seen()
    found = np.flatnonzero((mnist.test.images[..., 0] == seen).all(axis=(1, 2)))
    assert len(found) == 1
    assert f"It is a {mnist.test.labels[found[0]]}." in page.text("by")
    assert not page.by_id("keep").is_enabled()  # not one's own hand
    page.draw(DIGITS[7])
    assert page.text("digit") == "7"


@pytest.mark.integration
def test_every_network_shows_its_probabilities_and_the_inside_is_of_the_chosen_one(visit):
    page = visit()
    page.draw(DIGITS[2])
    for row in page.browser.find_elements("css selector", "[data-network]"):
        name = row.get_attribute("data-network")
        shown = [
            float(cell.get_attribute("data-value"))
            for cell in row.find_elements("class name", "cell")
        ]
        found = page.ask("({ ...state.answers.get(a).answer })", name)
        assert shown == list(found.values())
        assert row.find_element("class name", "answer").text == str(np.argmax(shown))
    ballots = page.browser.find_elements("css selector", "#ballots i")
    assert sorted(ballot.get_property("textContent") for ballot in ballots) == list("12345")
    assert page.by_id("ballots").accessible_name == "Votes: 5 for 2"
    for key, count in (("mlp30", 30), ("conv2_relu", 20), ("conv2_relu_dropout_x5-4", 20)):
        page.ask("(byId('shown').value = a, renew().then(() => null))", key)
        strips = page.browser.find_elements("css selector", "#layers .strip")
        assert len(strips[0].find_elements("tag name", "canvas")) == count
        records = page.ask("chosenMember()[1].records")
        assert len(strips) == 1 + len(records)
        painted = page.ask(
            "[...document.querySelectorAll('#layers canvas')].some((each) => new Set(each"
            ".getContext('2d').getImageData(0, 0, each.width, each.height).data).size > 4)"
        )
        assert painted


# --- one's own hand -------------------------------------------------------------------------------


@pytest.mark.integration
def test_a_set_of_drawings_becomes_a_folder_to_train_on(visit, tmp_path):
    page = visit(small=True)
    page.ask("localStorage.clear()")
    kept, digits = [], [7, 1, 4, 1, 4, 7, 1, 7]
    for digit in digits:
        page.draw(DIGITS[digit])
        kept.append(page.seen())
        page.ask(
            "(byId('label').value = a, byId('label').dispatchEvent(new Event('change')),"
            " keep().then(() => null))",
            digit,
        )
    names = [each.accessible_name for each in page.browser.find_elements("css selector", "#kept *")]
    assert names[0] == "7 ×: remove this drawing of a 7"  # noqa: RUF001
    with zipfile.ZipFile(io.BytesIO(saved(page, "savedSet()"))) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path)
    data = zoo.load_data(tmp_path)
    splits = [data.train, data.validation, data.test]
    images = np.concatenate([split.images for split in splits])[..., 0]
    labels = np.concatenate([split.labels for split in splits])
    order = [0, 1, 2, 3, 4, 5, 7, 6]  # the seventh is for the test
    np.testing.assert_array_equal(images, np.stack(kept)[order])
    assert labels.tolist() == [digits[place] for place in order]
    page.browser.refresh()
    assert page.ask("collection.items.map((item) => item.label)") == digits
    page.by_id("kept").find_element("tag name", "button").click()
    assert page.ask("collection.items.length") == 7
    page.ask("localStorage.clear()")


@pytest.mark.integration
def test_a_full_set_leaves_the_drawing_on_the_pad(visit):
    page = visit(small=True)
    page.ask("localStorage.clear()")
    page.ask(
        "(collection.items = Array.from({ length: MOST_KEPT }, () =>"
        " ({ label: 1, bytes: new Uint8Array(784) })), null)"
    )
    page.draw(DIGITS[7])
    page.ask("keep().then(() => null)")
    assert not page.ask("pad.empty")
    assert page.ask("collection.items.length === MOST_KEPT")
    assert "No more are kept" in page.text("kept-note")


# --- two votes ------------------------------------------------------------------------------------


@pytest.mark.integration
def test_of_two_votes_one_speaks_everywhere(visit, mnist, tmp_path):
    names = ["conv2_relu_dropout_x5", "conv2_relu_dropout_x5.long"]
    index = write_page(tmp_path / "votes", page_files(names, data=mnist))
    page = visit(index.as_uri())
    score = entry_of(names[1]).score
    wrong = score.total - score.correct
    assert page.ask("digits.missed") == wrong
    assert page.text("missed-title") == f"The {wrong} that {names[1]} gets wrong"
    page.ask("(showDigit(0), renew().then(() => null))")
    said = page.ask("state.answers.get(vote.name).digit")
    assert page.text("digit") == str(said) != str(page.ask("state.label"))
    assert f"says {names[1]}. It is a {page.ask('state.label')}." in page.text("by")
    assert page.text("voters") == f"The members of {names[1]}"
    assert page.text("progress-text").startswith("2 of 2 networks here")


# --- from a server, and for everybody -------------------------------------------------------------


@pytest.mark.integration
def test_the_page_is_the_same_from_a_server(visit, files):
    with PageServer(files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = visit(server.url)
        page.draw(DIGITS[8])
        assert page.text("digit") == "8"
        assert page.ask("networks.loaded.size") == 11
        names = page.ask("performance.getEntriesByType('resource').map((each) => each.name)")
        assert all(name.startswith((server.url, "blob:", "data:")) for name in names)
        server.shutdown()


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The accessibility checker axe-core, from the npm registry."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("no npm to fetch axe-core with: apt-get install npm")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "pack", AXE, "--silent", "--fetch-retries=0", "--fetch-timeout=20000"]
    got = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90)
    if got.returncode:
        pytest.skip(f"npm cannot fetch {AXE}")
    (archive,) = folder.glob("*.tgz")
    shutil.unpack_archive(archive, folder, filter="data")
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.integration
@pytest.mark.parametrize(("width", "dark"), [(390, False), (1240, True)])
def test_the_page_is_accessible(visit, axe, width, dark):
    page = visit(width=width, dark=dark)
    page.draw(DIGITS[9])
    page.ask("(byId('epsilon').value = 60, renew().then(() => null))")
    page.ask("keep().then(() => null)")
    page.draw(DIGITS[9])
    page.browser.execute_script(axe)
    found = page.ask("axe.run({ resultTypes: ['violations'] }).then((told) => told.violations)")
    page.ask("localStorage.clear()")
    lines = [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes'][:3]]}" for each in found
    ]
    assert not lines, json.dumps(lines, indent=1)
    controls = page.browser.find_elements("css selector", "button, input, select, canvas[tabindex]")
    assert len(controls) > 40
    assert all(control.accessible_name for control in controls)

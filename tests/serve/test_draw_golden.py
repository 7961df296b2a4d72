"""The golden vectors: what Python and the page make of thirty drawings and fifty digits.

`make_golden.py` writes them.
"""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.serve.in_browser import ALL_LOADED, Page
from zoo.data.photos import digit_image
from zoo.serve.draw import page_files, write_page

GOLDEN = Path(__file__).parent / "golden"
SEEN = dict(np.load(GOLDEN / "seen.npz"))
ANSWERS = dict(np.load(GOLDEN / "answers.npz"))
IMAGES, LABELS = ANSWERS.pop("images"), ANSWERS.pop("labels")


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    """The page with the networks of the golden answers, each in the precision of its weights."""
    folder = tmp_path_factory.mktemp("page")
    opened = Page(chromium, write_page(folder, page_files(list(ANSWERS))).as_uri())
    opened.ask(ALL_LOADED)
    return opened


def test_there_are_as_many_vectors_as_there_should_be():
    assert len(SEEN) == 30
    assert {path.stem for path in GOLDEN.glob("*.png")} == set(SEEN)
    assert IMAGES.shape == (50, 28, 28)
    assert set(LABELS) == set(range(10))


@pytest.mark.parametrize("name", SEEN)
def test_python_sees_in_a_drawing_what_it_saw(name):
    off = np.abs(digit_image(GOLDEN / f"{name}.png")[..., 0].astype(int) - SEEN[name])
    assert off.max() <= 1


@pytest.mark.parametrize("name", ANSWERS)
def test_keras_answers_what_it_answered(name):
    outputs = zoo.load(name)(IMAGES[..., None]).numpy()
    np.testing.assert_allclose(outputs, ANSWERS[name], atol=1e-5)


def test_the_page_sees_in_a_drawing_what_python_sees(page):
    for name, expected in SEEN.items():
        picture = base64.b64encode((GOLDEN / f"{name}.png").read_bytes()).decode()
        seen = page.ask(
            "(async () => { const image = new Image();"
            " image.src = `data:image/png;base64,${a}`; await image.decode();"
            " const canvas = new OffscreenCanvas(image.width, image.height);"
            " const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);"
            " const { data, width, height } = pen.getImageData(0, 0, image.width, image.height);"
            " const grey = data.filter((_, i) => i % 4 === 0);"
            " const seen = await networks.thinkers[0].ask('see', { grey, width, height });"
            " return [...seen]; })()",
            picture,
        )
        off = np.abs(np.array(seen).reshape(28, 28) - expected)
        assert off.max() <= 1, name


@pytest.mark.parametrize("name", ANSWERS)
def test_the_page_answers_as_keras_does(page, name):
    outputs = page.outputs([name], IMAGES)[:, 0]
    np.testing.assert_allclose(outputs, ANSWERS[name], atol=1e-4)
    assert (outputs.argmax(axis=1) == ANSWERS[name].argmax(axis=1)).all()


def test_a_page_without_a_vote_shows_none_and_its_console_is_silent(page):
    assert len(page.browser.find_elements("css selector", "[data-network]")) == len(ANSWERS)
    assert not page.browser.find_elements("css selector", ".vote:not([hidden])")
    assert not page.by_id("random").is_enabled()  # no test digits were given
    assert page.browser.get_log("browser") == []

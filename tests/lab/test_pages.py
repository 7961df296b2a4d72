"""The interactive pages in headless Chromium, with real clicks, keys and drags.

Their numbers are held against Python: finite differences of the cost, SciPy, Keras, the book.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.special import expit, softmax

from zoo.errors import RunError
from zoo.lab.chapter4.one_input import deviation, recovered
from zoo.lab.pages import TITLES, page, write_pages

# What the book prints after 0, 50, ... 300 epochs: start, cost, outputs.
BOOK_OUTPUTS = {
    ("good", "quadratic"): (0.82, 0.39, 0.21, 0.15, 0.12, 0.11, 0.09),
    ("bad", "quadratic"): (0.98, 0.98, 0.96, 0.93, 0.80, 0.36, 0.21),
    ("good", "book_frames"): (0.82, 0.50, 0.30, 0.18, 0.11, 0.07, 0.04),
    ("bad", "book_frames"): (0.98, 0.59, 0.36, 0.22, 0.13, 0.08, 0.05),
}
# z4 and the four outputs, as the book's figure shows them; its five digits are good to 1.5e-5.
BOOK_SOFTMAX = {
    0.5: (0.31454, 0.0095, 0.6334, 0.04257),
    2.0: (0.27394, 0.00827, 0.55164, 0.16615),
    5.0: (0.06567, 0.00198, 0.13225, 0.8001),
    -2.0: (0.32733, 0.00989, 0.65915, 0.00363),
    -5.0: (0.32846, 0.00992, 0.66144, 0.00018),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_pages(folder)
    return folder


@pytest.fixture
def visit(chromium, folder):
    """Open a page at a width; complain at the end if its console did.

    Without motion a run of 300 epochs ends at once.
    """

    def opened(name, width=1000, motion="reduce"):
        media = {"features": [{"name": "prefers-reduced-motion", "value": motion}]}
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        size = {"width": width, "height": 1800, "deviceScaleFactor": 1, "mobile": width < 500}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chromium.get((folder / f"{name}.html").as_uri())
        return chromium

    yield opened
    assert chromium.get_log("browser") == []


def value(element):
    return float(element.get_attribute("data-value"))


def by_id(browser, name):
    return browser.find_element("id", name)


def table(browser, name):
    rows = by_id(browser, name).find_elements("tag name", "tr")
    return [[value(cell) for cell in row.find_elements("tag name", "td")] for row in rows]


# --- what holds for every page --------------------------------------------------------------------


def test_a_file_of_the_readers_is_no_page_of_ours(tmp_path):
    (tmp_path / "softmax.html").write_text("mine")
    with pytest.raises(RunError, match="was not written by `python -m zoo lab pages`"):
        write_pages(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["softmax.html"]
    (tmp_path / "softmax.html").unlink()
    assert write_pages(tmp_path) == write_pages(tmp_path), "our own are written again"


def test_pages_are_written_whole_and_need_nothing_from_outside(tmp_path):
    paths = write_pages(tmp_path / "new")
    assert [path.name for path in paths] == ["neuron.html", "softmax.html", "bumps.html"]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text == page(path.stem)
        assert "default-src 'none'" in text
        assert "src=" not in text
        assert "href=" not in text
        assert "import" not in text
        # SVG's name has the form of an address.
        assert set(re.findall(r"\w+://[^\"'\s]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert "#1f4e79" in text  # the lab's first colour


@pytest.mark.integration
@pytest.mark.parametrize("name", TITLES)
@pytest.mark.parametrize("width", [390, 1000])
def test_a_page_fits_its_width_and_every_control_has_a_name(visit, name, width):
    browser = visit(name, width)
    assert browser.title == TITLES[name]
    scroll = browser.execute_script("return document.documentElement.scrollWidth")
    assert scroll <= width
    controls = browser.find_elements("css selector", "input, button, [role=img]")
    assert len(controls) >= 5
    nameless = [control.get_attribute("id") for control in controls if not control.accessible_name]
    assert not nameless


# --- chapter 3's neuron ---------------------------------------------------------------------------


def run_neuron(browser, start, cost):
    browser.find_element("css selector", f"input[value={cost}]").click()
    by_id(browser, start).click()
    by_id(browser, "run").click()
    return table(browser, "frames")


def cost_of(kind, z):
    if kind == "quadratic":
        return 0.5 * expit(z) ** 2
    return np.logaddexp(0, z)  # -ln(1 - sigmoid(z))


def learn(kind, z0, eta, h=1e-4):
    """The cost over 300 epochs, by finite differences; w and b move alike, so z moves twice."""
    z, costs = z0, []
    for _ in range(301):
        costs.append(cost_of(kind, z))
        z -= 2 * eta * (cost_of(kind, z + h) - cost_of(kind, z - h)) / (2 * h)
    return np.array(costs)


@pytest.mark.parametrize(("start", "cost"), BOOK_OUTPUTS)
def test_a_run_shows_the_outputs_that_the_book_prints(visit, start, cost):
    frames = run_neuron(visit("neuron"), start, cost)
    assert [frame[0] for frame in frames] == [0, 50, 100, 150, 200, 250, 300]
    # Two digits, which the book cuts or rounds, of a picture an epoch early or late.
    expected = BOOK_OUTPUTS[start, cost]
    np.testing.assert_allclose([frame[3] for frame in frames], expected, atol=0.0125)


@pytest.mark.parametrize(
    ("start", "z0", "cost", "eta"),
    [
        ("good", 1.5, "quadratic", 0.15),
        ("bad", 4, "quadratic", 0.15),
        ("bad", 4, "cross_entropy", 0.05),
    ],
)
def test_the_cost_falls_as_finite_differences_say(visit, start, z0, cost, eta):
    browser = visit("neuron")
    frames = run_neuron(browser, start, cost)
    expected = learn(cost, z0, eta)
    np.testing.assert_allclose([frame[4] for frame in frames], expected[::50], rtol=1e-5)
    all_costs = browser.execute_script("return frames.map((each) => each.cost)")
    np.testing.assert_allclose(all_costs, expected, rtol=1e-5)
    drawn = browser.find_element("css selector", "#chart polyline").get_attribute("points")
    assert len(drawn.split()) == 301


def test_with_motion_a_run_is_shown_epoch_by_epoch(visit):
    from selenium.webdriver.support.ui import WebDriverWait

    browser = visit("neuron", motion="no-preference")
    assert run_neuron(browser, "bad", "quadratic") == []
    assert value(by_id(browser, "epoch")) < 300
    WebDriverWait(browser, 20).until(lambda each: by_id(each, "scrub").is_enabled())
    assert value(by_id(browser, "epoch")) == 300
    assert table(browser, "frames")[-1][3] == pytest.approx(0.20, abs=0.005)


def test_typed_settings_are_used_and_wrong_ones_refused(visit):
    browser = visit("neuron")
    weight, eta = by_id(browser, "weight"), by_id(browser, "eta")
    weight.clear()
    weight.send_keys("-1.25")
    eta.clear()
    eta.send_keys("0.3\n")
    frames = table(browser, "frames")
    assert frames[0][1:3] == [-1.25, 0.9]
    assert frames[-1][4] == pytest.approx(learn("quadratic", -0.35, 0.3)[-1], rel=1e-5)
    eta.clear()
    eta.send_keys("99\n")
    assert "learning rate η: a number from 0.0001 to 10" in by_id(browser, "message").text
    assert table(browser, "frames") == []


def test_the_epoch_slider_goes_back_in_time_by_keyboard(visit):
    browser = visit("neuron")
    assert not by_id(browser, "scrub").is_enabled()
    run_neuron(browser, "good", "quadratic")
    assert value(by_id(browser, "epoch")) == 300
    by_id(browser, "scrub").send_keys("\ue011")  # Home
    assert value(by_id(browser, "epoch")) == 0
    assert value(by_id(browser, "now-output")) == pytest.approx(expit(1.5))


# --- chapter 3's softmax --------------------------------------------------------------------------


def outputs(browser):
    return [value(by_id(browser, f"a{number}")) for number in (1, 2, 3, 4)]


def test_the_fourth_slider_gives_the_books_five_sets_of_outputs(visit):
    browser = visit("softmax")
    slider = by_id(browser, "z4")
    now = 0.5
    for z4, expected in BOOK_SOFTMAX.items():
        key = "\ue014" if z4 > now else "\ue012"  # arrows to the right and to the left
        slider.send_keys(key * round(10 * abs(z4 - now)))
        now = z4
        assert outputs(browser) == pytest.approx(expected, abs=1.5e-5)
        assert value(by_id(browser, "sum")) == pytest.approx(1, abs=1e-15)


def test_a_dragged_slider_moves_all_bars(visit):
    from selenium.webdriver import ActionChains

    browser = visit("softmax")
    ActionChains(browser).drag_and_drop_by_offset(by_id(browser, "z2"), 120, 0).perform()
    z = [value(by_id(browser, f"z{number}-told")) for number in (1, 2, 3, 4)]
    assert z[1] > 0.5  # dragged from the middle of the slider, 0
    assert [z[0], *z[2:]] == [2.5, 3.2, 0.5]
    np.testing.assert_allclose(outputs(browser), softmax(z), atol=1e-12)
    track = browser.find_element("class name", "bar").size["width"]
    bars = [by_id(browser, f"bar{n}").rect["width"] / track for n in (1, 2, 3, 4)]
    assert bars == pytest.approx(softmax(z), abs=0.002)
    by_id(browser, "reset").click()
    assert outputs(browser) == pytest.approx(BOOK_SOFTMAX[0.5], abs=1.5e-5)


# --- chapter 4's game -----------------------------------------------------------------------------


def heights(browser):
    return [value(by_id(browser, f"h{number}-told")) for number in range(1, 6)]


def drag_bump(browser, number, height, pointer="mouse"):
    """Drag a bump's handle to a height, in the pixels of the chart; the chart spans -3 to 3."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.pointer_input import PointerInput

    handle = browser.find_elements("class name", "handle")[number - 1]
    grid = browser.find_elements("css selector", "#sums .grid, #sums .zero")
    levels = [line.rect["y"] for line in grid if line.rect["width"] > line.rect["height"]]
    pixels = (max(levels) - min(levels)) / 6 * (heights(browser)[number - 1] - height)
    actions = ActionChains(browser, duration=50, devices=[PointerInput(pointer, pointer)])
    actions.click_and_hold(handle).move_by_offset(0, round(pixels)).release().perform()


def numpy_deviation(expected):
    x = np.arange(100) / 100 + 0.005
    f = 0.2 + 0.4 * x * x + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)
    edges = expit(1000 * x - 200 * np.arange(6)[:, None])
    return np.abs(expected @ (edges[:-1] - edges[1:]) - np.log(f / (1 - f))).mean()


@pytest.mark.integration
@pytest.mark.parametrize(("pointer", "width"), [("mouse", 1000), ("touch", 390)])
def test_the_game_is_won_by_dragging(visit, pointer, width):
    browser = visit("bumps", width)
    assert heights(browser) == [0] * 5
    assert value(by_id(browser, "deviation")) == pytest.approx(1.058, abs=5e-4)
    for number, height in enumerate((-1.3, -1.4, -0.3, -1.0, 1.2), start=1):
        assert by_id(browser, "verdict").text == ""
        drag_bump(browser, number, height, pointer)
        assert heights(browser)[number - 1] == pytest.approx(height, abs=0.051)
    assert by_id(browser, "verdict").text == "Success!"
    shown = heights(browser)
    off = value(by_id(browser, "deviation"))
    assert off == pytest.approx(deviation(shown), abs=1e-12)
    assert off == pytest.approx(numpy_deviation(np.array(shown)), abs=1e-12)
    assert off < 0.40


def test_the_recovered_weights_are_those_of_python(visit):
    browser = visit("bumps")
    drag_bump(browser, 2, -0.5)
    rows = np.array(table(browser, "weights"))
    recovered_deviation = recovered([0, -0.5, 0, 0, 0])
    assert rows[2:4, 4].tolist() == [-0.5, 0.5]  # the book's example
    for column, key in enumerate(("step points s", "hidden weights", "hidden biases"), start=1):
        np.testing.assert_allclose(rows[:, column], recovered_deviation[key], atol=1e-9)
    np.testing.assert_allclose(rows[:, 4], recovered_deviation["output weights"])


def test_sliders_move_bumps_by_keyboard_as_far_as_the_limit(visit):
    browser = visit("bumps")
    by_id(browser, "h3").send_keys("\ue014\ue014")
    assert heights(browser) == [0, 0, 0.2, 0, 0]
    by_id(browser, "h3").send_keys("\ue010")  # End
    assert heights(browser)[2] == 3
    drag_bump(browser, 3, -9)
    assert heights(browser)[2] == -3


def test_buttons_give_new_heights_and_a_solution(visit):
    browser = visit("bumps")
    by_id(browser, "fresh").click()
    first = heights(browser)
    assert max(np.abs(first)) <= 1.5
    assert value(by_id(browser, "deviation")) == pytest.approx(deviation(first), abs=1e-12)
    by_id(browser, "fresh").click()
    assert heights(browser) != first
    by_id(browser, "solve").click()
    assert by_id(browser, "verdict").text == "Success!"


def test_the_pages_net_is_the_python_net_for_any_heights(visit):
    browser = visit("bumps")
    for heights_drawn in np.random.default_rng(0).uniform(-3, 3, size=(20, 5)):
        ours = browser.execute_script("return deviation(arguments[0])", heights_drawn.tolist())
        assert ours == pytest.approx(numpy_deviation(heights_drawn), abs=1e-12)

"""A page in Chromium, opened, drawn on and asked, for the tests of the drawing page."""

from __future__ import annotations

import base64
import json
import math

import numpy as np
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput

ALL_LOADED = "loaded.then(() => renew())"


class Page:
    """The drawing page: its pointers, its keys, and the functions of its scripts."""

    def __init__(self, browser, url: str, width: int = 1240, dark: bool = False, scale: int = 1):
        self.browser = browser
        browser.set_script_timeout(120)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": 900, "deviceScaleFactor": scale, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(url)

    def ask(self, expression: str, *arguments):
        """The value of a JavaScript expression, awaited; it may use the arguments a, b, c."""
        names = "const [a, b, c] = arguments, done = arguments[arguments.length - 1];"
        call = (
            f"(async () => ({expression}))().then(done, (error) => done({{ error: `${{error}}` }}))"
        )
        found = self.browser.execute_async_script(f"{names} {call};", *arguments)
        assert not (isinstance(found, dict) and "error" in found), found
        return found

    def by_id(self, name: str):
        return self.browser.find_element("id", name)

    def text(self, name: str) -> str:
        return self.by_id(name).get_property("textContent")

    def draw(self, strokes, kind: str = "mouse") -> None:
        """Draw strokes given in 0..1 of the drawing area, and wait for the answers."""
        box = self.ask("byId('pad').getBoundingClientRect().toJSON()")
        for stroke in strokes:
            actions = ActionBuilder(self.browser, mouse=PointerInput(kind, kind), duration=0)
            pointer = actions.pointer_action
            for number, (x, y) in enumerate(_sparse(stroke)):
                place = (box["left"] + x * box["width"], box["top"] + y * box["height"])
                pointer.move_to_location(*(round(each) for each in place))
                if number == 0:
                    pointer.pointer_down()
            pointer.pointer_up()
            actions.perform()
        self.ask("idle.then(() => null)")

    def seen(self) -> np.ndarray | None:
        """The 28x28 bytes that the networks got, after all answers are there."""
        found = self.ask("idle.then(() => state.shown && Array.from(state.shown))")
        return None if found is None else np.array(found, np.uint8).reshape(28, 28)

    def digit(self, network: str) -> int:
        return self.ask("idle.then(() => state.answers.get(a).digit)", network)

    def load(self, key: str, program) -> None:
        """Give a network of one's own to the page's first worker."""
        record = {"key": key, "records": list(program.layers), "precision": program.precision}
        record |= {"scale": program.scale, "base64": program.base64()}
        self.ask(
            "networks.thinkers[0].ask('load', JSON.parse(a)).then(() => null)", json.dumps(record)
        )

    def outputs(self, keys: list[str], images: np.ndarray, thinker: int = 0) -> np.ndarray:
        """The outputs of networks in a worker, [images, networks, 10]."""
        found = self.ask(
            "(async () => { const found = [];"
            " const bytes = Uint8Array.from(atob(a), (each) => each.charCodeAt(0));"
            " for (let i = 0; i < bytes.length; i += 784) {"
            "   const task = { keys: b, bytes: bytes.slice(i, i + 784) };"
            "   found.push((await networks.thinkers[c].ask('answer', task)).map((y) => [...y]));"
            " } return found; })()",
            base64.b64encode(images.astype(np.uint8).tobytes()).decode(),
            keys,
            thinker,
        )
        return np.array(found)

    def gradient(self, keys: list[str], image: np.ndarray, digit: int) -> np.ndarray:
        """The gradient of the networks' summed costs by the pixels, [28, 28]."""
        found = self.ask(
            "networks.thinkers[0].ask('gradient', { keys: a, bytes: b, digit: c })"
            ".then((found) => [...found])",
            keys,
            image.ravel().tolist(),
            digit,
        )
        return np.array(found).reshape(28, 28)


def _sparse(stroke):
    """The stroke without points close to both neighbours: each takes the driver a while."""
    kept = stroke[:1]
    for point, following in zip(stroke[1:], [*stroke[2:], None], strict=False):
        if not following or math.dist(kept[-1], point) > 0.06 or math.dist(point, following) > 0.1:
            kept.append(point)
    return kept

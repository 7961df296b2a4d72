"""Write the golden vectors, which Python's tests and the browser's read alike.

    python -m tests.serve.make_golden

`golden/NAME.png` are drawings, `golden/seen.npz` the 28x28 bytes that Python makes of each, and
`golden/answers.npz` fifty test images with the outputs of some networks. Run it again only where
zoo/data/photos.py or the pretrained weights have changed, and look at what changed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.serve.strokes import DIGITS, HOOK, Stroke, turned

GOLDEN = Path(__file__).parent / "golden"
NETWORKS = ("conv2_relu", "mlp30", "conv2_tanh", "conv2_relu_dropout")
IMAGES = 50


def drawing(
    strokes: list[Stroke], size=(320, 320), pen=22.0, box=(20, 20, 280, 280), ink=0, paper=255
) -> Image.Image:
    """Strokes in `box` (left, top, width, height), soft at their edges."""
    fine = 4
    picture = Image.new("L", (size[0] * fine, size[1] * fine), paper)
    draw = ImageDraw.Draw(picture)
    for stroke in strokes:
        points = [((box[0] + x * box[2]) * fine, (box[1] + y * box[3]) * fine) for x, y in stroke]
        draw.line(points, fill=ink, width=round(pen * fine))
        for x, y in points:
            radius = pen * fine / 2
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return picture.reduce(fine)


def drawings() -> dict[str, Image.Image]:
    """Thirty drawings: every digit, and what a hand may do with pens, sizes and places."""
    made = {f"digit{digit}": drawing(strokes) for digit, strokes in DIGITS.items()}
    made |= {f"hook{n}": drawing(turned(HOOK, n)) for n in range(4)}
    made |= {f"pen{pen}": drawing(DIGITS[2], pen=pen) for pen in (2, 6, 12, 40)}
    made |= {
        "small": drawing(DIGITS[5], box=(200, 40, 60, 70)),
        "tiny": drawing(DIGITS[3], pen=2.5, box=(40, 230, 16, 19)),
        "flat": drawing(DIGITS[7], box=(20, 120, 280, 90)),
        "narrow": drawing(DIGITS[8], box=(40, 20, 70, 280)),
        "corner": drawing(DIGITS[6], box=(180, 180, 130, 130), pen=12),
        "stroke": drawing([[(0.1, 0.3), (0.9, 0.62)]]),
        "dot": drawing([[(0.4, 0.4), (0.43, 0.41)]]),
        "two_parts": drawing([DIGITS[5][0], [(0.5, 0.02), (0.9, 0.0)]]),
        "speck": drawing([*DIGITS[4], [(0.05, 0.9), (0.051, 0.9)]], pen=11),
        "grey_ink": drawing(DIGITS[9], ink=120),
        "white_on_black": drawing(DIGITS[3], ink=255, paper=0),
        "small_picture": drawing(DIGITS[0], size=(90, 64), pen=5, box=(5, 5, 60, 55)),
    }
    return made


def main() -> None:
    """Write the pictures, what Python sees in them, and the outputs."""
    import zoo
    from zoo.data.photos import digit_image

    GOLDEN.mkdir(exist_ok=True)
    seen = {}
    for name, picture in drawings().items():
        picture.save(GOLDEN / f"{name}.png", optimize=True)
        seen[name] = digit_image(GOLDEN / f"{name}.png")[..., 0]
    np.savez_compressed(GOLDEN / "seen.npz", **seen)
    test = zoo.load_data(progress=False).test
    # Every two hundredth, from those that networks find hard as well as from the others.
    chosen = np.arange(IMAGES) * (len(test) // IMAGES)
    outputs = {name: zoo.load(name).predict(test.images[chosen], verbose=0) for name in NETWORKS}
    np.savez_compressed(
        GOLDEN / "answers.npz",
        images=test.images[chosen][..., 0],
        labels=test.labels[chosen].astype(np.uint8),
        **outputs,
    )


if __name__ == "__main__":
    main()

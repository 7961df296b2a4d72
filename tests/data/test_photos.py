"""Digits in pictures: shapes whose place is known, real digits disguised as photos, bad files."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFile
from scipy import ndimage
from sklearn.neighbors import KNeighborsClassifier

from tests.paths import ATTACKS
from zoo.data import decoding
from zoo.data.photos import digit_image, digit_images
from zoo.errors import DataError

# Turned or mirrored, an F is no F.
F = np.kron([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], np.ones((16, 16))) > 0


@pytest.fixture
def seen(tmp_path):
    """Save a picture, an array or one of Pillow's, and read the digit in it: [28, 28]."""

    def read(picture, kind: str = "png", **options) -> np.ndarray:
        if isinstance(picture, np.ndarray) and picture.dtype == bool:
            picture = np.where(picture, 0, 255).astype(np.uint8)
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        path = tmp_path / f"picture.{kind}"
        picture.save(path, "JPEG" if kind == "jpg" else "PNG", **options)
        image = digit_image(path)
        assert image.shape == (28, 28, 1)
        assert image.dtype == np.uint8
        return image[..., 0]

    return read


def refused(path) -> str:
    with pytest.raises(DataError) as caught:
        digit_image(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def on_paper(mask: np.ndarray, shape=(240, 320), top=70, left=110) -> np.ndarray:
    paper = np.zeros(shape, bool)
    paper[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return paper


def box(image: np.ndarray) -> tuple[int, int]:
    return tuple(np.ptp(np.flatnonzero((image > 127).any(axis=axis))) + 1 for axis in (1, 0))


# Shapes whose place is known.


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(100, 20, (20, 4)), (30, 150, (4, 20)), (80, 80, (20, 20)), (10, 2, (20, 4))],
)
def test_a_bar_fills_a_box_of_20_and_lies_on_its_centre_of_mass(seen, height, width, expected):
    image = seen(on_paper(np.ones((height, width), bool), left=9))
    assert box(image) == expected
    assert ndimage.center_of_mass(image) == pytest.approx((14, 14), abs=0.51)
    assert image.max() == 255
    assert image.sum() / 255 == pytest.approx(expected[0] * expected[1], rel=0.08)


def test_mass_not_the_box_is_centred(seen):
    image = seen(on_paper(F))
    # Of the squares' centres, 8 in all, the mean row is 13/8 of 5 and the mean column 4/8 of 3;
    # a square is 4 pixels long, so its middle lies 1.5 from its first.
    top, left = (round(14 - (4 * mean + 1.5)) for mean in (13 / 8, 4 / 8))
    expected = np.zeros((28, 28))
    expected[top : top + 20, left : left + 12] = 255 * F[2::4, 2::4]
    assert np.abs(image - expected).mean() < 6  # edges are smoothed, nothing is moved
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.98
    assert np.corrcoef(image.ravel(), np.roll(expected, 1).ravel())[0, 1] < 0.95


def test_mnists_images_come_out_as_they_were(seen, mnist):
    images = mnist.test.images[:200, ..., 0].astype(int)
    for came in (
        [seen(i) for i in images.astype(np.uint8)],
        [seen(i) for i in (255 - images).astype(np.uint8)],
    ):
        off = np.abs(came - images).max(axis=(1, 2))
        # Up to 5 of 255 is taken for paper; specks, and a grey shade about the digit, go.
        assert (off <= 6).mean() > 0.97
        assert np.median(off) <= 5


# The same picture in other files.


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_all_kinds_of_png_are_read(seen, mode):
    grey = Image.fromarray(np.where(on_paper(F), 0, 255).astype(np.uint8))
    if mode == "I;16":
        # 30,000 of 65,535 is ink, and Pillow's own conversion would make it white.
        picture = Image.fromarray(np.where(on_paper(F), 30_000, 65_535).astype(np.uint16))
    else:
        picture = grey.convert(mode)
    assert picture.mode == mode
    np.testing.assert_array_equal(seen(picture), seen(grey))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_all_kinds_of_jpeg_are_read(seen, mode):
    picture = Image.fromarray(np.where(on_paper(F), 20, 235).astype(np.uint8)).convert("RGB")
    image = seen(picture.convert(mode), "jpg", quality=90)
    assert np.corrcoef(image.ravel(), seen(on_paper(F)).ravel())[0, 1] > 0.98


def test_what_is_transparent_is_white(seen):
    picture = np.zeros((240, 320, 4), np.uint8)  # black ink on nothing, and nothing is black too
    picture[..., 3] = 255 * on_paper(F)
    np.testing.assert_array_equal(seen(picture), seen(on_paper(F)))
    palette = Image.fromarray(on_paper(F).astype(np.uint8)).convert("P")
    palette.putpalette([0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(seen(palette, transparency=0), seen(on_paper(F)))


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_the_orientation_that_the_camera_noted_is_undone(seen, kind):
    upright = Image.fromarray(np.where(on_paper(F), 0, 255).astype(np.uint8))
    way = Image.Transpose
    stored = {2: way.FLIP_LEFT_RIGHT, 3: way.ROTATE_180, 4: way.FLIP_TOP_BOTTOM}
    stored |= {5: way.TRANSPOSE, 6: way.ROTATE_90, 7: way.TRANSVERSE, 8: way.ROTATE_270}
    for orientation, turn in stored.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = seen(upright.transpose(turn), kind, exif=exif)
        assert np.corrcoef(image.ravel(), seen(on_paper(F)).ravel())[0, 1] > 0.98, orientation


def test_a_large_photo_is_read_like_a_small_one(seen):
    large = np.kron(on_paper(F), np.ones((10, 10), bool))
    for kind in ("png", "jpg"):
        assert np.abs(seen(large, kind) - seen(on_paper(F)).astype(int)).mean() < 3


# Real digits, disguised.


def _paper(digit: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A digit seven times as large somewhere on 250x300, 0 to 1."""
    large = Image.fromarray(digit).resize((196, 196), Image.Resampling.BICUBIC)
    paper = np.zeros((250, 300))
    top, left = generator.integers(0, (55, 105))
    paper[top : top + 196, left : left + 196] = np.asarray(large) / 255
    return paper


def _shade() -> np.ndarray:
    y, x = np.mgrid[:250, :300]
    return 1 - 0.3 * x / 300 - 0.2 * (y / 250) ** 2


def _noisy(grey: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return grey + 0.04 * generator.standard_normal(grey.shape)


DISGUISES = {
    "white on black": ("png", lambda ink, _: ink),
    "blackboard": ("jpg", lambda ink, g: _noisy(0.1 + 0.2 * _shade() + 0.6 * ink, g)),
    "pen on shaded paper": ("jpg", lambda ink, g: _noisy(0.9 * _shade() * (1 - 0.8 * ink), g)),
    "pencil": ("jpg", lambda ink, _: 0.85 * _shade() * (1 - 0.2 * ink)),
    "fax": ("png", lambda ink, _: 1.0 * (ink < 0.5)),
}


@pytest.fixture(scope="module")
def neighbour(mnist):
    """The nearest of 10,000 training digits: no keen judge, but one that minds pixels."""
    train = mnist.train.take(10_000)
    return KNeighborsClassifier(1).fit(train.images.reshape(-1, 784), train.labels)


@pytest.mark.integration
@pytest.mark.parametrize(
    "disguise",
    [
        name if name in {"blackboard", "fax"} else pytest.param(name, marks=pytest.mark.integration)
        for name in DISGUISES
    ],
)
def test_disguised_digits_are_recognized_as_well_as_the_originals(seen, mnist, neighbour, disguise):
    kind, dress = DISGUISES[disguise]
    generator = np.random.default_rng(0)
    test = mnist.test.take(60)
    came = []
    for image in test.images[..., 0]:
        grey = dress(_paper(image, generator), generator)
        came.append(seen((255 * grey.clip(0, 1)).astype(np.uint8), kind))
    right = [
        (neighbour.predict(np.reshape(images, (-1, 784))) == test.labels).mean()
        for images in (test.images, came)
    ]
    alike = [_likeness(*pair) for pair in zip(test.images[..., 0], came, strict=True)]
    assert right[1] >= right[0] - 0.05
    assert np.mean(alike) > 0.93


def _likeness(image: np.ndarray, came: np.ndarray) -> float:
    """The correlation, shifted by a pixel where that is better: centres are rounded either way."""
    shifts = [(rows, columns) for rows in (-1, 0, 1) for columns in (-1, 0, 1)]
    return max(
        np.corrcoef(image.ravel(), np.roll(came, shift, (0, 1)).ravel())[0, 1] for shift in shifts
    )


# Strokes, specks and what lies about.


def test_a_digit_of_several_strokes_is_kept_whole(seen):
    five = np.zeros((240, 320), bool)
    five[60:66, 140:180] = True  # the bar, away from the rest
    five[75:180, 120:132] = five[174:180, 120:180] = True
    image = seen(five)
    assert box(image)[0] == 20
    assert image[: 14 - 6, 16:].max() > 127


def test_specks_and_what_sticks_out_of_the_picture_are_dropped(seen):
    littered = on_paper(F)
    littered[10:14, 300:303] = littered[200:203, 20:26] = True  # dirt
    littered[0:30, 0:40] = littered[-25:, -90:] = True  # the table
    littered[100:140, -6:] = True  # a neighbour
    assert np.abs(seen(littered) - seen(on_paper(F)).astype(int)).max() < 6


def test_faint_ink_counts_in_full_beside_a_dark_table(seen):
    grey = np.where(on_paper(F), 130, 240).astype(np.uint8)
    grey[-25:, -90:] = 40
    assert np.abs(seen(grey) - seen(on_paper(F)).astype(int)).max() < 6


def test_a_digit_that_touches_the_edge_is_kept_where_there_is_no_other(seen):
    assert np.abs(seen(on_paper(F, top=0)) - seen(on_paper(F)).astype(int)).max() < 6


def test_thin_strokes_become_as_thick_as_mnists(seen):
    picture = Image.new("L", (900, 700), 240)
    ImageDraw.Draw(picture).line([(300, 150), (500, 150), (380, 550)], fill=30, width=5)
    image = seen(picture)
    assert box(image)[0] == 20
    across = (image[10:20] / 255).sum(axis=1)
    assert 1.5 < across.mean() < 3
    assert image[8:22].max(axis=1).min() > 180


def test_paper_that_is_noisy_shows_the_digit_all_the_same(seen, mnist):
    generator = np.random.default_rng(0)
    ink = _paper(mnist.test.images[0, ..., 0], generator)
    grey = 120 * (1 - 0.7 * ink) + 20 * generator.standard_normal(ink.shape)
    assert _likeness(mnist.test.images[0, ..., 0], seen(grey.clip(0, 255).astype(np.uint8))) > 0.85


# Files that are refused.


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    message = refused(tmp_path / "none.png")
    assert str(tmp_path / "none.png") in message
    assert "No such file" in message
    assert "Is a directory" in refused(str(tmp_path))


def dots(path, rows: int, apart: int):
    """A picture of rows x rows dots of 7x7 pixels."""
    grey = np.full((apart * rows + 10, apart * rows + 10), 255, np.uint8)
    for row in range(rows):
        for column in range(rows):
            top, left = 10 + apart * row, 10 + apart * column
            grey[top : top + 7, left : left + 7] = 0
    Image.fromarray(grey).save(path)
    return path


def test_pictures_of_too_many_strokes_or_digits_are_refused_at_once(tmp_path):
    path = tmp_path / "dots.png"
    with pytest.raises(DataError, match=r"dots.png shows 400 separate strokes, more than 256"):
        digit_images(dots(path, 20, 14))
    with pytest.raises(DataError, match=r"dots.png shows 81 digits, more than 64: crop it"):
        digit_images(dots(path, 9, 14))
    found = digit_images(dots(path, 8, 14))
    assert len(found) == 64
    assert [digit.box[0] for digit in found[:3]] == [10, 24, 38]


def test_other_formats_are_refused_whatever_their_name(tmp_path):
    for kind in ("PPM", "EPS"):
        path = tmp_path / f"{kind}.png"
        Image.fromarray(on_paper(F)).convert("RGB").save(path, kind)
        assert "is not a PNG, JPEG, WebP, TIFF, GIF or BMP file" in refused(path)
    (tmp_path / "empty.png").touch()
    assert "begins with nothing. Save" in refused(tmp_path / "empty.png")
    assert "begins with 3c 21 64 6f" in refused(ATTACKS / "not_an_image.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_cut_short_anywhere_is_refused(tmp_path, kind):
    raw, path = _encoded(kind), tmp_path / "cut"
    # What ends a PNG are checksums and an empty chunk: its pixels are all there before.
    whole = len(raw) - (24 if kind == "PNG" else 0)
    for cut in (*range(0, whole, 7), whole - 1):
        path.write_bytes(raw[:cut])
        assert "Save the picture" in refused(path)
    assert "Cannot decode" in refused(ATTACKS / "truncated.jpg")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damage_anywhere_is_refused_or_harmless(tmp_path, kind):
    raw, path = _encoded(kind), tmp_path / "damaged"
    generator = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(raw)
        for place in generator.integers(len(raw), size=3):
            damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            assert digit_image(path).shape == (28, 28, 1)


def _encoded(kind: str) -> bytes:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.random.default_rng(0).integers(0, 30, (48, 64), dtype=np.uint8)
    picture = Image.fromarray(
        noise + np.where(on_paper(F[::4, ::4], (48, 64), 10, 20), 0, 200).astype(np.uint8)
    )
    picture.save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (1, 60), (60, 1), (2, 2), (28, 28), (3, 900), (300, 200)])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_blank_picture_shows_no_digit(tmp_path, size, grey):
    path = tmp_path / "blank.png"
    Image.new("L", size, grey).save(path)
    assert "shows no digit" in refused(path)


def test_one_pixel_or_noise_is_no_digit(tmp_path):
    assert "shows no digit" in refused(ATTACKS / "one_pixel.png")
    path = tmp_path / "noise.png"
    generator = np.random.default_rng(0)
    for spread in (2, 20, 200):
        noise = 128 + spread * generator.uniform(-0.5, 0.5, (200, 300)) * _shade()[:200]
        Image.fromarray(noise.astype(np.uint8)).save(path)
        assert "shows no digit" in refused(path)
    dot = np.full((200, 300), 255, np.uint8)
    dot[90:93, 100:104] = 0
    Image.fromarray(dot).save(path)
    assert "shows no digit" in refused(path)


@pytest.mark.parametrize("size", [(20_000, 20_000), (8000, 8000), (10_000, 10_000), (1, 2**31 - 1)])
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch, size):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    path = tmp_path / "huge.png"
    header = struct.pack(">IIBBBBB", *size, 16, 6, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"x"))
    assert "more than 50,000,000 pixels. Scale it down" in refused(path)
    assert "more than 50,000,000 pixels" in refused(ATTACKS / "huge.png")


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def test_the_limits_are_what_they_say(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    Image.fromarray(~on_paper(F)).save(path)
    monkeypatch.setattr(decoding, "MOST_PIXELS", 240 * 320)
    monkeypatch.setattr(decoding, "MOST_BYTES", path.stat().st_size)
    digit_image(path)
    monkeypatch.setattr(decoding, "MOST_PIXELS", 240 * 320 - 1)
    assert "more than 76,799 pixels" in refused(path)
    monkeypatch.setattr(decoding, "MOST_BYTES", path.stat().st_size - 1)
    assert "is larger than" in refused(path)


def test_text_that_unpacks_to_gigabytes_is_refused(tmp_path):
    picture = io.BytesIO()
    Image.fromarray(~on_paper(F)).save(picture, "PNG")
    raw, path = picture.getvalue(), tmp_path / "bomb.png"
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(64 * 2**20)))
    path.write_bytes(raw[:33] + text + raw[33:])  # right behind the header
    assert "Cannot decode" in refused(path)


def test_every_attack_is_named():
    text = (ATTACKS / "README.md").read_text()
    assert not [path.name for path in ATTACKS.glob("*.[!m]*") if path.name not in text]


def test_what_a_file_may_cost_is_bounded(tmp_path):
    path = tmp_path / "thin.png"
    header = struct.pack(">IIBBBBB", 1, 50_000_000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"x"))
    assert "no side may be longer than 30,000. Crop it" in refused(path)
    header = struct.pack(">IIBBBBB", 7071, 7071, 8, 6, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"x"))
    assert "takes 200 MB when it is decoded, more than the 100 MB" in refused(path)
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (16_382).to_bytes(3, "little") * 2
    path.write_bytes(b"RIFF" + struct.pack("<I", 22) + b"WEBP" + canvas)
    assert "more than 50,000,000 pixels" in refused(path)


def test_a_jpeg_of_very_many_scans_is_refused(tmp_path):
    stream = io.BytesIO()
    Image.new("L", (2000, 2000), 200).save(stream, "JPEG", progressive=True)
    raw, path = stream.getvalue(), tmp_path / "scans.jpg"
    last = raw.rindex(b"\xff\xda")
    path.write_bytes(raw[:-2] + raw[last:-2] * 200 + raw[-2:])
    assert "scans over 4,000,000 pixels, which would take long. Save it as a baseline" in refused(
        path
    )


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "is no regular file" in refused(tmp_path / "pipe")

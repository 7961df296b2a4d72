"""What decoding costs, whether it can be stopped, and that strips leave no trace."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.paths import ROOT
from zoo.data import decoding
from zoo.data.decoding import decoded
from zoo.errors import DataError


def _seven(side: int) -> Image.Image:
    picture = Image.new("L", (side, side), 255)
    points = [(0.3, 0.2), (0.6, 0.2), (0.4, 0.8)]
    line = [(side * x, side * y) for x, y in points]
    ImageDraw.Draw(picture).line(line, fill=0, width=side // 20)
    return picture


# Not getrusage: a process begins with the peak of the one that started it.
PEAK = """
import re, sys
from pathlib import Path
from zoo.data.photos import digit_image
digit_image(sys.argv[1])
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak there")
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_the_largest_picture_with_transparency_takes_less_than_300_megabytes(mode, tmp_path):
    # 5000 x 5000 in four bytes a pixel are all that MOST_MEMORY admits.
    assert decoding.MOST_MEMORY == 4 * 5000**2
    path = tmp_path / "large.png"
    _seven(5000).convert(mode).save(path, compress_level=1)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert 100 < int(done.stdout) / 1000 < 300


def test_a_webp_counts_for_the_copies_that_its_decoder_makes(tmp_path):
    path = tmp_path / "photo.webp"
    Image.new("RGB", (4000, 3200)).save(path, quality=1)
    with pytest.raises(DataError, match="takes 102 MB when it is decoded"):
        decoded(path)
    Image.new("RGB", (4032, 3024)).save(path, quality=1)  # a camera's 12 million pixels
    assert decoded(path).width == 4032


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "F"])
@pytest.mark.parametrize("size", [(1237, 1501), (640, 1999), (1100, 30)])
def test_strips_leave_no_trace(mode, size, tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    grey = Image.fromarray(random.integers(0, 256, size[::-1], dtype=np.uint8))
    if mode == "I;16":
        picture = Image.fromarray(random.integers(0, 65_536, size[::-1], dtype=np.uint16))
    elif mode == "F":
        picture = Image.fromarray(random.random(size[::-1], dtype=np.float32) * 255)
    elif mode in ("RGBA", "LA"):
        picture = grey.convert("RGB").convert(mode)
        picture.putalpha(grey.transpose(Image.Transpose.ROTATE_180))
    else:
        picture = grey.convert(mode)
    path = tmp_path / "picture.tif"
    picture.save(path)
    whole = decoded(path).grey
    assert whole.std() > 0.01
    monkeypatch.setattr(decoding, "_STRIP", 5000)
    np.testing.assert_array_equal(decoded(path).grey, whole)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to a thread")
def test_ctrl_c_is_answered_while_a_picture_is_decoded(tmp_path):
    # A hundred scans over four million pixels: as long as any picture may take.
    stream = io.BytesIO()
    _seven(2000).save(stream, "JPEG", progressive=True)
    raw, path = stream.getvalue(), tmp_path / "slow.jpg"
    last = raw.rindex(b"\xff\xda")
    scans = decoding.MOST_SCANNED // 2000**2 - raw.count(b"\xff\xda")
    path.write_bytes(raw[:-2] + raw[last:-2] * scans + raw[-2:])
    assert decoded(path).width == 2000
    main_thread = threading.main_thread().ident
    interrupt = (main_thread, signal.SIGINT)
    timer = threading.Timer(0.1, signal.pthread_kill, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        _decode_for_ever(path)
    timer.join()


def _decode_for_ever(path: Path) -> None:
    while True:  # each takes a fraction of a second
        decoded(path)

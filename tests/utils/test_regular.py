"""What can be read to its end."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.utils.regular import is_readable_to_its_end


def test_files_and_folders_end_and_pipes_and_devices_do_not(tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("pipe")
    os.mkfifo(tmp_path / "pipe")
    assert is_readable_to_its_end(tmp_path / "file")
    assert is_readable_to_its_end(tmp_path)
    assert not is_readable_to_its_end(tmp_path / "pipe")
    assert not is_readable_to_its_end(tmp_path / "link")
    assert not is_readable_to_its_end(Path("/dev/zero"))


def test_what_is_missing_is_left_to_whoever_opens_it(tmp_path):
    assert is_readable_to_its_end(tmp_path / "missing")
    assert is_readable_to_its_end(Path("a\0b"))

"""Files appear whole or not at all."""

from __future__ import annotations

import pytest

from zoo.utils.atomic import atomic_directory, atomic_write, remove_stale_temporaries


def test_a_file_is_replaced_only_when_all_went_well(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with atomic_write(path) as temporary:
        temporary.write_text("old")
        assert temporary.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "old"


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, interruption):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail():
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise interruption

    with pytest.raises(interruption):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole(tmp_path):
    with atomic_directory(tmp_path / "data") as temporary:
        (temporary / "a").write_text("1")
        assert not (tmp_path / "data").exists()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["a"]


def test_whoever_comes_second_finds_the_first_ones_folder(tmp_path):
    with atomic_directory(tmp_path / "data") as ours:
        (ours / "a").write_text("ours")
        with atomic_directory(tmp_path / "data") as theirs:
            (theirs / "a").write_text("theirs")
    assert (tmp_path / "data" / "a").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_failed_folder_leaves_nothing(tmp_path):
    def fail():
        with atomic_directory(tmp_path / "data") as temporary:
            (temporary / "a").write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert not list(tmp_path.iterdir())


def test_sweeping_takes_what_a_kill_left_and_nothing_else(tmp_path):
    kept = {".hidden", ".notes-2024.txt", "run.json", ".git-ab12"}
    for name in kept:
        (tmp_path / name).touch()
    with atomic_write(tmp_path / "run.json") as temporary:
        temporary.write_text("{}")
        left = temporary.with_name(temporary.name.replace("run", "other"))
        left.touch()
    remove_stale_temporaries(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
    remove_stale_temporaries(tmp_path / "nowhere")

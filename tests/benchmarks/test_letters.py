"""The letters of benchmarks/letters.py: a set that load_data takes, with fonts apart."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest

from benchmarks.letters import find_fonts, main
from zoo.data import load_data
from zoo.errors import DataError

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def test_fonts_are_found_by_foundry_and_those_without_letters_left_out(tmp_path):
    foundries = find_fonts(FONTS)
    assert {"DejaVu", "STIXGeneral"} <= set(foundries)
    assert len(foundries["DejaVu"]) >= 8
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(DataError, match="0 foundries with the letters A to Z; at least 3"):
        find_fonts(tmp_path)


def test_the_folder_is_a_set_of_26_classes_and_the_same_each_time(tmp_path, capsys):
    def written(name: str):
        arguments = [str(tmp_path / name), "--fonts", str(FONTS), "--train", "8", "--test", "2"]
        assert main(arguments) == 0
        return load_data(tmp_path / name, progress=False)

    data = written("first")
    assert (data.shape, data.class_names) == ((32, 32, 1), tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    assert [len(data.train), len(data.validation), len(data.test)] == [182, 26, 52]
    assert np.median(data.train.images) < 80, "light ink on a dark ground"
    assert (data.train.images.max(axis=(1, 2, 3)) > 120).all()
    lines = capsys.readouterr().out.splitlines()[:2]
    train, test = (set(line.split(": ")[2].split(", ")) for line in lines)
    assert train
    assert test
    assert not train & test
    assert written("second").fingerprint == data.fingerprint
    assert main([str(tmp_path / "first"), "--fonts", str(FONTS)]) == 1
    assert "is there already" in capsys.readouterr().err

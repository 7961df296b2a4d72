"""Kinds of layer that a user registers: once more in a notebook, and never over another's."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from zoo.errors import SpecError
from zoo.spec import KINDS, Softmax
from zoo.spec.layers import checked, register_layer


def _cell() -> type:
    @register_layer
    @dataclass(frozen=True)
    class Twice(Softmax):
        pass

    return Twice


def test_a_cell_that_registers_a_layer_may_be_run_again(monkeypatch):
    monkeypatch.setitem(KINDS, "Twice", _cell())
    again = _cell()
    assert KINDS["Twice"] is again
    assert checked([again(3)], "x") == (again(3),)


def test_a_name_of_another_kind_stays_taken():
    with pytest.raises(SpecError, match="'Softmax' is there already"):
        register_layer(type("Softmax", (), {}))
    assert KINDS["Softmax"] is Softmax

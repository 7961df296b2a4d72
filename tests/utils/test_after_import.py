"""Work waits for the import of a module, and not for a look whether it is there."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

from zoo.utils.after_import import after_import

NAME = "zoo_watched_module"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The file of a module that nothing has imported."""
    finders = list(sys.meta_path)
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / f"{NAME}.py"
    file.write_text("VALUE = 7\n")
    yield file
    sys.meta_path[:] = finders
    sys.modules.pop(NAME, None)


def test_a_look_whether_it_is_there_is_no_import(module):
    seen = []
    after_import(NAME, lambda: seen.append(sys.modules[NAME].VALUE))
    for _ in range(2):
        assert importlib.util.find_spec(NAME).origin == str(module)
    assert seen == []
    imported = importlib.import_module(NAME)
    assert seen == [7]
    importlib.reload(imported)
    assert seen == [7], "at most once"


def test_what_could_not_be_imported_is_waited_for(module):
    module.unlink()
    seen = []
    after_import(NAME, lambda: seen.append("imported"))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(NAME)
    module.write_text("raise ValueError('half made')")
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match="half made"):
        importlib.import_module(NAME)
    module.write_text("VALUE = 'of another length'\n")
    importlib.import_module(NAME)
    assert seen == ["imported"]


def test_two_may_wait_for_one_module(module):
    seen = []
    after_import(NAME, lambda: seen.append("first"))
    after_import(NAME, lambda: seen.append("second"))
    importlib.util.find_spec(NAME)
    importlib.import_module(NAME)
    assert sorted(seen) == ["first", "second"]
    after_import(NAME, lambda: seen.append("at once"))
    assert seen[2] == "at once"


def test_the_module_looks_as_if_nobody_had_watched(module):
    after_import(NAME, int)
    assert "VALUE" in importlib.util.find_spec(NAME).loader.get_source(NAME)
    imported = importlib.import_module(NAME)
    assert type(imported.__loader__) is importlib.machinery.SourceFileLoader
    assert imported.__spec__.loader is imported.__loader__

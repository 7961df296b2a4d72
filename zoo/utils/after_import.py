"""Work that waits until somebody imports a module, such as Keras, which takes seconds to import."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def after_import(name: str, action: Callable[[], object]) -> None:
    """Call `action` once a module is imported: now, if it is, or else right after it will be.

    Args:
        name: The module's full name.
        action: It is called with no argument, at most once.
    """
    if sys.modules.get(name):  # None, where its import is forbidden
        action()
    else:
        sys.meta_path.insert(0, _Watch(name, action))


class _Watch(MetaPathFinder):
    """Lets the finders behind it find the module, and waits until the module is executed.

    To be found is not to be imported: `importlib.util.find_spec` looks for a module as well.
    """

    def __init__(self, name: str, action: Callable[[], object]):
        self.name = name
        self.action = action

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name or self not in sys.meta_path:
            return None
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            if spec := finder.find_spec(fullname, path, target):
                if spec.loader is not None:
                    spec.loader = _Watched(spec.loader, self)
                return spec
        return None

    def end(self) -> None:
        """Stop watching, and act, unless that was done before."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            self.action()


class _Watched(Loader):
    """A module's own loader until it executes the module, whose execution it tells a watch."""

    def __init__(self, loader: Loader, watch: _Watch):
        self.loader = loader
        self.watch = watch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        self.watch.end()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

"""The shell of `python -m zoo book`: the book's snippets run in it as they are printed."""

from __future__ import annotations

import code
import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

# The modules that the book's snippets import by these names.
MODULES = (
    "mnist_loader",
    "network",
    "network2",
    "network3",
    "expand_mnist",
    "mnist_svm",
    "mnist_average_darkness",
)

BANNER = """The programs of 'Neural Networks and Deep Learning', on Keras.
Imported: {modules}.
Begin as the book does:

  training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
  net = network.Network([784, 30, 10])
  net.SGD(training_data, 30, 10, 3.0, test_data=test_data)

net.spec and net.model are the same network as the zoo has it."""


def modules() -> dict[str, ModuleType]:
    """The book's modules under the book's names."""
    return {name: importlib.import_module(f"zoo.book.{name}") for name in MODULES}


def use_book_names() -> dict[str, ModuleType]:
    """Let `import network` and the like find the modules of `zoo.book` in this process.

    A module of that name that is imported already is replaced until the process ends.
    """
    known = modules()
    sys.modules.update(known)
    return known


def main() -> int:
    """Open the shell, IPython where it is installed; return 0 when it is left."""
    names: dict[str, Any] = dict(use_book_names())
    names |= {"np": importlib.import_module("numpy"), "zoo": importlib.import_module("zoo")}
    banner = BANNER.format(modules=", ".join(MODULES))
    if importlib.util.find_spec("IPython"):
        from IPython import start_ipython
        from traitlets.config import Config

        options = Config()
        options.TerminalInteractiveShell.banner1 = banner + "\n"
        start_ipython(argv=[], user_ns=names, config=options)
    else:
        code.interact(banner, local={"__name__": "__main__", **names}, exitmsg="")
    return 0


if __name__ == "__main__":
    sys.exit(main())

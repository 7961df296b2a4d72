"""The shell of `python -m zoo book`, the loader, and the two baselines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.book import mnist_average_darkness, mnist_loader, shell

ROOT = Path(__file__).parents[2]


def test_the_books_imports_work_in_the_shell():
    lines = "import mnist_loader\nfrom network import Network\nprint(mnist_loader.__name__)\n"
    lines += "print(Network([2, 3, 1]).weights[1].shape)\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = "import sys; sys.modules['IPython'] = None; from zoo.book import shell; "
    program += "shell.importlib.util.find_spec = lambda _: None; sys.exit(shell.main())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=lines,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "zoo.book.mnist_loader\n" in done.stdout
    assert "(1, 3)" in done.stdout
    assert "network.Network([784, 30, 10])" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_module_has_the_books_name():
    assert list(shell.modules()) == list(shell.MODULES)


def test_the_loader_gives_the_books_shapes(mnist):
    training, validation, test = mnist_loader.load_data()
    assert [len(digits) for _, digits in (training, validation, test)] == [50_000, 10_000, 10_000]
    assert (training[0].dtype, training[0].shape) == (np.float32, (50_000, 784))
    np.testing.assert_array_equal(test[0][0] * 256, mnist.test.images[0].ravel())


def test_darkness_by_hand():
    images = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    averages = mnist_average_darkness.avg_darknesses((images, np.array([3, 3, 7])))
    assert averages == {3: 1.5, 7: 0.0}
    assert mnist_average_darkness.guess_digit(np.array([0.5, 0.2]), averages) == 7


def test_darkness_is_the_books(capsys):
    mnist_average_darkness.main()
    assert capsys.readouterr().out.splitlines()[1] == "2225 of 10000 values correct."


@pytest.mark.slow
def test_the_support_vector_machine_is_the_books(capsys):
    from zoo.book import mnist_svm

    mnist_svm.svm_baseline()
    assert capsys.readouterr().out.splitlines()[1] == "9435 of 10000 values correct."


def test_the_command_opens_the_shell(monkeypatch):
    from zoo.cli.main import main

    opened = []
    monkeypatch.setattr(shell, "main", lambda: opened.append(True) or 0)
    assert main(["book"]) == 0
    assert opened

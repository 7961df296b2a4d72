"""Sphinx: how the documentation is built. `make docs` runs it, with every warning as an error."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import network_pages  # noqa: E402 (found beside this file, once the path is set)

import zoo  # noqa: E402
from zoo.utils.tensorflow import import_tensorflow  # noqa: E402

import_tensorflow()  # autodoc imports it, too, but with all its notes

# Pages that are written at build time: Sphinx reads them like the others, git ignores them.
GENERATED = HERE / "generated"
network_pages.write(GENERATED)
for name in ("CONTRIBUTING", "CHANGELOG"):
    text = (HERE.parent / f"{name}.md").read_text(encoding="utf-8")
    text = re.sub(r"\]\((?!https?:|#)", "](../../", text)  # links that start from the root
    text = text.replace("](../../CHANGELOG.md)", "](changelog.md)")
    (GENERATED / f"{name.lower()}.md").write_text(text, encoding="utf-8")
shutil.copy(HERE.parent / "examples/quickstart.ipynb", GENERATED / "notebook.ipynb")

project = "neural-zoo"
author = copyright = "the neural-zoo authors"
version = release = zoo.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated/experiments.md"]
html_theme = "furo"
html_title = f"neural-zoo {release}"
html_show_sphinx = False
# The lab's report in its full form, once `make report-full` has written it: lab/index.html.
html_extra_path = [str(HERE / "report")] if (HERE / "report").is_dir() else []

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
# The tests execute every block and the notebook; a build only shows them.
nb_execution_mode = "off"
nb_output_stderr = "remove"

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_type_aliases = {"keras.Model": "keras.Model"}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Docstrings write `code` in single backticks, as Markdown does.
default_role = "code"

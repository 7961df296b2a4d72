"""The version: pyproject.toml, `zoo --version` and the documentation read it here."""

__version__ = "0.2.0.dev0"

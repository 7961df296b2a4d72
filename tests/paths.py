"""Where the tests find the project and its files of bad input."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
ATTACKS = Path(__file__).parent / "attacks"

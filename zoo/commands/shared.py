"""What several commands do."""

from __future__ import annotations

import argparse


def load_images(options: argparse.Namespace):
    """The images that the options --data and --source name, with progress unless --quiet."""
    from zoo.data import load_data

    quiet = getattr(options, "quiet", False)
    return load_data(options.data, source=options.source, progress=not quiet)

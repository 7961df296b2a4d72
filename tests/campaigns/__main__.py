"""The whole campaign, `python -m tests.campaigns --minutes N`: what was tried, and what failed."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from tests.campaigns.boundaries import BOUNDARIES
from tests.campaigns.fuzzing import Tally, fuzz
from tests.campaigns.kills import COMMANDS, kill


def main() -> int:
    """Run every campaign for its share of the time, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="in all (default 10)")
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000, help="of the first")
    options = parser.parse_args()
    share = 60 * options.minutes / (len(BOUNDARIES) + 2 * len(COMMANDS))
    print(f"seed {options.seed}\n{'campaign':24}{'tried':>10}{'failed':>8}")
    failed = 0
    for name in BOUNDARIES:
        failed += _print_tally(_in_a_process(name, share, options.seed))
    with tempfile.TemporaryDirectory() as folder:
        for name in COMMANDS:
            failed += _print_tally(kill(name, Path(folder), 2 * share, options.seed))
    return 1 if failed else 0


def _in_a_process(name: str, seconds: float, seed: int) -> Tally:
    # In a new process, so that a crash of the reader is one failure, and memory is measured anew.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        waiting = pool.apply_async(fuzz, (name, seconds), {"seed": seed})
        try:
            return waiting.get(timeout=seconds + 120)
        except multiprocessing.TimeoutError:
            return Tally(name, 1, 1, [f"{name}: the process hangs, or has died"])


def _print_tally(tally: Tally) -> int:
    print(f"{tally.name:24}{tally.tried:>10,}{tally.failed:>8,}", flush=True)
    for line in tally.first:
        print(f"    {line}", file=sys.stderr, flush=True)
    return tally.failed


if __name__ == "__main__":
    sys.exit(main())

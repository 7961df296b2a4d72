"""The whole campaign, `python -m tests.campaigns --minutes N`: what was tried, and what failed."""

from __future__ import annotations

import argparse
import fnmatch
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.campaigns.calls import call
from tests.campaigns.fuzzing import ALL, Tally, fuzz, send_tallies
from tests.campaigns.kills import kill
from tests.campaigns.targets import TARGETS


@dataclass(frozen=True)
class Campaign:
    """A function that is given a name, seconds and a seed; `weight` is its share of the time."""

    run: Callable[..., Tally]
    name: str
    weight: float


CAMPAIGNS = {
    **{f"files {name}": Campaign(fuzz, name, 1) for name in ALL},
    "calls": Campaign(call, "calls", 1),
    **{f"kills {name}": Campaign(kill, name, target.weight) for name, target in TARGETS.items()},
}


def main() -> int:
    """Run every campaign for its share of the time, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10, help="in all (default 10)")
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000, help="of the first")
    parser.add_argument("--only", default="*", help="campaigns, as in 'kills *'")
    options = parser.parse_args()
    chosen = {name: CAMPAIGNS[name] for name in fnmatch.filter(CAMPAIGNS, options.only)}
    if not chosen:
        parser.error(f"--only {options.only}: there are {', '.join(CAMPAIGNS)}")
    seconds = 60 * options.minutes / sum(campaign.weight for campaign in chosen.values())
    print(f"seed {options.seed}\n{'campaign':28}{'tried':>10}{'failed':>8}", flush=True)
    tallies: list[Tally] = []
    for names in _together(list(chosen)):
        parts = [chosen[name] for name in names]
        work = [(part.run, part.name, part.weight * seconds) for part in parts]
        tallies += _in_a_process(names, work, options.seed)
    for kind in ("files", "calls", "kills"):
        mine = [tally for tally in tallies if tally.name.startswith(kind)]
        if mine:
            tried = sum(tally.tried for tally in mine)
            failed = sum(tally.failed for tally in mine)
            print(f"{'all ' + kind:28}{tried:>10,}{failed:>8,}")
    return 1 if any(tally.failed for tally in tallies) else 0


def _together(names: list[str]) -> list[list[str]]:
    """Names in groups, of which each has a process of its own.

    So a crash of one reader is one failure, and memory is measured anew; but all the kills share
    the process that has imported TensorFlow for them.
    """
    kills = [name for name in names if name.startswith("kills")]
    others = [[name] for name in names if name not in kills]
    return [*others, kills] if kills else others


def _in_a_process(names: list[str], work: list[tuple], seed: int) -> list[Tally]:
    # No pool: its processes may have no children, and searches have.
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=send_tallies, args=(theirs, work, seed))
    process.start()
    theirs.close()
    tallies = []
    for name, (_, _, seconds) in zip(names, work, strict=True):
        try:
            tally = ours.recv() if ours.poll(seconds + 600) else Tally(name, 1, 1, ["it hangs"])
        except EOFError:
            tally = Tally(name, 1, 1, ["the process has died; see above"])
        tally.name = name
        tallies.append(tally)
        print(f"{name:28}{tally.tried:>10,}{tally.failed:>8,}", flush=True)
        for line in tally.first:
            print(f"    {line}", file=sys.stderr, flush=True)
    process.kill()
    process.join()
    return tallies


if __name__ == "__main__":
    sys.exit(main())

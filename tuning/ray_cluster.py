"""A search on a Ray cluster: Ray places the trials and survives its nodes, the journal stays here.

The process that was started holds the journal and claims trials, as many as the cluster has cores.
A trial whose node dies is given to another one by Ray, and starts anew there; a command that was
killed goes on with the same command.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuning.store.trials import Budget
from tuning.strategies.base import Wait
from tuning.trial import Trial, TrialResult
from zoo.errors import RunError
from zoo.utils.extras import check_extras, import_extra
from zoo.utils.tensorflow import import_tensorflow

if TYPE_CHECKING:
    from tuning.search import Search
    from zoo.data import Data
    from zoo.spec import ModelSpec

# How often Ray runs a trial again whose process or node has died.
RETRIES = 20

# Seconds between looks at what has ended and at how many cores there are.
PAUSE = 0.5

# A trial that runs: what holds it, and the trial.
Running = tuple[contextlib.ExitStack, Trial]


def run(
    search: Search,
    data: Data,
    address: str,
    *,
    seconds: float | None = None,
    most: int | None = None,
    watch: Callable[[Search], None] = lambda search: None,
) -> None:
    """Run a search to its end on the processors of a cluster, a core a trial.

    Nodes may come and go. Runs stay on none of them: what comes back is each trial's result.

    Args:
        search: What is searched; its folder is on this machine.
        data: The data set, which Ray hands to every node.
        address: Of the cluster, as for `ray.init`: host:port, auto, or ray://host:port.
        seconds: No trial begins once all together have cost so much training time.
        most: No trial begins once there are so many.
        watch: Called twice a second, and once at the end.

    Raises:
        RunError: Ray is missing, the cluster does not answer, or a trial's processes keep dying.
    """
    search.open(data)
    budget = Budget(seconds, most)
    if not search.is_over(seconds=seconds, most=most):
        with _connected(address) as ray, contextlib.ExitStack() as everything:
            given = ray.put(data)
            running: dict[Any, Running] = {}
            while True:
                more = _begin(search, budget, ray, given, running, everything)
                if not more and not running:
                    break
                _end(search, data, ray, running)
                watch(search)
    watch(search)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    check_extras("ray")
    ray = import_extra("ray")
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise RunError(
            f"no Ray cluster at {address} ({reason}): begin one by `ray start --head`, and see "
            "`ray status`"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _begin(
    search: Search,
    budget: Budget,
    ray: Any,
    given: Any,
    running: dict[Any, Running],
    everything: contextlib.ExitStack,
) -> bool:
    """Begin as many trials as there are cores; whether more may follow."""
    task = ray.remote(num_cpus=1, max_retries=RETRIES)(train_trial)
    while len(running) < ray.cluster_resources().get("CPU", 0):
        # Let go with all others where the search is left by an error.
        held = everything.enter_context(contextlib.ExitStack())
        trial = held.enter_context(search.store.claim(search.strategy, budget))
        if not isinstance(trial, Trial):
            held.close()  # else every look at a search that waits would stay, with all its trials
            return isinstance(trial, Wait)
        running[task.remote(trial, search.spec, given, list(search.seeds))] = (held, trial)
    return True


def _end(search: Search, data: Data, ray: Any, running: dict[Any, Running]) -> None:
    """Keep the results of what has ended."""
    if not running:
        time.sleep(PAUSE)
        return
    ended, _ = ray.wait(list(running), num_returns=1, timeout=PAUSE)
    for task in ended:
        held, trial = running.pop(task)
        try:
            result = TrialResult.from_plain(ray.get(task))
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1][:200]
            raise RunError(f"trial {trial.number} does not run on the cluster: {reason}") from error
        with held:
            search.end(replace(trial, result=result), data)


def train_trial(trial: Trial, spec: ModelSpec, data: Data, seeds: list[int]) -> dict[str, Any]:
    """Train one trial on the node that Ray has chosen.

    Args:
        trial: One that is claimed.
        spec: The network that its values are applied to.
        data: The full data set.
        seeds: One an execution.

    Returns:
        The result as plain data.
    """
    import_tensorflow()
    from tuning.execution import run

    with tempfile.TemporaryDirectory() as folder:
        return run(trial, spec, data, Path(folder), seeds).to_plain()

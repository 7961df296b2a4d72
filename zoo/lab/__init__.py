"""The lab: the experiments and figures of the book, as code that runs, draws and compares.

    from zoo import lab
    result = lab.run("ch3_init_z_distribution", out="runs/lab")

Each experiment measures, and draws what it measured; its name is its chapter and what it shows.
`python -m zoo lab list` lists them all.
"""

from zoo.lab.chapters import experiments, get_experiment
from zoo.lab.core.experiment import Check, Context, Experiment, Result
from zoo.lab.core.monitoring import train_monitored
from zoo.lab.core.running import run

__all__ = [
    "Check",
    "Context",
    "Experiment",
    "Result",
    "experiments",
    "get_experiment",
    "run",
    "train_monitored",
]

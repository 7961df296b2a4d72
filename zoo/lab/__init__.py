"""The lab: the experiments and figures of the book, as code that runs, draws and compares.

    from zoo import lab
    outcome = lab.run("ch3_init_z_distribution", out="runs/lab")

Each experiment measures, and draws what it measured; its name is its chapter and what it shows.
`python -m zoo lab list` tells them all.
"""

from zoo.lab.chapters import experiments, get_experiment
from zoo.lab.experiment import Bench, Check, Experiment, Outcome
from zoo.lab.instruments import watch
from zoo.lab.running import run

__all__ = [
    "Bench",
    "Check",
    "Experiment",
    "Outcome",
    "experiments",
    "get_experiment",
    "run",
    "watch",
]

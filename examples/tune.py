"""Hyper-parameter search: a space, a strategy, a folder that can be resumed, and the best point.

python examples/tune.py    # ten random points for mlp30, five epochs on 10,000 images each
"""

from __future__ import annotations

from pathlib import Path

import tuning
import zoo
from tuning.store.results import table
from tuning.strategies.random import Random


def main(trials: int = 10, images: int = 10_000, epochs: int = 5) -> zoo.Score:
    """Search on fewer images, then train the best point and score it on the test images."""
    data = zoo.load_data().take(images)
    spec = zoo.get_spec("mlp30").with_settings(epochs=epochs, images=images)
    space = tuning.SearchSpace.of(
        learning_rate=tuning.LogUniform(0.01, 1.0), batch_size=tuning.Choice(5, 10, 20)
    )
    search = tuning.Search(Path("runs/tune"), spec, space, Random(space, trials))
    search.open(data)
    search.work(data)
    print(table(search.trials()))

    best = search.best()
    result = zoo.train(spec.with_settings(**best.values), data)
    score = zoo.evaluate(result.model, data.test)
    print(f"best: {best.values}, {score} of the test images")
    return score


if __name__ == "__main__":
    main()

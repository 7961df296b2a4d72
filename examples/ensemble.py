"""An ensemble: networks that differ in their seed vote, and are right more often than each alone.

python examples/ensemble.py    # three networks of chapter 6, three epochs each: some minutes
"""

from __future__ import annotations

import zoo


def main(
    network: str = "conv1", members: int = 3, images: int = 50_000, epochs: int = 3
) -> dict[str, zoo.Score]:
    """Train members with seeds of their own; score each, and their votes by both rules."""
    data = zoo.load_data().take(images)
    models, scores = [], {}
    for seed in range(members):
        out = f"runs/ensemble/{network}-seed{seed}"  # run again, it is read and not trained
        result = zoo.train(network, data, seed=seed, epochs=epochs, out=out)
        models.append(result.model)
        scores[f"seed {seed}"] = zoo.evaluate(result.model, data.test)
    for rule in ("plurality", "mean"):
        scores[rule] = zoo.evaluate(zoo.vote(models, rule=rule), data.test)
    for name, score in scores.items():
        print(f"{name:10} {score}")
    return scores


if __name__ == "__main__":
    main()

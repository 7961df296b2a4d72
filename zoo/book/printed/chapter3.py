"""The code that chapters 3 and 5 of the book print: network2.py."""

from __future__ import annotations

from zoo.book.printed.chapter1 import LOAD
from zoo.book.printed.snippet import Snippet


def _sgd(settings: str, *options: str) -> str:
    lines = ",\n        ".join([f"net.SGD(training_data, {settings}", *options])
    return lines + ")"


NETWORK2 = "net = network2.Network([784, {}, 10], cost=network2.CrossEntropyCost)\n"
LARGE = "net.large_weight_initializer()\n"
ON_TEST = "evaluation_data=test_data"
ON_VALIDATION = "evaluation_data=validation_data"
ACCURACY = "monitor_evaluation_accuracy=True"
ALL = (
    ACCURACY,
    "monitor_evaluation_cost=True",
    "monitor_training_accuracy=True",
    "monitor_training_cost=True",
)

CHAPTER_3 = (
    Snippet(
        "xent_30h",
        "cross_entropy",
        LOAD
        + "import network2\n"
        + NETWORK2.format(30)
        + LARGE
        + _sgd("30, 10, 0.5", ON_TEST, ACCURACY),
        "95.49 %",
        "mlp30.cross_entropy",
    ),
    Snippet(
        "overfit_1000",
        "overfitting",
        NETWORK2.format(30)
        + LARGE
        + _sgd("400, 10, 0.5", ON_TEST, ACCURACY, "monitor_training_cost=True").replace(
            "training_data,", "training_data[:1000],"
        ),
        "82.27 % at best",
        "mlp30.overfit_1000",
    ),
    Snippet(
        "l2_1000",
        "overfitting",
        NETWORK2.format(30)
        + LARGE
        + _sgd("400, 10, 0.5", ON_TEST, "lmbda=0.1", *ALL).replace(
            "training_data,", "training_data[:1000],"
        ),
        "87.1 % at best",
        "mlp30.l2_1000",
    ),
    Snippet(
        "l2_50000",
        "overfitting",
        NETWORK2.format(30)
        + LARGE
        + _sgd("30, 10, 0.5", ON_TEST, "lmbda=5.0", ACCURACY, "monitor_training_accuracy=True"),
        "96.49 % at best",
        "mlp30.l2",
    ),
    Snippet(
        "l2_100h",
        "overfitting",
        NETWORK2.format(100) + LARGE + _sgd("30, 10, 0.5", "lmbda=5.0", ON_VALIDATION, ACCURACY),
        "97.92 %",
        "mlp100.l2",
    ),
    Snippet(
        "l2_100h_60_epochs",
        "overfitting",
        NETWORK2.format(100) + LARGE + _sgd("60, 10, 0.1", "lmbda=5.0", ON_VALIDATION, ACCURACY),
        "98.04 %",
        "ch3_l2_100h_60ep",
    ),
    Snippet(
        "large_start",
        "initialization",
        NETWORK2.format(30) + LARGE + _sgd("30, 10, 0.1", "lmbda=5.0", ON_VALIDATION, ACCURACY),
        "86.43 % after the first epoch, 96.37 % after the last",
        "ch3_init_30h",
    ),
    Snippet(
        "default_start",
        "initialization",
        NETWORK2.format(30) + _sgd("30, 10, 0.1", "lmbda=5.0", ON_VALIDATION, ACCURACY),
        "92.70 % after the first epoch, 96.50 % after the last",
        "mlp30",
    ),
    Snippet(
        "monitors",
        "revisited",
        NETWORK2.format(30)
        + "evaluation_cost, evaluation_accuracy, training_cost, training_accuracy = "
        + _sgd("30, 10, 0.5", "lmbda=5.0", ON_VALIDATION, *ALL),
        "",
        "zoo lab monitor mlp30 --set learning_rate=0.5",
    ),
    Snippet(
        "save_and_load",
        "revisited",
        'net.save("net.json")\nnet = network2.load("net.json")',
    ),
    Snippet(
        "bad_start",
        "hyper_parameters",
        "net = network2.Network([784, 30, 10])\n"
        + _sgd("30, 10, 10.0", "lmbda=1000.0", ON_VALIDATION, ACCURACY),
        "1,030 after the first epoch, 967 after the last",
        "ch3_hp_bad_start",
    ),
    *(
        Snippet(
            f"step_{number}",
            "hyper_parameters",
            "net = network2.Network([784, 10])\n"
            + _sgd(f"30, 10, {eta}", f"lmbda={lmbda}", ON_VALIDATION + "[:100]", ACCURACY).replace(
                "training_data,", "training_data[:1000],"
            ),
            book,
            f"ch3_hp_step{number}",
        )
        for number, eta, lmbda, book in (
            (1, "10.0", "1000.0", "10, 10, 10 of 100"),
            (2, "10.0", "20.0", "12, 14, 25, 18 of 100"),
            (3, "100.0", "20.0", "10, 10, 10, 10 of 100"),
            (4, "1.0", "20.0", "62, 42, 43, 61 of 100"),
        )
    ),
)

CHAPTER_5 = tuple(
    Snippet(
        f"depth_{depth}",
        "vanishing",
        (LOAD + "import network2\n" if depth == 1 else "")
        + f"net = network2.Network([784, {'30, ' * depth}10])\n"
        + _sgd("30, 10, 0.1", "lmbda=5.0", ON_VALIDATION, ACCURACY),
        f"{accuracy} %",
        f"mlp30{'' if depth == 1 else f'x{depth}'}",
    )
    for depth, accuracy in ((1, "96.48"), (2, "96.90"), (3, "96.57"), (4, "96.53"))
)

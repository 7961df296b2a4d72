"""The code that the book prints, by chapter: what the tests run and the documentation shows.

Calls are facts, and stand here as the book has them; its sentences do not.
"""

from __future__ import annotations

from dataclasses import dataclass

# Titles of sections: the English edition's, and the Chinese edition's.
SECTIONS = {
    "implementing": (1, "Implementing our network to classify digits", "实现我们的网络来分类数字"),
    "backprop": (2, "The code for backpropagation", "反向传播算法的代码"),
    "cross_entropy": (3, "The cross-entropy cost function", "交叉熵代价函数"),
    "overfitting": (3, "Overfitting and regularization", "过度拟合和规范化"),
    "initialization": (3, "Weight initialization", "权重初始化"),
    "revisited": (
        3,
        "Handwriting recognition revisited: the code",
        "再看手写识别问题：代码",  # noqa: RUF001
    ),
    "hyper_parameters": (
        3,
        "How to choose a neural network's hyper-parameters?",
        "如何选择神经网络的超参数",
    ),
    "vanishing": (5, "The vanishing gradient problem", "消失的梯度问题"),
    "practice": (
        6,
        "Convolutional neural networks in practice",
        "卷积神经网络在实际中的应用",
    ),
}


@dataclass(frozen=True)
class Snippet:
    """One snippet of the book.

    Attributes:
        name: A word for it, unique.
        section: A key of SECTIONS.
        code: The lines, without the prompt; they go on from the snippets of the chapter before.
        book: What the book says comes out, as 'best 9,542 of 10,000'; empty where it says nothing.
        zoo: The zoo's network, or lab experiment, of the same figure.
    """

    name: str
    section: str
    code: str
    book: str = ""
    zoo: str = ""

    @property
    def chapter(self) -> int:
        """The chapter of the book."""
        return SECTIONS[self.section][0]


def _sgd(settings: str, *options: str) -> str:
    lines = ",\n        ".join([f"net.SGD(training_data, {settings}", *options])
    return lines + ")"


LOAD = """import mnist_loader
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
"""

CHAPTER_1 = (
    Snippet("sizes", "implementing", "from network import Network\nnet = Network([2, 3, 1])"),
    Snippet("weights", "implementing", "net.weights[1]\nnet.biases"),
    Snippet("load", "implementing", LOAD.strip()),
    Snippet(
        "mnist_30h",
        "implementing",
        "import network\nnet = network.Network([784, 30, 10])\n"
        "net.SGD(training_data, 30, 10, 3.0, test_data=test_data)",
        "9,129 of 10,000 after the first epoch, 9,542 at best",
        "mlp30.quadratic",
    ),
    Snippet(
        "mnist_100h",
        "implementing",
        "net = network.Network([784, 100, 10])\n"
        "net.SGD(training_data, 30, 10, 3.0, test_data=test_data)",
        "96.59 %",
        "mlp100.quadratic",
    ),
    Snippet(
        "eta_too_small",
        "implementing",
        "net = network.Network([784, 100, 10])\n"
        "net.SGD(training_data, 30, 10, 0.001, test_data=test_data)",
        "1,139 after the first epoch, 2,142 after the last",
        "ch1_eta_too_small",
    ),
    Snippet(
        "eta_too_big",
        "implementing",
        "net = network.Network([784, 30, 10])\n"
        "net.SGD(training_data, 30, 10, 100.0, test_data=test_data)",
        "1,009 after the first epoch, 982 after the last",
        "ch1_eta_too_big",
    ),
    Snippet(
        "no_hidden",
        "implementing",
        "net = network.Network([784, 10])\n"
        "net.SGD(training_data, 30, 10, 3.0, test_data=test_data)",
        "",
        "linear.quadratic",
    ),
    Snippet(
        "darkness",
        "implementing",
        "import mnist_average_darkness\nmnist_average_darkness.main()",
        "2,225 of 10,000",
        "ch1_baselines",
    ),
    Snippet(
        "svm",
        "implementing",
        "import mnist_svm\nmnist_svm.svm_baseline()",
        "9,435 of 10,000",
        "ch1_baselines",
    ),
)

CHAPTER_2 = (
    Snippet(
        "backprop",
        "backprop",
        "net = network.Network([784, 30, 10])\n"
        "x, y = training_data[0]\n"
        "delta_nabla_b, delta_nabla_w = net.backprop(x, y)",
        "",
        "ch2_backprop_check",
    ),
    Snippet("update", "backprop", "net.update_mini_batch(training_data[:10], 3.0)"),
    Snippet("derivative", "backprop", "net.cost_derivative(net.feedforward(x), y)"),
)

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
        "zoo lab monitor",
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

CHAPTERS = (CHAPTER_1, CHAPTER_2, CHAPTER_3, CHAPTER_5)

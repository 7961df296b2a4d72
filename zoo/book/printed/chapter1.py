"""The code that chapters 1 and 2 of the book print."""

from __future__ import annotations

from zoo.book.printed.snippet import Snippet

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

"""What a snippet of the book is, and the titles of the sections that print them."""

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

# ruff: noqa: RUF001
"""The words of the page 'The book's code -> here', in English and in Chinese."""

from __future__ import annotations

import re

ENGLISH = {
    "head": """# The book's code -> here

Every piece of code that *Neural Networks and Deep Learning* prints, in the book's order, with what
the book says comes out. All of it runs as it stands, on Python 3 and Keras:

```sh
python -m zoo book    # a shell in which `import network` and the like are the modules of zoo.book
```

or, in a program of your own, after `from zoo.book.shell import use_book_names` and
`use_book_names()`. The last column is the same network, or the same experiment, of the zoo; from a
network of the book `net.spec` and `net.model` lead there, too.""",
    "chapter": "Chapter {}",
    "code": "The book's code",
    "book": "The book's figure",
    "zoo": "The same in the zoo",
    "foot": """## What is as in the book, and what is not

- Names, arguments, defaults, return values and printed lines are the book's. `net.weights` and
  `net.biases` are NumPy arrays, and may be changed.
- `network` and `network2` are trained by Keras in 64 bits, about half a second an epoch for 30
  hidden neurons. Weights come from `np.random` and the order of the images from `random`, which
  shuffles as Python 2 did: after `random.seed(12345678)` and `np.random.seed(12345678)` the runs of
  chapter 3 give the counts that the book's repository stores.
- A subclass with an `update_mini_batch`, `backprop` or `feedforward` of its own, a network to which
  one was assigned, or a cost of your own, is trained by that, in NumPy. The function `sigmoid` of a
  module is not looked up again: assigning another one changes nothing.
- `network2.load` reads what the author's program saved, and the other way round. A network with a
  cost of your own is read by `network2.load(filename, cost=MyCost)`.
- `network3` is trained in 32 bits by the zoo's own model. `layer.w` and `layer.b` are NumPy arrays
  in the book's layout; Theano's shared variables are gone.
- The images come from wherever `zoo.load_data` finds them; the paths of the book need not exist.

This page is written by `python -m zoo.book.page`; a test compares it with the list that the tests
run.""",
}

CHINESE = {
    "head": """# 书中的代码在这里怎么运行

本页按书中的顺序列出《神经网络与深度学习》印出的每一段代码，以及书中给出的结果。所有代码都可以在
Python 3 和 Keras 上原样运行：

```sh
python -m zoo book    # 打开一个交互环境，其中 import network 等语句直接可用
```

也可以在自己的程序里先写 `from zoo.book.shell import use_book_names` 和 `use_book_names()`。
最后一列是本项目中相同的网络或实验；书中的网络对象也有 `net.spec` 和 `net.model` 两个属性，可以直接
转到本项目的声明和 Keras 模型。""",
    "chapter": "第 {} 章",
    "code": "书中的代码",
    "book": "书中的结果",
    "zoo": "本项目中的对应",
    "foot": """## 与书中相同和不同的地方

- 名称、参数、默认值、返回值和打印的内容都与书中一致。`net.weights` 和 `net.biases` 是 NumPy 数组，
  可以修改。
- `network` 和 `network2` 由 Keras 以 64 位精度训练，30 个隐藏神经元的网络每个迭代期约半秒。权重由
  `np.random` 产生，图像的顺序由 `random` 产生，打乱的方法与 Python 2 相同：先执行
  `random.seed(12345678)` 和 `np.random.seed(12345678)`，第 3 章的运行结果就与作者代码库中保存的
  计数一致。
- 如果子类改写了 `update_mini_batch`、`backprop` 或 `feedforward`，或者给网络的这些方法赋了值，
  或者使用自己写的代价函数，训练就按您的代码用 NumPy 进行。给模块的 `sigmoid` 重新赋值不起作用。
- `network2.load` 可以读取作者的程序保存的文件，反之亦然。使用自己的代价函数类的网络用
  `network2.load(filename, cost=MyCost)` 读取。
- `network3` 由本项目的 Keras 模型以 32 位精度训练。`layer.w` 和 `layer.b` 是 NumPy 数组，排列方式
  与书中相同；不再有 Theano 的共享变量。
- 图像由 `zoo.load_data` 查找；书中的文件路径不必存在。

本页由 `python -m zoo.book.page` 生成；有一项测试把它与测试所运行的代码列表相比较。""",
}

# Phrases of the book's figures; a test finds one that is missing here.
PHRASES = (
    (r"^([\d, ]+) of ([\d,]+) after the first epoch, ([\d,]+) at best$",
     r"第一个迭代期后 \1/\2，最好 \3"),
    (r"^([\d,.]+(?: %)?) after the first epoch, ([\d,.]+(?: %)?) after the last$",
     r"第一个迭代期后 \1，最后 \2"),
    (r"^([\d.]+ %) at best$", r"最好 \1"),
    (r"^([\d, ]+) of ([\d,]+)$", r"\2 个中 \1 个正确"),
    (r"^([\d.]+ %)$", r"\1"),
    (r"^$", ""),
)  # fmt: skip


def in_chinese(figure: str) -> str:
    """A figure of the book, as the snippets have it, in Chinese; KeyError for an unknown phrase.

    >>> in_chinese("87.1 % at best")
    '最好 87.1 %'
    """
    for pattern, chinese in PHRASES:
        if re.match(pattern, figure):
            return re.sub(pattern, chinese, figure)
    raise KeyError(figure)

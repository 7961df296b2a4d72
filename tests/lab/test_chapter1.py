"""Chapter 1 of the lab: gates against Python's own logic, and counts as JSON keeps them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import zoo
from zoo.lab.chapter1 import digits, neurons, segmentation, valley
from zoo.lab.chapter1.digits import draw_counts
from zoo.lab.chapter1.gates import add, bit_layer, half_adder, nand_gate, perceptron
from zoo.lab.core.experiment import Context
from zoo.lab.core.running import run


def test_the_books_decision_about_the_festival():
    """Weights 6, 2, 2 and threshold 5: the weather decides; at 3, the others may too."""
    days = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0]])
    assert perceptron(days, np.array([6, 2, 2]), -5).tolist() == [1, 0, 0]
    assert perceptron(days, np.array([6, 2, 2]), -3).tolist() == [1, 1, 0]


@pytest.mark.parametrize("x", [0, 1])
@pytest.mark.parametrize("y", [0, 1])
def test_gates_are_pythons(x, y):
    assert nand_gate(x, y) == 1 - (x & y)
    assert half_adder(x, y) == (x ^ y, x & y)


def test_sums_of_more_bits_than_the_experiment_has():
    x, y = np.meshgrid(np.arange(32), np.arange(32))
    assert np.array_equal(add(x, y, bits=5), x + y)


def test_bits_are_read_even_where_the_old_outputs_are_at_their_worst():
    weights, bias = bit_layer()
    for digit in range(10):
        old = np.full(10, 0.01)
        old[digit] = 0.99
        answered = "".join("1" if z > 0 else "0" for z in old @ weights + bias)
        assert int(answered, 2) == digit


def test_counts_are_drawn_with_the_books_from_json():
    drawn = draw_counts({"curves": {"ours": [9000, 9100]}, "book": {"0": 9129}})
    ours, book = drawn.axes[0].get_lines()
    assert ours.get_ydata().tolist() == [9000, 9100]
    assert (list(book.get_xdata()), list(book.get_ydata())) == ([0], [9129])


@pytest.mark.integration
def test_the_quick_ones_agree(tmp_path):
    names = "perceptron_weighing nand adder bitwise_layer sigmoid_vs_step small_change_linear"
    for name in (*names.split(), "cost_bowl"):
        assert run(f"ch1_{name}", out=tmp_path, progress=False).result.verdict == "agrees"
    assert not Context(tmp_path).fast


@pytest.mark.parametrize("size", [1e-4, -0.01, 0.3])
def test_small_changes_are_those_of_differences(size):
    def output(changed):
        z = neurons.NEURON_W @ neurons.NEURON_X + neurons.NEURON_B
        z += changed * (neurons.DIRECTION[:3] @ neurons.NEURON_X + neurons.DIRECTION[3])
        return 1 / (1 + np.exp(-z))

    true, linear = neurons.change(size)
    assert true == pytest.approx(output(size) - output(0), abs=1e-12)
    slope = (output(1e-6) - output(-1e-6)) / 2e-6
    assert linear == pytest.approx(size * slope, rel=1e-6)


def test_the_ball_by_hand():
    # grad C = 2 v: from (0.9, 0.8) a step of 0.25 goes half of the way.
    assert valley.roll(0.25, steps=2).tolist() == [[0.9, 0.8], [0.45, 0.4], [0.225, 0.2]]
    assert valley.valley(np.array([3.0, 4.0])) == 25


def test_baselines_stand_beside_all_that_the_book_quotes():
    drawn = digits.draw_baselines({"right": {"darkness": 2225}})
    axes = drawn.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == list(digits.QUOTED)
    assert [patch.get_width() for patch in axes.patches] == [2225]
    (book,) = axes.lines
    assert book.get_xdata().tolist() == [1000, 2225, 9435, 9850, 9979]


# --- strings of digits ----------------------------------------------------------------------------


def bar(width, left=10):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, left : left + width] = 200
    return image


@pytest.mark.parametrize(("gap", "edges"), [(2, [(2, 5), (7, 12)]), (-1, [(2, 5), (4, 9)])])
def test_digits_are_put_side_by_side_by_their_ink(gap, edges):
    canvas, segments = segmentation.string_of([bar(3), bar(5, left=20)], gap)
    assert segments == edges
    assert canvas.shape == (28, edges[-1][1] + 2)
    inked = np.flatnonzero(canvas.any(axis=0))
    assert inked.tolist() == sorted({x for start, end in edges for x in range(start, end)})


def test_cuts_are_tried_where_ink_is_least_and_blanks_once():
    canvas = np.zeros((28, 14), np.uint8)
    for x, height in enumerate([0, 5, 9, 3, 9, 5, 0, 0, 0, 6, 7, 6, 0, 0]):
        canvas[:height, x] = 255
    assert segmentation.trial_cuts(canvas) == [1, 3, 6, 12]
    assert segmentation.between_blanks(canvas) == [(1, 6), (9, 12)]


def test_digits_that_are_apart_can_be_cut_apart(mnist):
    generator = np.random.default_rng(0)
    for _ in range(50):
        images = [mnist.test.images[index, ..., 0] for index in generator.integers(10_000, size=4)]
        canvas, segments = segmentation.string_of(images, gap=1)
        cuts = segmentation.trial_cuts(canvas)
        for before, after in itertools.pairwise(segments):
            assert any(before[1] <= cut <= after[0] for cut in cuts)


def test_pieces_are_centred_as_mnist_is(mnist):
    # MNIST's images were laid with their centre of mass in the middle: so nothing may move, or by
    # a pixel where its makers rounded the other way.
    for image in mnist.train.images[:200, ..., 0]:
        moved = segmentation.centred(np.pad(image, ((0, 0), (5, 9))))
        shifts = itertools.product((-1, 0, 1), repeat=2)
        assert any(np.array_equal(np.roll(image, shift, (0, 1)), moved) for shift in shifts)
    assert not segmentation.centred(np.zeros((28, 7), np.uint8)).any()


def test_no_other_segmentation_is_surer():
    generator = np.random.default_rng(3)
    for _ in range(30):
        cuts = [2, *sorted(generator.choice(np.arange(5, 60), 7, replace=False).tolist()), 62]
        segments = segmentation.trial_segments(cuts)
        outputs = generator.dirichlet(np.full(10, 0.3), len(segments))
        sure = dict(zip(segments, outputs.max(axis=1), strict=True))
        products = {}
        for inner in itertools.chain.from_iterable(
            itertools.combinations(cuts[1:-1], count) for count in range(8)
        ):
            way = tuple(itertools.pairwise([cuts[0], *inner, cuts[-1]]))
            if all(segment in sure for segment in way):
                products[way] = np.prod([sure[segment] for segment in way])
        found = segmentation.surest(cuts, segments, outputs)
        assert found.segments == max(products, key=products.get, default=())
        assert np.prod(found.confidence) == pytest.approx(max(products.values(), default=1))
        for segment, digit in zip(found.segments, found.digits, strict=True):
            assert digit == outputs[segments.index(segment)].argmax()


def test_the_books_string_is_read_although_its_digits_touch(mnist):
    images = list(mnist.train.images[:6, ..., 0])
    canvas, segments = segmentation.string_of(images, gap=0)
    model = zoo.load("conv2_relu_dropout")
    (reading,) = segmentation.read_by_trial(model, [canvas])
    assert reading.digits == (5, 0, 4, 1, 9, 2)
    (known,) = segmentation.read_segments(model, [canvas], [segments])
    assert known.digits == reading.digits
    assert len(segmentation.between_blanks(canvas)) < 6

"""The table against the book: sizes counted by hand, recipes and claims read off its pages."""

from __future__ import annotations

import math

import pytest

from zoo.networks import IMPROVED, NETWORK3, QUADRATIC
from zoo.nn.schedules import decay_factor
from zoo.quoted_networks import QUOTED_NETWORKS
from zoo.registry import get_spec, list_models

# Counted on paper: a dense layer has (inputs + 1) x neurons, a filter 5 x 5 x channels + 1.
PARAMETERS = {
    "linear": 7_850,
    "mlp30": 23_860,
    "mlp30x2": 24_790,
    "mlp30x3": 25_720,
    "mlp30x4": 26_650,
    "mlp100": 79_510,
    "shallow": 79_510,
    "conv1": 289_630,
    "conv1_only": 29_330,
    "conv2": 85_670,
    "conv2_tanh": 85_670,
    "conv2_relu": 85_670,
    "conv2_relu_fc300": 215_870,
    "conv2_relu_fc1000": 671_570,
    "conv2_relu_2fc100": 95_770,
    "conv2_relu_2fc300": 306_170,
    "conv2_relu_2fc1000": 1_672_570,
    "conv2_relu_dropout": 1_672_570,
    "conv2_relu_dropout_x5": 5 * 1_672_570,
    "wan2013": 5 * (832 + 51_264 + 153_750 + 1_510),
    "simard2003_dense": 636_010,
    "hinton2012_dropout": 628_000 + 640_800 + 8_010,
    "lenet5": 156 + 2_416 + 48_120 + 10_164 + 850,
    "simard2003": 130 + 6_300 + 125_100 + 1_010,
    "ciresan2010": 11_972_510,
    "ksh2012": 60_965_224,
    "rnn_rows": 128 * (28 + 128 + 1) + 1_290,
    "lstm_rows": 4 * 128 * (28 + 128 + 1) + 1_290,
}

FIGURES = {
    "mlp30.quadratic": 95.42,
    "mlp100.quadratic": 96.59,
    "mlp30.cross_entropy": 95.49,
    "mlp100.cross_entropy": 96.82,
    "mlp30.overfit_1000": 82.27,
    "mlp30.l2_1000": 87.10,
    "mlp30.l2": 96.49,
    "mlp100.l2": 97.92,
    "mlp100": 98.04,
    "mlp30": 96.48,
    "mlp30x2": 96.90,
    "mlp30x3": 96.57,
    "mlp30x4": 96.53,
    "shallow": 97.80,
    "conv1": 98.78,
    "conv2": 99.06,
    "conv2_relu": 99.23,
    "conv2_relu.expanded": 99.37,
    "conv2_relu_fc300": 99.46,
    "conv2_relu_fc1000": 99.43,
    "conv2_relu_2fc100": 99.43,
    "conv2_relu_2fc300": 99.48,
    "conv2_relu_2fc1000": 99.47,
    "conv2_relu_dropout": 99.60,
    "conv2_relu_dropout_x5": 99.67,
    "wan2013": 99.79,
    "simard2003_dense": 98.4,
    "simard2003_dense.affine": 98.9,
    "simard2003_dense.elastic": 99.3,
    "hinton2012_dropout": 98.7,
    "simard2003": 99.60,
    "ciresan2010": 99.65,
    "ksh2012": 63.3,
}


@pytest.mark.parametrize("name", list_models())
def test_parameters(name):
    assert get_spec(name).parameters == PARAMETERS[name.partition(".")[0]]


def test_every_figure_of_the_book_is_claimed_and_no_other():
    claimed = {name: get_spec(name).claim for name in list_models()}
    figures = {name: claim.accuracy for name, claim in claimed.items() if claim and claim.accuracy}
    assert figures == FIGURES


def test_recipes_as_the_book_runs_them():
    assert (QUADRATIC.epochs, QUADRATIC.batch_size, QUADRATIC.learning_rate) == (30, 10, 3.0)
    assert (IMPROVED.learning_rate, IMPROVED.l2, IMPROVED.lambda_per) == (0.1, 5.0, "image")
    assert not NETWORK3.shuffle
    assert not NETWORK3.partial_batch
    dropout = get_spec("conv2_relu_dropout").recipe
    assert (dropout.epochs, dropout.learning_rate, dropout.l2) == (40, 0.03, 0.0)
    assert (dropout.expanded, dropout.images) == (True, 250_000)


def test_what_is_quoted_is_marked_so():
    names = [name for name in list_models() if (claim := get_spec(name).claim) and claim.quoted]
    assert names == [spec.name for spec in QUOTED_NETWORKS if spec.claim]
    for name in ("lenet5", "rnn_rows", "lstm_rows"):
        assert get_spec(name).claim.note.startswith("no figure in the book")
    for name in names:
        assert get_spec(name).claim.protocol == "best validation epoch", "no test image chooses"


def test_rates_fall_by_epoch_as_the_papers_have_it():
    ciresan = get_spec("ciresan2010").recipe
    rates = [ciresan.learning_rate * decay_factor(ciresan, epoch) for epoch in (0, 799)]
    assert rates == pytest.approx([1e-3, 1e-6])
    assert ciresan.epochs == 800
    simard = get_spec("simard2003").recipe
    factors = [decay_factor(simard, epoch) for epoch in (99, 100, 499)]
    assert factors == pytest.approx([1, 0.3, 0.3**4])


def test_the_two_halves_of_ksh2012_meet_in_the_third_convolution():
    convolutions = get_spec("ksh2012").walk()[:5]
    assert [layer.groups for layer, _, _ in convolutions] == [1, 2, 1, 2, 2]
    assert [shape for _, shape, _ in convolutions] == [
        (27, 27, 96), (13, 13, 256), (13, 13, 384), (13, 13, 384), (6, 6, 256)
    ]  # fmt: skip


def test_the_fast_recipe_sees_at_most_a_tenth_of_the_images_of_the_books():
    book, fast = (get_spec(f"conv2_relu_dropout{recipe}").recipe for recipe in ("", ".fast"))
    assert book.epochs * book.images == 10_000_000
    assert fast.epochs * fast.images <= 1_000_000


def test_lambda_over_n_is_kept_when_the_training_set_shrinks():
    many, few = get_spec("mlp30.l2").recipe, get_spec("mlp30.l2_1000").recipe
    assert math.isclose(many.l2 / many.images, few.l2 / few.images)


def test_dropout_is_given_to_three_layers_as_in_the_program():
    *_, first, second, output = get_spec("conv2_relu_dropout").layers
    assert [layer.dropout for layer in (first, second, output)] == [0.5, 0.5, 0.5]


def test_the_five_voters_are_the_dropout_network():
    vote, member = get_spec("conv2_relu_dropout_x5"), get_spec("conv2_relu_dropout")
    assert len(vote.members) == 5
    for each in vote.members:
        assert each.hash == member.hash

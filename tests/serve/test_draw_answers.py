"""The page's arithmetic in Chromium: outputs, gradients and votes against Keras and TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from tests.serve.in_browser import ALL_LOADED, Page
from zoo import ConvPool, FullyConnected, ModelSpec, Softmax
from zoo.evaluation.scores import predict
from zoo.lab.chapter6.attacks import cost_gradients, fgsm
from zoo.serve.draw import page_files, write_page
from zoo.serve.draw.program import programs
from zoo.spec.counting import shares_of, tie_break

LOG_LIKELIHOOD = zoo.get_spec("conv2_relu").recipe
CROSS_ENTROPY = zoo.get_spec("mlp30").recipe
QUADRATIC = zoo.get_spec("mlp30.quadratic").recipe
VOTE = "conv2_relu_dropout_x5"

# Shapes that no network of the book has: odd kernels and pools, a remainder that pooling drops,
# dropout by another rate, every activation, a convolution straight into the outputs.
ODD = [
    ModelSpec(
        "odd_kernels",
        (
            ConvPool(3, "tanh", 4, 3),
            ConvPool(5, "relu", 3, 1),
            FullyConnected(7, "tanh", 0.3),
            Softmax(),
        ),
        LOG_LIKELIHOOD,
    ),
    ModelSpec(
        "no_pool",
        (ConvPool(2, "sigmoid", 9, 1), ConvPool(4, "linear", 2, 5), Softmax(dropout=0.9)),
        LOG_LIKELIHOOD,
    ),
    ModelSpec(
        "all_dense",
        (
            FullyConnected(11, "relu"),
            FullyConnected(13, "linear"),
            FullyConnected(10, dropout=0.25),
        ),
        CROSS_ENTROPY,
    ),
    ModelSpec("tanh_outputs", (FullyConnected(12), FullyConnected(10, "tanh")), QUADRATIC),
    ModelSpec("straight", (ConvPool(6, "relu"), FullyConnected(10, "sigmoid")), CROSS_ENTROPY),
]


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory, mnist):
    """The page that visitors get."""
    folder = tmp_path_factory.mktemp("page")
    opened = Page(chromium, write_page(folder, page_files(data=mnist)).as_uri())
    opened.ask(ALL_LOADED)
    return opened


def tensorflow_gradient(model, spec, image, digit):
    """The gradient of the cost by the bytes: the recipe's, and of sigmoids the cross-entropy."""
    import keras
    import tensorflow as tf

    if spec.output_activation == "softmax":
        return cost_gradients(model)(image[None], np.array([digit]))[0, ..., 0]
    behind = keras.Model(model.get_layer("scale_pixels").output, model.outputs)
    pixels = tf.constant(image[None] * spec.input.scale, tf.float32)
    target = tf.one_hot([digit], 10)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        a = behind(pixels)
        if spec.output_activation == "sigmoid":
            cost = -tf.reduce_sum(target * tf.math.log(a) + (1 - target) * tf.math.log(1 - a))
        else:
            cost = tf.reduce_sum(tf.square(a - target)) / 2
    return tape.gradient(cost, pixels).numpy()[0, ..., 0] * spec.input.scale


@pytest.mark.integration
@pytest.mark.parametrize("spec", ODD, ids=lambda spec: spec.name)
def test_networks_of_any_shape_answer_and_change_as_tensorflow_says(page, mnist, spec):
    model = zoo.build(spec, seed=3)
    generator = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if variable.path.startswith("softmax"):
            # They start as zeros, which would hide everything before them.
            variable.assign(generator.normal(size=variable.shape))
    weights = {variable.path: variable.numpy() for variable in model.trainable_variables}
    # Half precision would round anew what is multiplied by 1 - p, unless p is a half.
    (program,) = programs(spec, weights, "float32")
    page.load(spec.name, program)
    images = mnist.test.images[:8]
    outputs = page.outputs([spec.name], images)[:, 0]
    np.testing.assert_allclose(outputs, model(images).numpy(), atol=1e-5)
    assert np.ptp(outputs) > 0.1
    for image, digit in zip(images[:3], (3, 7, 1), strict=True):
        expected = tensorflow_gradient(model, spec, image, digit)
        got = page.gradient([spec.name], image, digit)
        np.testing.assert_allclose(got, expected, atol=2e-4 * np.abs(expected).max())
        assert np.abs(expected).max() > 0


def test_the_attack_on_the_page_is_the_labs(page, mnist):
    image = mnist.test.images[7]
    page.ask("pad.show(Uint8Array.from(a))", image.ravel().tolist())
    digit = page.digit("conv2_relu")
    gradients = cost_gradients(zoo.load("conv2_relu"))
    for epsilon in (0, 20, 90):
        page.ask(
            "(byId('victim').value = 'conv2_relu', byId('epsilon').value = a,"
            " byId('epsilon').dispatchEvent(new Event('input')), null)",
            epsilon,
        )
        expected = fgsm(gradients, image[None], np.array([digit]), epsilon)[0, ..., 0]
        # A gradient that is nearly zero may have either sign.
        assert (page.seen() != expected).mean() < 0.01
    assert page.digit("conv2_relu") != digit  # fooled, far out
    page.ask("(byId('clear').click(), null)")
    assert page.text("epsilon-value") == "0"


@pytest.mark.integration
def test_the_vote_is_counted_as_keras_counts_it(page, mnist):
    missed = page.ask("digits.places.slice(0, digits.missed)")
    images = mnist.test.images[[*missed, *range(8)]]
    from zoo.nn.voting import members, with_named_outputs

    model = zoo.load(VOTE)
    keys = page.ask("vote.members.map((member) => member.key)")
    outputs = page.outputs(keys, images, thinker=1)
    expected = np.stack([member.predict(images, verbose=0) for member in members(model)], axis=1)
    np.testing.assert_allclose(outputs, expected, atol=0.1)  # the members are of eight bits
    assert np.abs(outputs - expected).mean() < 2e-3
    answers = with_named_outputs(model).predict(images, verbose=0)
    agree = 0
    for image, votes, digit in zip(images, answers["votes"], answers["digit"], strict=True):
        shown = page.ask(
            "networks.answer(vote, a).then(({ votes, digit }) => ({ votes: [...votes], digit }))",
            image.ravel().tolist(),
        )
        agree += shown["digit"] == digit and np.allclose(shown["votes"], votes, atol=1e-6)
    assert agree >= len(images) - 3  # where two members are torn, eight bits may move one


@pytest.mark.integration
def test_the_page_breaks_ties_by_the_networks_own_step(page):
    assert page.ask("vote.tieBreak") == 1 / 1000
    torn = [[0.4, 0.35, 0.25], [0.0, 1.0, 0.0]]
    answered = (
        "networks.engine.argmax(networks.engine.tally(a, [1, 0.9995], 'plurality', {}).answer)"
    )
    step = tie_break(shares_of((1, 0.9995), 2))
    assert page.ask(answered.format(step), torn) == 0
    assert page.ask(answered.format(1 / 1000), torn) == 1  # too large a step


def test_the_gallery_shows_what_the_vote_gets_wrong(page, mnist):
    found = page.ask("({ places: digits.places, labels: digits.labels, missed: digits.missed })")
    places = found["places"]
    assert found["labels"] == mnist.test.labels[places].tolist()
    assert len(set(places)) == len(places) == found["missed"] + 500
    entry = zoo.pretrained.manifest.entry_of(VOTE)
    assert found["missed"] == entry.score.total - entry.score.correct
    assert page.text("missed-title") == f"The {found['missed']} that the vote of five gets wrong"
    answers = zoo.load(VOTE).predict(mnist.test.images[places[: found["missed"]]], verbose=0)
    assert (answers.argmax(axis=1) != mnist.test.labels[places[: found["missed"]]]).all()
    names = [
        button.get_attribute("aria-label")
        for button in page.by_id("missed").find_elements("tag name", "button")
    ]
    assert names == [
        f"{label} → {answer}: test image {place}, meant as {label}, read as {answer}"
        for place, label, answer in zip(
            places, found["labels"], answers.argmax(axis=1), strict=False
        )
    ]
    shown = page.ask("[...digits.image(40)]")
    assert shown == mnist.test.images[places[40]].ravel().tolist()


def in_page(page, keys, images, thinker=0):
    """Outputs for many images, sent in parts."""
    parts = np.array_split(images, max(1, len(images) // 1000))
    return np.concatenate([page.outputs(keys, part, thinker) for part in parts])


def test_two_thousand_test_images_are_answered_as_by_keras(page, mnist):
    test = mnist.test.take(2000)
    answers = in_page(page, ["conv2_relu"], test.images)[:, 0].argmax(axis=1)
    np.testing.assert_array_equal(answers, predict(zoo.load("conv2_relu"), test).predicted)


@pytest.mark.slow
def test_all_test_images_are_answered_as_by_keras(page, mnist):
    answers = in_page(page, ["conv2_relu"], mnist.test.images)[:, 0].argmax(axis=1)
    np.testing.assert_array_equal(answers, predict(zoo.load("conv2_relu"), mnist.test).predicted)
    keys = page.ask("vote.members.map((member) => member.key)")
    outputs = in_page(page, keys, mnist.test.images, thinker=1)
    ballots = outputs.argmax(axis=2)
    counts = np.stack([(ballots == digit).sum(axis=1) for digit in range(10)], axis=1)
    answers = (counts / 5 + outputs.mean(axis=1) / 1000).argmax(axis=1)
    predictions = predict(zoo.load(VOTE), mnist.test)
    assert (answers != predictions.predicted).sum() <= 5
    assert (
        sorted(page.ask("digits.places.slice(0, digits.missed)"))
        == predictions.misclassified.tolist()
    )

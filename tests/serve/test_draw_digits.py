"""The digits that the page shows as wrong: known for its own weights and images, else asked for."""

from __future__ import annotations

import json

import zoo
from zoo.data import Split
from zoo.serve.draw.digits import KNOWN, misclassified, refresh


def test_what_is_known_of_the_test_images_is_not_said_of_others(mnist, tmp_path):
    known = tmp_path / "known.json"
    parts = [
        Split(mnist.test.images[start : start + 500], mnist.test.labels[start : start + 500])
        for start in (0, 500)
    ]
    refresh("linear", parts[0], known)
    for part in parts:
        images, answers = misclassified("linear", part, known)
        outputs = zoo.load("linear").predict(part.images, verbose=0).argmax(axis=1)
        wrong = (outputs != part.labels).nonzero()[0]
        assert images == wrong.tolist()
        assert answers == outputs[wrong].tolist()


def test_the_file_of_the_package_is_of_the_published_vote_and_of_mnist(mnist, monkeypatch):
    monkeypatch.setattr("zoo.serve.draw.digits._answer", None)  # nothing is asked
    name = "conv2_relu_dropout_x5"
    images, answers = misclassified(name, mnist.test)
    assert json.loads(KNOWN.read_text())["images"] == images
    assert all(mnist.test.labels[images] != answers)

"""Declarations: they check themselves, count themselves, and travel as JSON with one hash."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from zoo.errors import SpecError
from zoo.registry import get_spec, list_models
from zoo.spec import (
    LSTM,
    Claim,
    ConvPool,
    EnsembleSpec,
    FullyConnected,
    ModelSpec,
    Recipe,
    Softmax,
)

RECIPE = Recipe(cost="log_likelihood", epochs=1, learning_rate=0.1)
RECIPE_JSON = '{"cost": "log_likelihood", "epochs": 1, "learning_rate": 0.1}'


@pytest.mark.parametrize("name", list_models())
def test_every_spec_survives_the_journey_through_json(name):
    spec = get_spec(name)
    again = ModelSpec.from_json(spec.to_json())
    assert again == spec
    assert again.hash == spec.hash
    assert again.to_json() == spec.to_json()


def test_json_is_canonical():
    text = get_spec("conv2").to_json()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def test_the_hash_is_the_same_in_every_process():
    command = "from zoo.registry import get_spec; print(get_spec('conv2_relu_dropout').hash)"
    printed = {
        subprocess.run(
            [sys.executable, "-c", command],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert printed == {get_spec("conv2_relu_dropout").hash + "\n"}


def test_the_hash_follows_what_decides_the_weights_and_nothing_else():
    spec = get_spec("mlp30")
    assert replace(spec, name="other", summary="words", claim=None).hash == spec.hash
    changed = [
        spec.with_settings(learning_rate=0.2),
        spec.with_settings(images=1000),
        spec.with_settings(layers=(FullyConnected(31), FullyConnected(10))),
    ]
    assert len({spec.hash, *(other.hash for other in changed)}) == 4


def test_equal_numbers_of_any_type_are_one_setting():
    spec = get_spec("mlp30.quadratic")
    same = spec.with_settings(learning_rate=3, epochs=np.int64(30), batch_size=np.int32(10))
    assert same == spec
    assert same.to_json() == spec.to_json()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: replace(RECIPE, learning_rate=float("nan")), "learning_rate must be a finite"),
        (lambda: replace(RECIPE, learning_rate=float("inf")), "learning_rate must be a finite"),
        (lambda: replace(RECIPE, learning_rate=0), "learning_rate must be above 0"),
        (lambda: replace(RECIPE, learning_rate=-1), "learning_rate must be 0 or more, not -1"),
        (lambda: replace(RECIPE, learning_rate="0.1"), "learning_rate must be a finite number"),
        (lambda: replace(RECIPE, epochs=0), "epochs must be a whole number from 1 up, not 0"),
        (lambda: replace(RECIPE, epochs=True), "epochs must be a whole number"),
        (lambda: replace(RECIPE, epochs=1.5), "epochs must be a whole number"),
        (lambda: replace(RECIPE, l2=-0.1), "l2 must be 0 or more"),
        (lambda: replace(RECIPE, batch_size=0), "batch_size must be a whole number"),
        (lambda: replace(RECIPE, shuffle=1), "shuffle must be True or False"),
        (lambda: replace(RECIPE, cost="quadratik"), "Did you mean 'quadratic'"),
        (lambda: replace(RECIPE, initializer="lecun_norm"), "Did you mean 'lecun_normal'"),
        (lambda: replace(RECIPE, images=9, partial_batch=False), "do not fill one batch of 10"),
        (lambda: ConvPool(0), "filters must be a whole number"),
        (lambda: ConvPool(20, "rleu"), "Did you mean 'relu'"),
        (lambda: ConvPool(20, padding="same"), "(kernel - 1) / 2 for 'same'"),
        (lambda: ConvPool(20, padding=5), "padding must be below the kernel's 5"),
        (lambda: ConvPool(20, groups=3), "20 filters do not divide into 3 groups"),
        (lambda: ConvPool(20, pooling="average"), "Choose from: max, mean, l2"),
        (lambda: ConvPool(20, pool=1, pooling="l2"), "pool=1 is for no pooling"),
        (lambda: ModelSpec("x", (ConvPool(20, groups=2),), RECIPE), "1 channels do not divide"),
        (lambda: ModelSpec("x", (Softmax(), LSTM(3)), RECIPE), "reads an image row by row"),
        (lambda: FullyConnected(10, dropconnect=1), "dropconnect must be 0 or more and below 1"),
        (lambda: replace(RECIPE, decay=0.5), "schedule 'decay' goes with a decay below 1"),
        (lambda: replace(RECIPE, schedule="decay"), "goes with a decay below 1"),
        (lambda: replace(RECIPE, decay_epochs=5), "goes with schedule='decay'"),
        (lambda: FullyConnected(10, dropout=1), "dropout must be 0 or more and below 1"),
        (lambda: Softmax(dropout=-0.5), "dropout must be 0 or more"),
        (lambda: ModelSpec("no name", (Softmax(),), RECIPE), "is no name for a network"),
        (lambda: ModelSpec("../weights", (Softmax(),), RECIPE), "is no name for a network"),
        (lambda: ModelSpec("empty", (), RECIPE), "empty has no layers"),
        (
            lambda: ModelSpec("x", (Softmax(),), RECIPE, input=(32, 32, 3)),
            "must be a zoo.InputSpec",
        ),
        (lambda: ModelSpec("flat", (Softmax(), ConvPool(20)), RECIPE), "needs an image"),
        (lambda: ModelSpec("deep", (ConvPool(5),) * 3, RECIPE), "does not fit an input of 4x4"),
    ],
)
def test_nonsense_is_refused_in_one_line_that_says_what_is_allowed(make, said):
    with pytest.raises(SpecError) as caught:
        make()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "this is not a spec"),
        ("[]", "this is not a spec"),
        ('{"name": "x"}', "this is not a spec"),
        ('{"name": "x", "layres": []}', "Did you mean 'layers'"),
        (
            '{"name": "x", "layers": [{"kind": "Sofmax"}], "recipe": ' + RECIPE_JSON + "}",
            "Did you mean 'Softmax'",
        ),
        (
            '{"name": "x", "layers": [{"kind": "ConvPool", "filter": 2}], "recipe": '
            + RECIPE_JSON
            + "}",
            "Did you mean 'filters'",
        ),
        (
            '{"name":"x","layers":[{"kind":"KerasFunction","function":"os:abort"}],"recipe":{}}',
            "recipe cannot be read",
        ),
    ],
)
def test_json_that_is_no_spec_is_refused(text, said):
    with pytest.raises(SpecError, match=said):
        ModelSpec.from_json(text)


def test_a_spec_never_loads_code():
    text = json.dumps(
        {
            "name": "x",
            "layers": [{"kind": "KerasFunction", "function": "antigravity:geohash"}],
            "recipe": {"cost": "quadratic", "epochs": 1, "learning_rate": 1.0},
        }
    )
    with pytest.raises(SpecError, match="no function 'antigravity:geohash' is registered"):
        ModelSpec.from_json(text)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"name": "x", "layers": 3, "recipe": {}}',
        '{"name": "x", "layers": [3], "recipe": {}}',
        '{"name": "x", "layers": [{"kind": "Softmax", "units": NaN}], "recipe": {}}',
        '{"name": "x", "layers": [{"kind": "Softmax", "units": 1e999}], "recipe": {}}',
        '{"name": "x", "layers": [{"kind": "Softmax"}], "recipe": {"epochs": ' + "9" * 5000 + "}}",
        '{"name": 5, "layers": [{"kind": "Softmax"}], "recipe": {"epochs": 1}}',
        '{"name": "x", "layers": [{"kind": "Vote", "members": 3}], "recipe": {"epochs": 1}}',
        '{"name": "x", "layers": [{"kind": ["Softmax"]}], "recipe": {"epochs": 1}}',
    ],
)
def test_whatever_stands_in_a_file_is_refused_in_one_line(text):
    recipe = '{"cost": "log_likelihood", "epochs": 1, "learning_rate": 1}'
    with pytest.raises(SpecError) as caught:
        ModelSpec.from_json(text.replace('"recipe": {"epochs": 1}', f'"recipe": {recipe}'))
    assert "\n" not in str(caught.value)


def test_the_names_of_earlier_versions_are_read_and_give_the_same_hash():
    spec = get_spec("conv2_relu_dropout.fast")
    old = json.loads(spec.to_json())
    old["recipe"]["calm"] = old["recipe"].pop("dropout_off_epochs")
    old["recipe"]["initializer"] = "he"
    assert ModelSpec.from_json(json.dumps(old)) == spec
    with pytest.raises(SpecError, match="'calm' is now 'dropout_off_epochs'"):
        spec.with_settings(calm=3)
    with pytest.raises(SpecError, match="'he' is now 'he_normal'"):
        spec.with_settings(initializer="he")


def test_a_network_for_other_images_and_classes():
    letters = get_spec("conv2_relu").with_settings(input_shape=(32, 32, 3), classes=26)
    assert letters.input.shape == (32, 32, 3)
    assert (letters.classes, letters.output_classes) == (26, 26)
    # 20 filters 5x5x3, 40 filters 5x5x20, 5x5x40 -> 100 -> 26
    assert letters.parameters == 20 * 76 + 40 * 501 + 100 * 1001 + 26 * 101
    assert ModelSpec.from_json(letters.to_json()) == letters
    assert letters.hash != get_spec("conv2_relu").hash
    assert get_spec("conv2_relu").with_settings(classes=10, input_shape=(28, 28, 1)).hash == (
        get_spec("conv2_relu").hash
    )
    five = get_spec("conv2_relu_dropout_x5").with_settings(classes=3)
    assert five.output_classes == 3
    assert ModelSpec.from_json(five.to_json()) == five
    with pytest.raises(SpecError, match="does not fit an input of 3x3"):
        get_spec("conv2_relu").with_settings(input_shape=(10, 10, 1))
    with pytest.raises(SpecError, match="has 10 outputs, and classes says 9"):
        ModelSpec("nine", (Softmax(),), RECIPE, classes=9)


def test_batches_of_an_epoch():
    assert RECIPE.batches == 5_000
    assert replace(RECIPE, images=1_003).batches == 101
    assert replace(RECIPE, images=1_003, partial_batch=False).batches == 100


def test_a_vote_counts_all_its_members():
    member = (FullyConnected(30), Softmax())
    shallow = (Softmax(),)
    ensemble = EnsembleSpec("vote", (member, member, shallow), RECIPE)
    assert ensemble.parameters == 2 * 23_860 + 7_850
    assert EnsembleSpec("vote", [list(member)], RECIPE) == EnsembleSpec("vote", (member,), RECIPE)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"member_layers": ()}, "vote needs members"),
        ({"member_layers": ((),)}, "a member of vote has no layers"),
        ({"rule": "pluralty"}, "Did you mean 'plurality'"),
        ({"weights": (1, 1)}, "1 members vote, and 2 weights are given"),
        ({"weights": (0,)}, "weights must be finite numbers above 0"),
        ({"weights": (True,)}, "weights must be finite numbers above 0"),
        ({"weights": 3}, "weights must be finite numbers above 0, not 3"),
        ({"weights": None}, "weights must be finite numbers above 0, not None"),
    ],
)
def test_a_vote_that_cannot_be_held_is_refused(fields, expected):
    with pytest.raises(SpecError, match=expected):
        EnsembleSpec(
            **{
                "name": "vote",
                "recipe": RECIPE,
                "member_layers": ((FullyConnected(10),),),
                **fields,
            }
        )


def test_members_of_a_vote_put_out_the_same_shape():
    recipe = Recipe(cost="quadratic", epochs=1, learning_rate=1)
    with pytest.raises(SpecError, match="put out different numbers"):
        EnsembleSpec("torn", ((FullyConnected(10),), (FullyConnected(9),)), recipe)


def test_claims_read_as_sentences():
    claim = Claim(chapter=6, section="Dropout", accuracy=99.6, protocol="best validation epoch")
    assert str(claim) == "99.60 % (chapter 6, 'Dropout'; test images, best validation epoch)"
    assert str(replace(claim, accuracy=None)) == "no figure (chapter 6, 'Dropout')"


def test_settings_that_are_left_out_keep_the_hashes_of_older_networks():
    # As they were before layers and recipes learnt further settings; the first 16 digits.
    known = {
        "mlp30": "9bac62aac9212bc6",
        "conv2_relu_dropout": "5bad4afffdb75081",
        "conv2_relu_dropout_x5.fast": "a306256654c3720e",
    }
    assert {name: get_spec(name).hash[:16] for name in known} == known
    same = ConvPool(20, "relu", 5, 2, 1, 0, 1, "max", 2)
    assert same == ConvPool(20, "relu")

"""Sections 6.4 and 6.5 in the lab: a Boltzmann machine, recurrent networks, and quoted figures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.special import expit, softmax

from zoo import lab
from zoo.lab.chapter6 import boltzmann, recurrent, survey
from zoo.lab.chapter6.boltzmann import RestrictedBoltzmannMachine
from zoo.lab.core.experiment import Context


@pytest.fixture
def fast(tmp_path) -> Context:
    return Context(tmp_path, fast=True, progress=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("ch6_boltzmann", "agrees"),
        ("ch6_gradients_in_time", "agrees"),
        ("ch6_print_sums", "not judged"),
    ],
)
def test_the_fast_forms_run_to_their_end(name, verdict, tmp_path):
    done = lab.run(name, fast=True, out=tmp_path, progress=False)
    assert done.result.verdict == verdict
    assert done.picture.read_bytes().startswith(b"\x89PNG")


# --- the restricted Boltzmann machine -------------------------------------------------------------


@pytest.fixture
def machine() -> RestrictedBoltzmannMachine:
    """Three visible and two hidden units, with weights that matter."""
    made = RestrictedBoltzmannMachine(3, 2, deviation=1.5, seed=4)
    made.visible_bias, made.hidden_bias = np.array([0.3, -0.8, 0.5]), np.array([-0.4, 0.9])
    return made


def joint(machine: RestrictedBoltzmannMachine) -> dict[tuple, float]:
    """P(v, h) of all states by the energy, -v w h - b v - c h."""
    visible, hidden = machine.w.shape
    weights = {}
    for v in itertools.product((0, 1), repeat=visible):
        for h in itertools.product((0, 1), repeat=hidden):
            energy = -np.array(v) @ machine.w @ np.array(h)
            energy -= machine.visible_bias @ v + machine.hidden_bias @ h
            weights[v, h] = np.exp(-energy)
    total = sum(weights.values())
    return {state: weight / total for state, weight in weights.items()}


def probability_of(machine: RestrictedBoltzmannMachine, v: tuple) -> float:
    return sum(p for (visible, _), p in joint(machine).items() if visible == v)


def test_conditional_probabilities_are_those_of_the_energy(machine):
    states, v, h = joint(machine), (1, 0, 1), (0, 1)
    for unit in range(2):
        on = sum(p for (a, b), p in states.items() if a == v and b[unit]) / probability_of(
            machine, v
        )
        assert machine.hidden_given(np.array([v]))[0, unit] == pytest.approx(on)
    for unit in range(3):
        same = {a: p for (a, b), p in states.items() if b == h}
        on = sum(p for a, p in same.items() if a[unit]) / sum(same.values())
        assert machine.visible_given(np.array([h]))[0, unit] == pytest.approx(on)


def test_chains_reach_the_distribution_of_the_energy(machine):
    v, _ = machine.gibbs(np.zeros((20_000, 3)), rounds=30)
    for state in itertools.product((0, 1), repeat=3):
        share = (v == state).all(axis=1).mean()
        assert share == pytest.approx(probability_of(machine, state), abs=0.015)


def test_learning_makes_the_data_probable():
    machine = RestrictedBoltzmannMachine(4, 3, seed=2)
    patterns = [(1, 1, 0, 0), (0, 0, 1, 1)]
    data = np.array(patterns * 10, dtype=float)
    for _ in range(2_000):
        machine.step(data, rate=0.05)
    # Two of 16 states, of which each has 1/16 at the start; 1/2 at best.
    assert all(probability_of(machine, pattern) > 0.3 for pattern in patterns)
    assert machine.reconstruction_error(data) < 0.1


def test_a_classifier_reads_features():
    images = np.array([[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.9, 0.2]])
    labels = np.array([0, 0, 1, 1])
    assert boltzmann.accuracy_on(np.asarray, (images, labels), (images, labels)) == 100
    assert boltzmann.accuracy_on(np.zeros_like, (images, labels), (images, labels)) == 50


def test_the_machine_is_drawn():
    twenty = np.random.default_rng(0).random((20, 784)).tolist()
    data = dict.fromkeys(("weights", "samples", "backwards"), twenty)
    assert isinstance(boltzmann.boltzmann.draw(data), Figure)


# --- recurrent networks ---------------------------------------------------------------------------


def test_a_sum_is_a_program_and_what_it_prints():
    given = recurrent.sums(np.array([[7, 12], [99, 99]]), length=14)
    read = ["".join(recurrent.ALPHABET[place] for place in row.argmax(axis=1)) for row in given.x]
    assert read == ["   print(7+12)", "  print(99+99)"]
    assert given.x.sum(axis=2).tolist() == [[1.0] * 14] * 2
    written = ["".join(recurrent.ALPHABET[place] for place in row) for row in given.y]
    assert written == ["19..", "198."]
    assert [eval(text.strip()[6:-1]) for text in read] == [19, 198]  # Python agrees


def test_all_pairs_are_there_once():
    pairs = recurrent.shuffled_pairs()
    assert len({(a, b) for a, b in pairs.tolist()}) == len(pairs) == 10_000
    assert len(pairs) >= recurrent.TRAINING + recurrent.TEST


def step_of_rnn(x, state, kernel, recurrent_kernel, bias):
    return (np.tanh(x @ kernel + state[0] @ recurrent_kernel + bias),)


def step_of_lstm(x, state, kernel, recurrent_kernel, bias):
    h, c = state
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4)
    c = expit(f) * c + expit(i) * np.tanh(g)
    return expit(o) * np.tanh(c), c


def cost_in_numpy(arrays: dict[str, list[np.ndarray]], kind: str, x, y) -> float:
    """The cross-entropy of one answer, by the equations of the two kinds of layer."""
    step, parts = {"RNN": (step_of_rnn, 1), "LSTM": (step_of_lstm, 2)}[kind]
    units = arrays["reads"][1].shape[0]
    state = (np.zeros(units),) * parts
    for character in x:
        state = step(character, state, *arrays["reads"])
    read, state, cost = state[0], (np.zeros(units),) * parts, 0.0
    for place in y:
        state = step(read, state, *arrays["writes"])
        w, b = arrays["characters"]
        cost -= np.log(softmax(state[0] @ w + b)[place])
    return cost


@pytest.mark.parametrize(
    ("kind", "setting"), [("RNN", {"scale": 1.5}), ("RNN", {}), ("LSTM", {"forget": 0.5})]
)
def test_gradients_through_time_are_slopes_of_the_cost(kind, setting):
    model = recurrent.build(kind, 3, seed=5, **setting)
    arrays = {
        layer.name: [np.float64(array) for array in layer.get_weights()]
        for layer in model.layers
        if layer.weights
    }
    given = recurrent.sums(np.array([[3, 58], [40, 1]]))
    lengths = []
    for x, y in zip(given.x.astype(float), given.y, strict=True):
        slopes = np.zeros_like(x)
        for place in np.ndindex(*x.shape):
            moved = np.zeros_like(x)
            moved[place] = 1e-5
            above, below = (cost_in_numpy(arrays, kind, x + s * moved, y) for s in (1, -1))
            slopes[place] = (above - below) / 2e-5
        lengths.append(np.linalg.norm(slopes, axis=1))
    expected = np.mean(lengths, axis=0)
    np.testing.assert_allclose(recurrent.gradient_norms(model, given), expected, rtol=1e-3)


def test_settings_reach_the_weights():
    lstm = recurrent.build("LSTM", 3, forget=2.5)
    assert lstm.get_layer("writes").get_weights()[2].tolist() == [0] * 3 + [2.5] * 3 + [0] * 6
    rnn = recurrent.build("RNN", 200, scale=0.5)
    assert rnn.get_layer("reads").get_weights()[1].std() == pytest.approx(0.5 / 200**0.5, rel=0.02)
    orthogonal = recurrent.build("RNN", 20).get_layer("reads").get_weights()[1]
    np.testing.assert_allclose(orthogonal @ orthogonal.T, np.eye(20), atol=1e-5)


def test_both_kinds_have_about_as_many_weights():
    sizes = [recurrent.build(*each).count_params() for each in recurrent.UNITS.items()]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.03)


@pytest.mark.parametrize(
    ("ratios", "verdict"), [((1e-9, 5, 1e-9, 2), "agrees"), ((1e-9, 5, 1e-9, 50), "differs")]
)
def test_gradients_are_judged_by_the_first_character_over_the_last(
    ratios, verdict, fast, monkeypatch
):
    def made(kind, units, *, seed, **setting):
        return ratios[list(recurrent.STARTS.values()).index(claims[kind, *setting.items()])]

    claims = {(row[0], *row[1].items()): row for row in recurrent.STARTS.values()}
    monkeypatch.setattr(recurrent, "build", made)
    monkeypatch.setattr(
        recurrent, "gradient_norms", lambda ratio, given: np.geomspace(ratio, 1, recurrent.LONG)
    )
    result = recurrent.gradients_in_time.measure(fast)
    assert result.verdict == verdict
    assert [check.ours for check in result.checks] == pytest.approx(list(ratios))
    assert isinstance(recurrent.gradients_in_time.draw(result.data), Figure)


@pytest.mark.parametrize(("wrong", "verdict"), [(50, "agrees"), (150, "differs")])
def test_print_sums_is_judged_by_the_lstms_answers(wrong, verdict, tmp_path, monkeypatch):
    class Learned:
        """Knows all sums but the first of the test."""

        def fit(self, x, y, **options):
            assert len(x) == 8_000

    def said(model, x):
        found = recurrent.sums(recurrent.shuffled_pairs()[-len(x) :]).y.copy()
        found[:wrong, 0] = 0
        return found

    monkeypatch.setattr(recurrent, "build", lambda kind, units: Learned())
    monkeypatch.setattr(recurrent, "answers", said)
    full = Context(tmp_path, progress=False)
    result = recurrent.print_sums.measure(full)
    assert result.verdict == verdict
    assert result.checks[0].ours == (1_000 - wrong) / 10
    assert result.checks[1].ours == (4_000 - wrong) / 40
    assert isinstance(recurrent.print_sums.draw(result.data), Figure)


# --- quoted figures -------------------------------------------------------------------------------


def test_quoted_figures_are_not_judged(fast):
    result = survey.survey.measure(fast)
    assert result.verdict == "not judged"
    quoted = {check.what: check.book for check in result.checks}
    assert quoted["KSH 2012, five guesses"] == 84.7
    assert quoted["a person who practised, five guesses"] == 94.9  # 5.1 % wrong
    assert isinstance(survey.survey.draw(result.data), Figure)

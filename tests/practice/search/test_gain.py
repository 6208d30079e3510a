"""What more candidates would bring, and how much of a figure is chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, distribution_to_json
from scipy.stats import norm

from seatrial.practice.search.candidates import Candidate
from seatrial.practice.search.gain import coordinates, expected_gain, noise_between_seeds

UNIT = distribution_to_json(FloatDistribution(0, 1))


def at(places: list[float], first: int = 0) -> list[Candidate]:
    return [Candidate(first + number, {"x": place}, {"x": UNIT}) for number, place in enumerate(places)]


def test_noise_is_the_pooled_deviation():
    assert noise_between_seeds([[1, 2, 3], [10, 14]]) == pytest.approx(math.sqrt((2 + 8) / 3), abs=1e-12)
    assert math.isnan(noise_between_seeds([[1.0], []]))


def test_where_the_best_was_found_nothing_is_to_be_gained():
    places = list(np.linspace(0, 1, 12))
    figures = {number: (place - 0.5) ** 2 for number, place in enumerate(places)}
    near = at([0.48, 0.5, 0.52], 12)
    assert expected_gain(at(places), figures, near, 0.01, highest=False) < 0.01
    high = {number: -value for number, value in figures.items()}
    assert expected_gain(at(places), high, near, 0.01, highest=True) < 0.01


def test_down_a_slope_much_is_to_be_gained():
    places = list(np.linspace(0, 0.5, 12))
    figures = {number: 1 - place for number, place in enumerate(places)}
    gain = expected_gain(at(places), figures, at([0.6, 0.7, 0.8], 12), 0.01, highest=False)
    assert 0.1 < gain < 0.5


def test_one_far_candidate_is_worth_its_expected_improvement():
    """Far from all others the process knows nothing: the closed form of a normal variable (Jones et al. 1998)."""
    generator = np.random.default_rng(0)
    places = list(generator.uniform(0, 0.02, 30))
    figures = {number: float(value) for number, value in enumerate(generator.normal(0, 1, 30))}
    gain = expected_gain(at(places), figures, at([1.0], 30), 1.0, highest=False)
    spread = np.std(list(figures.values()))
    # All that is known of it is the process's own amplitude, which is small here, and the mean.
    assert 0 <= gain < spread * norm.pdf(0)


def test_too_few_results_say_nothing_and_equal_ones_promise_nothing():
    assert math.isnan(expected_gain(at([0.1, 0.2]), {0: 1.0, 1: 2.0}, at([0.3], 2), 0.1, highest=False))
    same = dict.fromkeys(range(6), 1.0)
    assert expected_gain(at([0.1] * 6), same, at([0.3], 6), 0.1, highest=False) == 0


def test_coordinates_are_those_of_the_scales():
    rate = distribution_to_json(FloatDistribution(1e-4, 1, log=True))
    kind = distribution_to_json(CategoricalDistribution(["a", "b"]))
    made = [
        Candidate(0, {"rate": 1e-2, "kind": "a"}, {"rate": rate, "kind": kind}),
        Candidate(1, {"kind": "b"}, {"kind": kind}),
    ]
    # kind a, kind b, whether there is a rate, its place
    assert coordinates(made) == pytest.approx(np.array([[1, 0, 1, 0.5], [0, 1, 0, 0.5]]))

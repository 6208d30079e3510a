"""The leaders on fresh seeds: who is left out, who wins, and how much of it was luck."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, wilcoxon

from seatrial.practice.search.leaders import expected_maximum, in_the_race, left_optimism, winner


def test_who_is_left_out_is_what_scipy_says():
    generator = np.random.default_rng(0)
    seen: set[bool] = set()
    for _ in range(40):
        base = generator.normal(0, 1, 6)
        figures = {0: base, 1: base + generator.normal(0.5, 0.6, 6)}
        if figures[1].mean() <= figures[0].mean():
            continue
        out = wilcoxon(figures[1] - figures[0], alternative="greater", zero_method="zsplit").pvalue < 0.1
        by_seed = {number: dict(enumerate(values.tolist())) for number, values in figures.items()}
        assert in_the_race(by_seed, highest=False) == ([0] if out else [0, 1])
        turned = {number: {at: -value for at, value in each.items()} for number, each in by_seed.items()}
        assert in_the_race(turned, highest=True) == ([0] if out else [0, 1])
        seen.add(bool(out))
    assert seen == {True, False}


def test_a_leader_that_failed_on_a_seed_or_is_out_already_is_out():
    assert in_the_race({3: {0: 1.0, 1: math.nan}, 5: {0: 2.0, 1: 2.0}}, highest=False) == [5]
    assert in_the_race({3: {0: 1.0, 1: 1.0}, 5: {0: 2.0, 1: 2.0}, 7: {0: 1.0}}, highest=False) == [3, 5]


@pytest.mark.parametrize(("count", "value"), [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi)), (10, 1.538753)])  # fmt: skip
def test_the_expected_maximum_is_that_of_the_tables(count: int, value: float):
    """Harter, "Expected values of normal order statistics", 1961."""
    assert expected_maximum(count) == pytest.approx(value, abs=1e-6)


def test_the_winner_has_students_interval_and_its_optimism():
    fresh = {0: {10: 0.5, 11: 0.7, 12: 0.6}, 1: {10: 0.9, 11: 0.8, 12: 0.95}}
    found = winner(fresh, {0: 0.45, 1: 0.4}, 4, highest=False)
    assert found is not None and found.number == 0
    interval = ttest_1samp([0.5, 0.7, 0.6], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert found.optimism == pytest.approx(0.15)  # a loss of 0.45 looked better than 0.6 is
    assert found.of_luck == pytest.approx(0.1 * expected_maximum(4))
    assert found.rivals[1].mean == pytest.approx(0.85 / 3)
    accuracy = {number: {seed: 1 - value for seed, value in each.items()} for number, each in fresh.items()}
    turned = winner(accuracy, {0: 0.55, 1: 0.6}, 4, highest=True)
    assert turned is not None and (turned.number, turned.optimism) == (0, pytest.approx(0.15))
    assert winner({0: {10: math.nan}}, {}, 1, highest=False) is None


def test_optimism_that_is_left_is_about_what_it_is_on_average():
    """Leaders that are equal: the best mean of five seeds is too good by the expected maximum of their means."""
    generator = np.random.default_rng(1)
    estimates = [
        left_optimism([dict(enumerate(row)) for row in generator.normal(0, 1, (4, 5)).tolist()], highest=True)
        for _ in range(60)
    ]
    real = expected_maximum(4) / math.sqrt(5)
    assert real * 0.6 < np.mean(estimates) < real * 1.6
    clear = [{seed: 10.0 * number + 0.1 * seed for seed in range(5)} for number in range(3)]
    assert left_optimism(clear, highest=True) < 0.2

"""What paired figures support: against scipy's test and simulations in which the truth is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from seatrial.evaluation.comparison.seeds import POWER, difference, seeds_needed, smallest_shown


def test_the_interval_is_that_of_a_paired_t_test() -> None:
    first, second = [1.0, 1.3, 0.9, 1.1], [0.8, 1.0, 0.95, 0.7]
    found = difference(first, second)
    reference = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    assert found.shown == (stats.ttest_rel(first, second).pvalue < 0.05)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("noise", ["normal", "skewed", "heavy", "unlike"])
def test_identical_candidates_differ_in_at_most_one_comparison_in_twenty(seeds: int, noise: str) -> None:
    rng = np.random.default_rng(seeds)
    rounds, kinds = 2000, 3
    shown = 0
    for _ in range(rounds):
        block = rng.normal(size=(1, seeds))
        if noise == "skewed":
            own = rng.exponential(size=(kinds, seeds))
        elif noise == "heavy":
            own = rng.standard_t(3, size=(kinds, seeds))
        else:
            own = rng.normal(size=(kinds, seeds)) * ([[0.1], [1], [3]] if noise == "unlike" else 1)
        figures = block + own
        pairs = list(itertools.combinations(range(kinds), 2))
        shown += any(difference(figures[a].tolist(), figures[b].tolist(), len(pairs)).shown for a, b in pairs)
    assert shown / rounds <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / rounds)


def test_candidates_that_are_the_same_have_no_difference() -> None:
    found = difference([0.3, 0.2, 0.5], [0.3, 0.2, 0.5])
    assert (found.mean, found.shown, found.needed) == (0, False, math.inf)


@pytest.mark.parametrize(("effect", "level"), [(1.0, 0.05), (0.5, 0.05), (2.0, 0.05 / 3)])
def test_so_many_seeds_show_a_real_difference_in_four_of_five_comparisons(effect: float, level: float) -> None:
    seeds = int(seeds_needed(effect, 1.0, level))
    rng = np.random.default_rng(0)
    power = {
        count: np.mean([stats.ttest_1samp(rng.normal(effect, 1, count), 0).pvalue < level for _ in range(3000)])
        for count in (seeds, seeds - 1)
    }
    assert power[seeds] >= 0.8 - 0.02
    assert power[seeds - 1] <= 0.8 + 0.02
    assert smallest_shown(1.0, seeds, level) <= effect <= smallest_shown(1.0, seeds - 1, level)


@pytest.mark.parametrize("level", [0.05, 0.05 / 3])
@pytest.mark.parametrize("effect", [0.4, 1.0, 3.0])
def test_seeds_that_are_needed_are_those_of_statsmodels(effect: float, level: float) -> None:
    from statsmodels.stats.power import TTestPower

    def power(each: float, seeds: int) -> float:  # the other side's rejections prove nothing, and are left out
        return TTestPower().power(each, seeds, level / 2, alternative="larger")

    seeds = int(seeds_needed(effect, 1.0, level))
    assert power(effect, seeds) >= POWER and (seeds == 2 or power(effect, seeds - 1) < POWER)
    assert power(smallest_shown(1.0, seeds, level), seeds) == pytest.approx(POWER, abs=1e-9)


def test_counted_figures_that_differ_alike_in_three_seeds_prove_little() -> None:
    """An accuracy on 300 examples, better by one example in each of three seeds."""
    second = [290 / 300, 290 / 300, 290 / 300]
    found = difference([291 / 300] * 3, second, 3)
    assert not found.shown


def test_one_seed_or_trainings_that_diverged_support_nothing() -> None:
    assert not difference([1.0], [2.0]).shown
    found = difference([1.0, math.inf, 1.2], [2.0, 3.0, math.nan])
    assert (found.seeds, found.shown) == (1, False)

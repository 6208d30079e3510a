"""Choices among rates whose best is known."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.measure.rate_choice import SOFT, choice, clearly_positive, lowest_point, relative_losses
from seatrial.measure.rate_curves import Floats

RATES = 0.01 * 2.0 ** np.arange(5)
STEPS = 40


def ended(best: float, shared: float, own: float, seed: int, bend: float = 0.1) -> tuple[Floats, Floats]:
    """Losses of a parabola in log rate around `best`, with noise that all rates share (the batches') and noise of their own."""
    draw = np.random.default_rng(seed)
    batches = shared * draw.standard_normal((3, STEPS))
    curve = 1 + bend * np.log2(RATES / best) ** 2
    tails = curve[:, None, None] + batches + own * draw.standard_normal((5, 3, STEPS))
    return tails, 3.0 + batches


@given(st.floats(0.02, 0.08), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_best_rate_lies_between_the_candidates(best: float, seed: int) -> None:
    """Noise of the batches, ten times as large as the differences, goes out in pairs."""
    tails, idle = ended(best, 1.0, 0.02, seed)
    found = choice(RATES, tails, idle)
    assert best / 1.3 < found.rate < best * 1.3
    assert found.low <= found.rate <= found.high


def test_the_band_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        found = choice(RATES, *ended(0.037, 1.0, 0.3, seed))
        held += found.low <= 0.037 <= found.high
    assert held >= 54


def test_a_wider_spread_makes_a_wider_band() -> None:
    wide, narrow = (choice(RATES, *ended(0.04, 1.0, own, 0)) for own in (0.5, 0.01))
    assert wide.high / wide.low > 1.2 * narrow.high / narrow.low


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_no_rate_where_the_loss_falls_at_none(seed: int) -> None:
    draw = np.random.default_rng(seed)
    idle = 2 + 0.3 * draw.standard_normal((3, STEPS))
    tails = idle + 0.01 * draw.standard_normal((5, 3, STEPS)) + 0.05
    found = choice(RATES, tails, idle)
    assert np.isnan(found.rate) and "falls clearly at no rate" in found.why


def test_no_rate_where_all_were_lost() -> None:
    assert "falls clearly at no rate" in choice(RATES, np.full((5, 3, 8), np.inf), np.ones((3, 8))).why


def test_no_rate_where_seeds_disagree_and_it_matters() -> None:
    tails = np.ones((5, 3, STEPS))
    tails[0, 0] = tails[4, 1] = tails[2, 2] = 0.2
    found = choice(RATES, tails, np.full((3, STEPS), 2.0))
    assert "seeds disagree" in found.why and "0.01 to 0.16" in found.why


def test_seeds_may_disagree_where_it_does_not_matter() -> None:
    tails = np.ones((5, 3, STEPS))
    tails[0, 0] = tails[4, 1] = tails[2, 2] = 0.99
    assert choice(RATES, tails, np.full((3, STEPS), 2.0)).why == ""


def test_beside_a_lost_rate_the_best_stays_where_it_is() -> None:
    assert lowest_point(RATES, np.array([3.0, 2.0, 1.0, np.inf, np.inf]), 9.0) == RATES[2]
    assert lowest_point(RATES, np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 9.0) == RATES[0]


def test_the_lowest_point_is_that_of_a_fitted_parabola() -> None:
    """Weighted least squares through those within a factor of 3, as numpy has it."""
    rates = 0.01 * 2.0 ** np.arange(0, 4.1, 0.5)
    losses = np.array([9.0, 7.0, 4.0, 2.6, 2.0, 2.1, 2.9, 4.4, 8.0])
    kept, high_by = slice(1, 8), np.log(losses / 2.0)
    weights = np.where(abs(np.arange(9) - 4) <= 1, 1.0, np.exp(-high_by / SOFT))
    reference = np.polyfit(np.log2(rates[kept]), high_by[kept], 2, w=np.sqrt(weights[kept]))
    assert np.isclose(np.log2(lowest_point(rates, losses, 20.0)), -reference[1] / (2 * reference[0]))


def test_a_parabola_through_several_is_surer_than_one_through_three() -> None:
    rates = 0.01 * 2.0 ** np.arange(0, 4.1, 0.5)
    draw = np.random.default_rng(0)
    several, three = [], []
    for _ in range(200):
        losses = np.exp(0.1 * np.log2(rates / 0.04) ** 2 + 0.03 * draw.standard_normal(len(rates)))
        at = int(losses.argmin())
        near = slice(max(at - 1, 0), at + 2)
        several.append(np.log2(lowest_point(rates, losses, 9.0) / 0.04))
        three.append(np.log2(lowest_point(rates[near], losses[near], 9.0) / 0.04))
    assert np.std(several) < 0.8 * np.std(three)


def test_it_is_not_moved_towards_a_cliff() -> None:
    losses = np.array([2.5, 1.2, 1.0, 4.0, np.inf])
    assert lowest_point(RATES, losses, 9.0) <= RATES[2]


def test_a_cliff_within_a_factor_of_two_bounds_the_rate() -> None:
    tails, idle = ended(0.04, 1.0, 0.01, 0)
    assert not choice(RATES, tails, idle).bounded
    tails[3:] = np.inf
    assert choice(RATES, tails, idle).bounded
    tails[3] = tails[2] + 0.01
    assert not choice(RATES, tails, idle).bounded  # lost from four times the rate on


def test_losses_are_relative_where_their_zero_means_something() -> None:
    losses = np.array([0.01, 0.02, 0.04])
    assert np.allclose(relative_losses(losses, 100.0), np.log(losses / 0.01))
    likelihoods = losses - 3.0
    assert np.allclose(relative_losses(likelihoods, -2.0), np.log1p((losses - 0.01) / 0.99))
    assert np.allclose(relative_losses(losses + 8.0, 9.01), relative_losses(losses + 800.0, 801.01))


def test_a_wider_spread_of_seeds_makes_more_regret() -> None:
    wide, narrow = (choice(RATES, *ended(0.04, 1.0, own, 0, bend=0.05)).regret for own in (1.0, 0.01))
    assert wide > 10 * narrow >= 0.0


def test_chance_is_told_from_more() -> None:
    draw = np.random.default_rng(0)
    false = sum(clearly_positive(draw.standard_normal((3, 40))) for _ in range(400))
    assert false <= 8
    assert clearly_positive(0.6 + draw.standard_normal((3, 40)))

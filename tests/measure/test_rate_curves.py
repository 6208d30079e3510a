"""Range tests whose truth is known: where they fall, where they are lowest, where they are lost, and where there is nothing to read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.measure.rate_curves import Floats, reading, smoothed

STEPS = 100
RATES = np.geomspace(1e-5, 10, STEPS)
seeds = st.integers(0, 10_000)


def valley(bottom: float, edge: float, fall: float = 1.0) -> Floats:
    """A loss of 2 that falls smoothly to its lowest at `bottom`, and passes its start again at `edge`, ever steeper."""
    x, low, end = np.log(RATES), np.log(bottom), np.log(edge)
    down = fall / (1 + np.exp(-1.5 * (x - low + 3)))
    return 2 - down + fall * np.exp(np.clip(2.5 * (x - end), None, 12))


def noisy(curve: Floats, noise: float, seed: int, count: int = 3) -> Floats:
    draw = np.random.default_rng(seed)
    return curve + noise * draw.standard_normal((count, STEPS)) + 0.1 * draw.standard_normal((count, 1))


def height(curve: Floats, rate: float) -> float:
    """By how much the true curve lies above its lowest point at a rate, where the whole fall is 1."""
    return float(np.interp(np.log(rate), np.log(RATES), curve) - curve.min())


@given(seeds, st.floats(1e-3, 0.1), st.floats(0.0, 0.15))
@settings(max_examples=25, deadline=None)
def test_a_valley_is_read_through_noise(seed: int, bottom: float, noise: float) -> None:
    curve = valley(bottom, 20 * bottom)
    found = reading(RATES, noisy(curve, noise, seed))
    assert found.falls and not found.begins_high and not found.ends_low
    assert height(curve, found.lowest) < 0.1 + noise
    assert found.low <= found.high
    assert 20 * bottom / 4 < found.edge < 20 * bottom * 4
    assert found.onset < found.lowest and found.steepest <= found.lowest


@given(seeds, st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_nothing_is_read_from_noise_alone(seed: int, noise: float) -> None:
    found = reading(RATES, noisy(np.full(STEPS, 2.0), noise, seed))
    assert not found.falls and np.isnan(found.lowest)
    assert found.ends_low and not np.isfinite(found.edge)


@given(seeds, st.lists(st.integers(0, 99), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_spikes_of_a_seed_change_nothing_much(seed: int, at: list[int]) -> None:
    curve = valley(0.01, 0.3)
    calm = noisy(curve, 0.03, seed)
    spiky = calm.copy()
    for number, step in enumerate(dict.fromkeys(at)):
        spiky[number % 3, step] += 8.0
    found = reading(RATES, spiky)
    assert found.falls
    assert height(curve, found.lowest) < 0.15
    assert 0.1 < found.edge < 1.0


def test_spikes_would_change_the_mean() -> None:
    """That the test above could fail."""
    calm = noisy(valley(0.01, 0.3), 0.03, 0)
    calm[0, 20] -= 60.0
    assert calm.mean(axis=0).argmin() == 20
    assert reading(RATES, calm).lowest > 1e-3


@given(seeds, st.integers(30, 95))
@settings(max_examples=25, deadline=None)
def test_what_is_cut_off_is_the_edge(seed: int, until: int) -> None:
    losses = noisy(valley(1.0, 20.0), 0.05, seed)
    losses[1, until:] = np.inf
    assert reading(RATES, losses).edge <= RATES[until]


def test_a_range_that_begins_too_high_says_so() -> None:
    lost_at_once = noisy(valley(1e-7, 2e-6), 0.05, 0)
    assert reading(RATES, lost_at_once).begins_high
    near = noisy(valley(1e-5, 1e-4), 0.05, 0)
    assert reading(RATES, near).begins_high
    broken = np.full((3, STEPS), np.inf)
    broken[:, :4] = 2.0
    assert reading(RATES, broken).begins_high


def test_a_range_that_ends_too_low_says_so() -> None:
    found = reading(RATES, noisy(valley(100.0, 2000.0), 0.02, 0))
    assert found.ends_low and not np.isfinite(found.edge)


def test_a_loss_that_only_grows_does_not_fall() -> None:
    found = reading(RATES, noisy(2 + np.exp(np.clip(2 * np.log(RATES / 0.1), None, 8)), 0.02, 0))
    assert not found.falls and 0.01 < found.edge < 1.0


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_slope_is_the_derivative_by_log_rate(noise: float) -> None:
    x = np.log(RATES)
    curve = np.sin(x / 3)
    draw = np.random.default_rng(0)
    found = smoothed(RATES, curve + noise * draw.standard_normal((3, STEPS)))
    inner = slice(8, -8)
    assert np.abs(found.slope - np.cos(x / 3) / 3)[inner].max() < 0.02 + 2 * noise
    assert np.abs(found.value - (curve - curve.mean()) - curve.mean())[inner].max() < 0.01 + noise


def test_a_parabola_is_kept_as_it_is() -> None:
    """The local fit is quadratic: no bias where the curve bends, up to its ends, unlike a running mean's."""
    x = np.log(RATES)
    curve = 0.1 * (x + 4) ** 2
    assert np.allclose(smoothed(RATES, curve[None]).value, curve, atol=1e-5)
    running = np.convolve(curve, np.ones(9) / 9, "same")
    assert np.abs(running - curve).max() > 0.1


def test_the_error_is_that_of_redrawn_noise() -> None:
    """Against the spread of the values over many redrawn curves, of one width of window and more."""
    curve = valley(0.01, 5.0)[:80]
    found = [
        smoothed(RATES[:80], curve + 0.1 * np.random.default_rng(seed).standard_normal((3, 80))) for seed in range(60)
    ]
    spread = np.std([each.value - each.value.mean() for each in found], axis=0).mean()
    told = np.mean([each.error for each in found])
    assert 0.5 < told / spread < 2.0


def test_where_seeds_lie_apart_they_count_less() -> None:
    losses = np.full((3, STEPS), 2.0)
    losses[:, ::2] += np.array([[-1.0], [0.1], [1.0]])[:, :] * (np.arange(0, STEPS, 2) > 50)
    losses += 0.01 * np.random.default_rng(0).standard_normal((3, STEPS))
    found = smoothed(RATES, losses)
    assert found.error[80] > found.error[10]

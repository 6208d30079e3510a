"""A learning rate is suggested where the loss falls steepest, and none where that is not plain."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from seatrial.events import RateSwept
from seatrial.history import Run
from seatrial.rules.sweeps import smoothed, suggestion, tried_rates

RATES = tuple(10 ** (-5 + 6 * at / 59) for at in range(60))


def swept(loss: Callable[[float], float], noise: float = 0.01) -> RateSwept:
    """A sweep whose loss is a function of the logarithm (base 10) of the rate."""
    draws = random.Random(0)
    losses = tuple(loss(math.log10(rate)) + noise * draws.gauss(0, 1) for rate in RATES)
    return RateSwept(0, RATES, losses, 2, 0.01, math.nan, math.nan)


def fall(at: float, width: float = 0.15) -> Callable[[float], float]:
    """From 1 to 0 around a rate."""
    return lambda rate: 1 / (1 + math.exp((rate - at) / width))


def exploding(rate: float) -> float:
    return 5 * max(0.0, rate) ** 2


@pytest.mark.parametrize("at", [-3.0, -2.0, -1.0])
def test_the_rate_at_which_the_loss_falls_steepest(at: float) -> None:
    found = suggestion(swept(lambda rate: 0.3 + 2 * fall(at)(rate) + exploding(rate)))
    assert math.log10(found.rate) == pytest.approx(at, abs=0.2)
    assert found.why == ""


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        (lambda rate: 2.3, "does not fall"),
        (lambda rate: 2.3 + exploding(rate + 3), "does not fall"),
        (lambda rate: 2.3 - 0.1 * fall(-2)(-rate - 4) + exploding(rate), "does not fall"),
        (lambda rate: 0.2 + 2 * fall(0.9, 0.3)(rate), "highest rate"),
        (lambda rate: 0.2 + fall(-4)(rate) + fall(-1.5)(rate) + exploding(rate), "quite different rates"),
        (lambda r: 1 + fall(-4)(r) + 1.6 * fall(-1, 0.05)(r) + 0.9 * fall(2)(-r) + exploding(r), "quite different"),
    ],
    ids=["flat", "rises", "falls by little", "falls to the end", "falls twice", "rises in between"],
)
def test_none_where_it_is_not_plain(loss: Callable[[float], float], why: str) -> None:
    found = suggestion(swept(loss))
    assert math.isnan(found.rate)
    assert why in found.why


def test_noise_alone_suggests_nothing() -> None:
    assert math.isnan(suggestion(swept(lambda rate: 1.0, noise=0.3)).rate)


def test_what_broke_is_left_out() -> None:
    whole = swept(lambda rate: 0.3 + 2 * fall(-2)(rate) + exploding(rate))
    broken = RateSwept(0, RATES, (*whole.losses[:50], *[math.inf] * 10), 2, 0.01, math.nan, math.nan)
    assert suggestion(broken).rate == suggestion(whole).rate
    assert len(smoothed(broken.losses)) == 50
    lost = RateSwept(0, RATES, (2.0, *[math.inf] * 59), 2, 0.01, math.nan, math.nan)
    assert "lowest rates" in suggestion(lost).why


def test_a_mean_over_neighbours() -> None:
    assert smoothed([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == pytest.approx([2.0, 2.5, 3.0, 4.0, 4.5, 5.0])


def test_a_remedy_names_the_suggested_rate_only_where_it_lies_on_the_right_side() -> None:
    steep = swept(lambda rate: 0.3 + 2 * fall(-3.0)(rate) + exploding(rate))  # the script's rate was 0.01
    figures, remedy = tried_rates(Run.of([steep]), "usual", lower=True)
    assert math.log10(float(str(figures["suggested_rate"]))) == pytest.approx(-3, abs=0.2)
    assert remedy.startswith("Try a learning rate of 0.001")
    assert tried_rates(Run.of([steep]), "usual", lower=False) == ({}, "usual")
    assert tried_rates(Run.of([]), "usual", lower=True) == ({}, "usual")


def test_the_largest_stable_rate_is_told_where_the_curvature_is_known() -> None:
    flat = replace(swept(lambda rate: 1.0), curvature=40.0, limit=0.05)
    figures, _ = tried_rates(Run.of([flat]), "usual", lower=True)
    assert figures == {"curvature": 40.0, "largest_stable_rate": 0.05}

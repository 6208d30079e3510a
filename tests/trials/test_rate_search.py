"""The search, on trainings whose best rate is known in closed form, and on those that have none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from seatrial.trials.rate_search import FURTHEST, MORE_SEEDS, SEEDS, Search, Train

STEPS = 200


def noisy_parabola(noise: float = 1.0, start: float = 10.0, scale: float = 1.0) -> Train:
    """Gradient descent on x² / 2 with noise in its gradient; rates count `scale` times."""

    def train(rates: Sequence[float], seed: int) -> list[float]:
        draw = np.random.default_rng(seed)
        x, losses = start, []
        for rate in rates:
            z = noise * draw.standard_normal()
            losses.append(0.5 * (x - z) ** 2)
            if not losses[-1] < 1e12:
                break
            x -= scale * rate * (x - z)
        return losses

    return train


def expected(rate: float, steps: int, noise: float = 1.0, start: float = 10.0) -> float:
    """The expected loss after so many steps: what is left of the start, and what the noise adds."""
    shrink = (1 - rate) ** 2
    added = rate**2 * noise**2 * (1 - shrink**steps) / (1 - shrink) if shrink != 1 else 0.0
    return 0.5 * (start**2 * shrink**steps + added + noise**2)


def best(steps: int) -> float:
    """The rate of the lowest expected loss, averaged over the last tenth as the search does."""
    rates = np.geomspace(1e-3, 1.9, 400)
    tail = range(round(0.9 * steps), steps)
    return float(rates[np.argmin([np.mean([expected(rate, at) for at in tail]) for rate in rates])])


@pytest.mark.parametrize("used", [1e-6, 0.01, 1.0, 1e4])
def test_it_comes_near_the_best_from_wherever_it_begins(used: float) -> None:
    found = Search(noisy_parabola(), used, STEPS).find()
    assert expected(found.rate, STEPS) < 1.05 * min(expected(rate, STEPS) for rate in np.geomspace(1e-3, 1.9, 400))
    assert found.low <= found.rate <= found.high
    assert 0.3 < found.read.edge < 40  # stable up to 2


def test_the_unit_of_the_rate_does_not_matter() -> None:
    one = Search(noisy_parabola(), 0.1, STEPS).find()
    other = Search(noisy_parabola(scale=1e-3), 100.0, STEPS).find()
    assert other.rate == pytest.approx(1e3 * one.rate, rel=1e-6)


def test_without_noise_it_is_near_newton_s_step() -> None:
    found = Search(noisy_parabola(noise=0.0), 0.01, 30).find()
    assert 0.3 < found.rate < 1.7


def test_for_a_longer_training_it_is_lower() -> None:
    """Half way between the root, as where noise rules, and not at all, as where curvature does; the band holds both."""
    short = Search(noisy_parabola(), 0.1, 50).find()
    longer = Search(noisy_parabola(), 0.1, 200, longest=50).find()
    assert longer.tried_best == short.rate == short.tried_best
    assert longer.rate == pytest.approx(short.rate / math.sqrt(2))
    assert longer.high == short.high and longer.low == pytest.approx(short.low / 2)
    endless = Search(noisy_parabola(), 0.1, 10**6, longest=50).find()
    assert endless.rate == pytest.approx(short.rate / math.sqrt(math.sqrt(FURTHEST)))


def test_taking_it_down_is_right_where_noise_rules() -> None:
    found = Search(noisy_parabola(), 0.1, 800, longest=100).find()
    assert best(800) < found.rate < found.tried_best
    assert expected(found.low, 800) < expected(found.rate, 800) < expected(found.tried_best, 800)


def test_it_is_not_taken_down_where_curvature_bounds_it() -> None:
    """Gradient descent on a badly scaled parabola, far from its lowest point: the longer, the better, with any rate below 2."""

    def train(rates: Sequence[float], seed: int) -> list[float]:
        x, y, losses = 1e-3, 10.0, []
        draw = np.random.default_rng(seed)
        for rate in rates:
            losses.append(0.5 * x**2 + 0.5e-3 * y**2)
            if not losses[-1] < 1e6:
                break
            x, y = x - rate * (x + 1e-4 * draw.standard_normal()), y - rate * 1e-3 * y
        return losses

    found = Search(train, 0.1, 1000, longest=100).find()
    assert 0.8 < found.rate == found.tried_best < 2


def test_more_seeds_where_these_leave_it_open() -> None:
    """Trainings end on a curve of their rate that is lowest at 0.05, each by a factor of its own off it."""

    def train(spread: float) -> Train:
        def one(rates: Sequence[float], seed: int) -> list[float]:
            if len(set(rates)) > 1:  # the range test
                return noisy_parabola()(rates, seed)
            own = np.random.default_rng([int(1e6 * rates[0]), seed]).standard_normal()
            end = min(1 + 0.3 * math.log(max(rates[0], 1e-9) / 0.05) ** 2, 9.0) * math.exp(spread * own)
            return np.linspace(10.0, end, len(rates)).tolist()

        return one

    plain, noisy = (Search(train(spread), 0.1, STEPS).find() for spread in (0.001, 0.6))
    assert {len(each.losses) for each in plain.tried} == {SEEDS}
    assert plain.rate == pytest.approx(0.05, rel=0.1)
    more = [each.rate for each in noisy.tried if len(each.losses) == SEEDS + MORE_SEEDS]
    assert len(more) in (4, 5) and max(more) / min(more) < 4.1
    assert min(more) <= noisy.rate <= max(more)


def test_no_rate_where_the_loss_does_not_react() -> None:
    def train(rates: Sequence[float], seed: int) -> list[float]:
        return (2 + 0.1 * np.random.default_rng(seed).standard_normal(len(rates))).tolist()

    found = Search(train, 0.1, STEPS).find()
    assert math.isnan(found.rate) and "does not react" in found.why and found.tried == ()


def test_no_rate_where_every_one_makes_it_worse() -> None:
    def train(rates: Sequence[float], seed: int) -> list[float]:
        draw = np.random.default_rng(seed)
        walked = np.cumsum(np.array(rates) * 10)
        losses = 2 + walked + 0.05 * draw.standard_normal(len(rates))
        return losses[losses < 1e6].tolist()

    found = Search(train, 0.1, STEPS).find()
    assert math.isnan(found.rate) and "falls clearly at no rate" in found.why and found.tried


@pytest.mark.parametrize("losses", [[], [math.nan], [math.inf]])
def test_no_rate_where_the_first_loss_is_none(losses: list[float]) -> None:
    found = Search(lambda rates, seed: losses, 0.1, STEPS).find()
    assert math.isnan(found.rate) and "before any step" in found.why


def test_no_rate_in_no_time() -> None:
    found = Search(noisy_parabola(), 0.1, STEPS, seconds=1e-6).find()
    assert math.isnan(found.rate) and "take more than" in found.why


def test_read_off_where_nothing_can_be_tried() -> None:
    """A curve of which it is plain where it is lowest, and time for the range test only."""

    def train(rates: Sequence[float], seed: int) -> list[float]:
        steps[0] += len(rates)
        return (
            np.abs(np.log(np.array(rates) / 0.03)) + 0.01 * np.random.default_rng(seed).standard_normal(len(rates))
        ).tolist()

    steps = [0]
    found = Search(train, 0.01, STEPS, longest=1).find()
    assert found.tried == () and found.steps == 0 and steps[0] < 1300
    assert 0.002 < found.rate < 0.0045 and math.isnan(found.tried_best)


def test_two_searches_say_the_same() -> None:
    one, other = (Search(noisy_parabola(), 0.1, STEPS).find() for _ in range(2))
    assert (one.rate, one.low, one.high, one.tried) == (other.rate, other.low, other.high, other.tried)


def test_a_rate_that_breaks_one_of_the_seeds_is_not_named() -> None:
    """Above 0.05 the second seed is lost, though the others would like more."""
    inner = noisy_parabola()

    def train(rates: Sequence[float], seed: int) -> list[float]:
        losses = inner(rates, seed)
        fatal = [at for at, rate in enumerate(rates) if rate > 0.05]
        return losses[: fatal[0] + 5] if seed == 1 and fatal else losses

    assert Search(train, 0.01, 60).find().rate <= 0.05

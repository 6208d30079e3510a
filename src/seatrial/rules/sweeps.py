"""The learning rate that a sweep suggests: where the smoothed loss falls steepest per factor of the rate, if that is plain.

After L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3; the steepest point is what
fastai's learning-rate finder suggests (J. Howard & S. Gugger, "fastai: A Layered API for Deep Learning", 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from seatrial.events import RateSwept
from seatrial.findings import Figure
from seatrial.history import Run
from seatrial.numbers import decimal

# Rates on each side whose losses are averaged with one's own.
REACH = 2
# The fall of the smoothed loss from which on it counts: as a multiple of what the losses scatter around it, and of its start.
LEAST_FALL = 6.0
LEAST_SHARE = 0.1
# A second place that falls at least so steeply, relative to the steepest, is its rival ...
RIVAL = 0.8
# ... where the loss falls less than this, relative to the steepest, somewhere between the two.
VALLEY = 0.4
# Where the smoothed loss rises by so much of its fall on the way to its lowest, it falls twice.
LEAST_RISE = 0.3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`rate`: the learning rate to try, nan where the sweep suggests none; `why` it suggests none."""

    rate: float
    why: str = ""


def suggestion(swept: RateSwept) -> Suggestion:
    """What the sweep suggests."""
    trend = smoothed(swept.losses)
    if len(trend) <= 2 * REACH + 2:
        return Suggestion(math.nan, "the loss was lost at the lowest rates already")
    lowest = min(range(len(trend)), key=lambda at: trend[at])
    scatter = _scatter(swept.losses[: lowest + 1], trend[: lowest + 1])
    fall = trend[0] - trend[lowest]
    if lowest < 2 or fall < max(LEAST_FALL * scatter, LEAST_SHARE * abs(trend[0])):
        return Suggestion(math.nan, "the loss does not fall clearly at any rate")
    if lowest == len(swept.losses) - 1:
        return Suggestion(math.nan, "the loss still falls at the highest rate that was tried")
    steepness = _steepness(swept.rates, trend[: lowest + 1])
    steepest = max(range(len(steepness)), key=lambda at: steepness[at])
    if _has_rival(steepness, steepest) or _rise(trend[: lowest + 1]) > LEAST_RISE * fall:
        return Suggestion(math.nan, "the loss falls about as steeply at quite different rates")
    return Suggestion(swept.rates[steepest])


def tried_rates(run: Run, remedy: str, lower: bool) -> tuple[dict[str, Figure], str]:
    """What a sweep and the curvature say beside a finding about the rate: figures, and the remedy with the rate that is
    suggested, if that lies on the side on which it is to be looked for (`lower` than the script's, or higher)."""
    swept = next(reversed(run.every(RateSwept)), None)
    if swept is None:
        return {}, remedy
    figures: dict[str, Figure] = {}
    if math.isfinite(swept.limit):
        figures |= {"curvature": swept.curvature, "largest_stable_rate": swept.limit}
    rate = suggestion(swept).rate
    if math.isfinite(rate) and (rate < swept.used) == lower:
        figures["suggested_rate"] = rate
        remedy = f"Try a learning rate of {decimal(rate, 1)}, where the loss of copies falls steepest."
    return figures, remedy


def smoothed(losses: Sequence[float]) -> list[float]:
    """Means over neighbours, up to the first loss that is not finite."""
    end = next((at for at, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    parts = (losses[max(0, at - REACH) : min(end, at + REACH + 1)] for at in range(end))
    return [sum(part) / len(part) for part in parts]


def _scatter(losses: Sequence[float], trend: Sequence[float]) -> float:
    """The standard deviation of the losses around their trend."""
    return math.sqrt(sum((loss - mean) ** 2 for loss, mean in zip(losses, trend, strict=True)) / len(trend))


def _steepness(rates: Sequence[float], trend: Sequence[float]) -> list[float]:
    """By how much the trend falls per factor e of the rate, by central differences (one-sided at the ends)."""
    found: list[float] = []
    for at in range(len(trend)):
        low, high = max(0, at - 1), min(len(trend) - 1, at + 1)
        found.append((trend[low] - trend[high]) / math.log(rates[high] / rates[low]))
    return found


def _rise(trend: Sequence[float]) -> float:
    """By how much the trend rises above what it had come down to."""
    return max(here - low for here, low in zip(trend, accumulate(trend, min), strict=True))


def _has_rival(steepness: Sequence[float], steepest: int) -> bool:
    """Whether somewhere else the loss falls about as steeply, with a flatter stretch in between."""
    top = steepness[steepest]
    for at, here in enumerate(steepness):
        between = steepness[min(at, steepest) : max(at, steepest) + 1]
        if here >= RIVAL * top and min(between) < VALLEY * top:
            return True
    return False

"""Which of some learning rates trained best, how sure that is, or why none is to be named: a function of the losses with which
short trainings ended, on the same batches for all rates, so that differences are taken in pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seatrial.measure.rate_curves import BAND, Floats

SURE = 3.0  # standard errors
# Seeds disagree where their own best rates are further apart than this factor, and the common choice costs one of them more than
# such a share of its fall. A factor of 8 is three candidates; a fifth of the fall is four times what counts as equally good.
APART = 8.0
REGRET = 0.2
DRAWS = 400
# Losses that follow one another are alike: errors are taken from the means of so many stretches.
STRETCHES = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """`rate` with its band from `low` to `high`; nan where none is named, with the reason in `why`."""

    rate: float
    low: float
    high: float
    why: str = ""


def choice(rates: Floats, tails: Floats, idle: Floats) -> Choice:
    """The rate with which the loss ends lowest.

    Args:
        rates: (rates,), growing by one factor.
        tails: (rates, seeds, steps): the last losses of each training; inf where it was lost.
        idle: (seeds, steps): the same for models that were not trained.
    """
    means = tails.mean(axis=2)
    best = int(means.mean(axis=1).argmin())
    if not clearly_positive(idle - tails[best]):
        return _none("the loss falls clearly at no rate")
    why = _disagreement(rates, means, best, idle.mean(axis=1))
    if why:
        return _none(why)
    low, high = _band(rates, tails, best)
    rate = lowest_point(rates, means.mean(axis=1))
    return Choice(rate, min(rate, low), max(rate, high))


def clearly_positive(differences: Floats) -> bool:
    """Whether the mean of paired differences (seeds, steps) lies above zero by more than chance."""
    if not np.isfinite(differences).all():
        return False
    mean = float(differences.mean())
    errors = np.array([_error(each) for each in differences])
    if not np.isfinite(errors).all():  # too few to tell chance from more
        return mean > 0
    return mean > SURE * float(np.sqrt((errors**2).sum())) / len(errors)


def lowest_point(rates: Floats, losses: Floats) -> float:
    """The rate (of a grid of a constant factor) at the lowest point of the parabola through the lowest loss and its neighbours in
    log rate; that of the lowest loss itself where a neighbour was lost or is not there."""
    at = int(losses.argmin())
    if not 0 < at < len(rates) - 1 or not np.isfinite(losses[at - 1 : at + 2]).all():
        return float(rates[at])
    before, here, after = (float(loss) for loss in losses[at - 1 : at + 2])
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(rates[at] * (rates[at + 1] / rates[at]) ** shift)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _none(why: str) -> Choice:
    return Choice(math.nan, math.nan, math.nan, why)


def _disagreement(rates: Floats, means: Floats, best: int, idle: Floats) -> str:
    """How the seeds disagree; empty where they do not."""
    own = means.argmin(axis=0)
    low, high = float(rates[own.min()]), float(rates[own.max()])
    lowest = means.min(axis=0)
    costs = (means[best] - lowest) > REGRET * np.maximum(idle - lowest, 0.0)
    if high / low <= APART or not costs.any():
        return ""
    return f"the seeds disagree: the best rates of single ones reach from {low:.2g} to {high:.2g}"


def _band(rates: Floats, tails: Floats, best: int) -> tuple[float, float]:
    """The middle BAND of the lowest points of redrawn losses: seeds with replacement, and noise of the size of the errors of the
    differences from the best rate."""
    draw = np.random.default_rng(0)
    means = tails.mean(axis=2)
    with np.errstate(invalid="ignore"):
        errors = np.array([[_error(one) for one in each] for each in tails - tails[best]])
    errors = np.where(np.isfinite(errors), errors, 0.0)
    seeds = means.shape[1]
    drawn: list[float] = []
    for _ in range(DRAWS):
        noisy = means + draw.standard_normal(means.shape) * errors
        drawn.append(lowest_point(rates, noisy[:, draw.integers(0, seeds, seeds)].mean(axis=1)))
    low, high = np.quantile(np.log(drawn), [(1 - BAND) / 2, (1 + BAND) / 2])
    return float(np.exp(low)), float(np.exp(high))


def _error(differences: Floats) -> float:
    """The standard error of the mean of a series; nan where it is too short."""
    if len(differences) < 4 or not np.isfinite(differences).all():
        return math.nan
    parts = [part.mean() for part in np.array_split(differences, min(STRETCHES, len(differences) // 2))]
    return float(np.std(parts, ddof=1) / math.sqrt(len(parts)))

"""Which of some learning rates trained best, how sure that is, or why none is to be named: a function of the losses with which
short trainings ended, on the same batches for all rates, so that differences are taken in pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seatrial.measure.rate_curves import BAND, Floats
from seatrial.numbers import decimal

SURE = 3.0  # standard errors
# Seeds disagree where their own best rates are further apart than this factor, and the common choice costs one of them more than
# such a share of its fall. A factor of 8 is three candidates; a fifth of the fall is four times what counts as equally good.
APART = 8.0
REGRET = 0.2
DRAWS = 400
# The lowest point is that of a parabola through the candidates within this factor of the best one ...
REACH = 3.0
# ... which count less the higher their losses: by a factor e for so much (relative; see `relative_losses`), and not at all from so much
# on, for what is far from the best is no parabola. The two next to it count in full: where one of them is high, the lowest point is far from it.
SOFT = 0.2
FARTHEST = 2.0
# Where a higher candidate is so much worse, there is a cliff: the rate is not moved towards one that comes next ...
CLIFF = 1.0
# ... and one that lies within this factor of the best is what bounds the rate.
BOUND = 2.0
# Losses that follow one another are alike: errors are taken from the means of so many stretches.
STRETCHES = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """`rate` with its band from `low` to `high`; nan where none is named, with the reason in `why`. `regret`: by how much the
    loss at another draw's choice is expected to lie above that at this one (relative, see `relative_losses`), by the parabola.
    `bounded`: a little above it trainings are lost, so that curvature bounds it."""

    rate: float
    low: float
    high: float
    regret: float
    bounded: bool
    why: str = ""


def choice(rates: Floats, tails: Floats, idle: Floats) -> Choice:
    """The rate with which the loss ends lowest.

    Args:
        rates: (rates,), growing.
        tails: (rates, seeds, steps): the last losses of each training; inf where it was lost.
        idle: (some seeds, steps): the same for models that were not trained, for the first of the seeds at least.
    """
    means = tails.mean(axis=2)
    best = int(means.mean(axis=1).argmin())
    first = len(idle)
    if not clearly_positive(idle - tails[best, :first]):
        return _none("the loss falls clearly at no rate")
    why = _disagreement(rates, means[:, :first], best, idle.mean(axis=1))
    if why:
        return _none(why)
    together = means.mean(axis=1)
    start = float(idle.mean())
    rate = lowest_point(rates, together, start)
    drawn = _redrawn(rates, tails, best, start)
    low, high = np.exp(np.quantile(np.log(drawn), [(1 - BAND) / 2, (1 + BAND) / 2]))
    bend = _parabola(rates, together, start)[1]
    seeds = tails.shape[1]  # redrawn, they vary less than anew
    regret = bend * float(np.mean(np.log(np.array(drawn) / rate) ** 2)) * seeds / max(seeds - 1, 1)
    above = (rates > rates[best]) & (rates <= 1.001 * BOUND * rates[best])
    bounded = bool((relative_losses(together, start)[above] > CLIFF).any())
    return Choice(rate, min(rate, float(low)), max(rate, float(high)), regret, bounded)


def relative_losses(losses: Floats, start: float) -> Floats:
    """By how much losses lie above the lowest, as the logarithm of their ratio to it. Where the loss has fallen by less than it still
    is (its zero means nothing there), or is negative, in units of that fall.

    Args:
        start: the loss without training.
    """
    lowest = float(losses.min())
    fall = max(start - lowest, 1e-12 * abs(start), 1e-300)
    unit = min(lowest, fall) if lowest > 0 else fall
    return np.log1p((losses - lowest) / unit)


def clearly_positive(differences: Floats) -> bool:
    """Whether the mean of paired differences (seeds, steps) lies above zero by more than chance."""
    if not np.isfinite(differences).all():
        return False
    mean = float(differences.mean())
    errors = np.array([_error(each) for each in differences])
    if not np.isfinite(errors).all():  # too few to tell chance from more
        return mean > 0
    return mean > SURE * float(np.sqrt((errors**2).sum())) / len(errors)


def lowest_point(rates: Floats, losses: Floats, start: float) -> float:
    """The rate at the lowest point of a parabola in log rate through the lowest loss and those around it (weighted least squares), between the
    two next to it. That of the lowest loss itself where one of these was lost or is not there.

    One parabola through several candidates, because single losses are noisy (G. E. P. Box & K. B. Wilson, "On the Experimental
    Attainment of Optimum Conditions", 1951).

    Args:
        rates: (rates,), growing. losses: (rates,); inf where one was lost. start: the loss without training.
    """
    return _parabola(rates, losses, start)[0]


# ---- inner steps -------------------------------------------------------------------------------------------------


def _parabola(rates: Floats, losses: Floats, start: float) -> tuple[float, float]:
    """See `lowest_point`; and its bend (of relative losses, for a factor e of the rate): 0 where there is
    nothing to be fitted."""
    at = int(losses.argmin())
    if not 0 < at < len(rates) - 1 or not np.isfinite(losses[at - 1 : at + 2]).all():
        return float(rates[at]), 0.0
    x = np.log(rates / rates[at])
    high_by = np.minimum(relative_losses(losses, start), FARTHEST)
    weights = np.exp(-high_by / SOFT)
    weights[at - 1 : at + 2] = 1.0
    used = (np.abs(x) <= math.log(REACH)) & ((high_by < FARTHEST) | (weights == 1.0))
    weights = weights[used]
    design = np.stack([np.ones(len(weights)), x[used], x[used] ** 2], axis=1)
    moments = (design.T * weights) @ design + 1e-12 * np.eye(3)
    _, slope, bend = np.linalg.solve(moments, (design.T * weights) @ high_by[used]).tolist()
    if not bend > 0:  # noise: anything may be lowest
        return float(rates[at]), math.inf
    highest = 0.0 if high_by[at + 1] > CLIFF else float(x[at + 1])
    return float(rates[at] * np.exp(np.clip(-slope / (2 * bend), x[at - 1], highest))), bend


def _none(why: str) -> Choice:
    return Choice(math.nan, math.nan, math.nan, math.nan, False, why)


def _disagreement(rates: Floats, means: Floats, best: int, idle: Floats) -> str:
    """How the seeds disagree; empty where they do not."""
    own = means.argmin(axis=0)
    low, high = float(rates[own.min()]), float(rates[own.max()])
    lowest = means.min(axis=0)
    costs = (means[best] - lowest) > REGRET * np.maximum(idle - lowest, 0.0)
    if high / low <= APART or not costs.any():
        return ""
    return f"the seeds disagree: the best rates of single ones reach from {decimal(low, 2)} to {decimal(high, 2)}"


def _redrawn(rates: Floats, tails: Floats, best: int, start: float) -> list[float]:
    """The lowest points of redrawn losses: seeds with replacement, and noise of the size of the errors of the differences from the
    best rate."""
    draw = np.random.default_rng(0)
    means = tails.mean(axis=2)
    with np.errstate(invalid="ignore"):
        errors = np.array([[_error(one) for one in each] for each in tails - tails[best]])
    errors = np.where(np.isfinite(errors), errors, 0.0)
    seeds = means.shape[1]
    drawn: list[float] = []
    for _ in range(DRAWS):
        noisy = means + draw.standard_normal(means.shape) * errors
        drawn.append(lowest_point(rates, noisy[:, draw.integers(0, seeds, seeds)].mean(axis=1), start))
    return drawn


def _error(differences: Floats) -> float:
    """The standard error of the mean of a series; nan where it is too short."""
    if len(differences) < 4 or not np.isfinite(differences).all():
        return math.nan
    parts = [part.mean() for part in np.array_split(differences, min(STRETCHES, len(differences) // 2))]
    return float(np.std(parts, ddof=1) / math.sqrt(len(parts)))

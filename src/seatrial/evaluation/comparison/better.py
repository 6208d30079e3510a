"""The probability that a new training of one method does better than one of another: what a reader wants to know of two methods, for
it also says whether a difference matters (Bouthillier et al. 2021, "Accounting for Variance in Machine Learning Benchmarks", MLSys,
section 4: P(A > B), meaningful from 0.75 on)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.evaluation.comparison.compared import LEVEL

MEANINGFUL = 0.75


@dataclass(frozen=True, slots=True)
class Better:
    """P(first better than second), with its interval; nan where nothing is known."""

    probability: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Whether the interval lies on one side of a half."""
        return self.low > 0.5 or self.high < 0.5

    @property
    def is_meaningful(self) -> bool:
        """Whether what is shown is large enough to matter: the interval reaches 0.75 (Bouthillier et al. 2021)."""
        return self.is_shown and (self.high > MEANINGFUL or self.low < 1 - MEANINGFUL)


def probability_of_better(effect: float, mean: float, one: float, freedom: float) -> Better:
    """By normal differences. The interval inverts the noncentral t distribution of effect over error, as is done for standardised
    effects (Reiser and Guttman 1986; Cumming and Finch 2001): with few seeds a percentile bootstrap is much too narrow.

    Args:
        effect: mean difference; above 0: the first is better.
        mean: variance of that mean.
        one: variance of the difference of a single new training of each.
        freedom: of both.
    """
    if not one or not mean:
        known = 0.5 + 0.5 * ((effect > 0) - (effect < 0))
        return Better(known, 0.0, 1.0)
    ratio = math.sqrt(mean / one)
    seen = effect / math.sqrt(mean)
    low, high = (_noncentral(seen, freedom, at) for at in (1 - LEVEL / 2, LEVEL / 2))
    return Better(*(_normal(each * ratio) for each in (seen, low, high)))


def _noncentral(seen: float, freedom: float, tail: float) -> float:
    """The noncentrality for which so large a share of t values lies below what was seen."""
    from scipy.optimize import brentq
    from scipy.stats import nct

    def gap(at: float) -> float:
        return float(nct.cdf(seen, freedom, at)) - tail

    # scipy's noncentral t fails in its far tails; what is so far out is known without it.
    width = 6 + abs(seen) * 6 / math.sqrt(2 * max(freedom, 1))
    low, high = seen - width, seen + width
    if not (gap(low) > 0 > gap(high)):
        from scipy.special import ndtri

        return seen - float(ndtri(tail)) * math.sqrt(1 + seen**2 / (2 * freedom))
    return float(brentq(gap, low, high, xtol=1e-10))


def _normal(at: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(at))

"""The probability that a new training of one method does better than one of another: what a reader wants to know of two methods, for
it also says whether a difference matters (Bouthillier et al. 2021, "Accounting for Variance in Machine Learning Benchmarks", MLSys,
section 4: P(A > B), meaningful from 0.75 on)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seatrial.evaluation.comparison.compared import LEVEL
from seatrial.evaluation.comparison.roots import root

MEANINGFUL = 0.75
_NODES = 100


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
    low, high = _noncentralities(seen, freedom)
    return Better(*(_normal(each * ratio) for each in (seen, low, high)))


def _noncentralities(seen: float, freedom: float) -> tuple[float, float]:
    """Those between which t values as the one seen are no surprise. The distribution as a mean over its spread, by quadrature: scipy's
    own is nan in far tails."""
    from scipy.special import ndtr
    from scipy.stats import chi2

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    at = seen * np.sqrt(chi2.ppf((nodes + 1) / 2, freedom) / freedom)

    def found(tail: float) -> float:
        """For which so large a share of t values lies below what was seen."""

        def gap(noncentrality: float) -> float:
            return float(weights @ ndtr(at - noncentrality)) / 2 - tail

        return root(gap, float(at.min()) - 10, float(at.max()) + 10)

    return found(1 - LEVEL / 2), found(LEVEL / 2)


def _normal(at: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(at))

"""Two classifiers, one training each, on the same test examples: McNemar's test, and the interval of the difference of their
accuracies. Both look at those examples only on which one is right and the other is wrong."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seatrial.evaluation.comparison.compared import LEVEL, Compared
from seatrial.evaluation.comparison.roots import root
from seatrial.evaluation.comparison.values import refused

_ASSUMES = (
    "It takes the test examples to be independent of each other, and is about these two trained models, not about their "
    "methods."
)
_EXACT = "McNemar 1947, Psychometrika 12; exact conditional test"
_MID = "Fagerland, Lydersen and Laake 2013, BMC Med. Res. Methodol. 13:91 (mid-p)"
_INTERVAL = "interval: Tango 1998, Statist. Med. 17, 891-908"


def mcnemar(first_right: ArrayLike, second_right: ArrayLike, *, mid: bool = False) -> Compared:
    """The test on two arrays.

    Args:
        first_right, second_right: (n,) whether each answered an example rightly, in the same order.
        mid: the mid-p, which is less conservative: its error rate is near 5 % where the exact one's stays below, and may
            exceed it by a little.

    Raises:
        UsageProblem: they are not of one shape (n,).
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise refused("two arrays of one length", f"shapes {first.shape} and {second.shape}", "comparison-shapes")
    return mcnemar_of_counts(int((first & ~second).sum()), int((second & ~first).sum()), len(first), mid=mid)


def mcnemar_of_counts(only_first: int, only_second: int, total: int, *, mid: bool = False) -> Compared:
    """The test on counts: examples that only the first, only the second one has right, and all examples."""
    low, high = tango(only_first, only_second, total)
    return Compared(
        "McNemar, mid-p" if mid else "McNemar, exact",
        float(min(only_first, only_second)),
        _p(only_first, only_second, mid),
        (only_first - only_second) / total,
        low,
        high,
        total,
        "examples",
        _ASSUMES,
        f"{_MID if mid else _EXACT}; {_INTERVAL}",
    )


def tango(only_first: int, only_second: int, total: int, level: float = 1 - LEVEL) -> tuple[float, float]:
    """Asymptotic score interval of the difference of two paired proportions (Tango 1998, section 3): all differences that the
    score test does not reject. It holds its level from some dozen examples on, also where one of the counts is 0."""
    from scipy.special import ndtri

    bound = float(ndtri((1 + level) / 2))
    seen = (only_first - only_second) / total

    def found(sign: float, end: float) -> float:
        if seen == end:
            return end
        # At the end itself the score may be 0 / 0.
        inside = end * (1 - 1e-12)
        if _score(inside, only_first, only_second, total) * sign < bound:
            return end

        def gap(at: float) -> float:
            return _score(at, only_first, only_second, total) - sign * bound

        return root(gap, inside, seen)

    return found(1, -1.0), found(-1, 1.0)


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _p(one: int, other: int, mid: bool) -> float:
    from scipy.stats import binom

    both = one + other
    if not both:
        return 1.0
    least = min(one, other)
    at = float(binom.pmf(least, both, 0.5))
    if mid:
        return 1 - at / 2 if one == other else 2 * float(binom.cdf(least, both, 0.5)) - at
    return min(1.0, 2 * float(binom.cdf(least, both, 0.5)))


def _score(difference: float, one: int, other: int, total: int) -> float:
    """Tango's statistic for a hypothetical difference; the rarer cell by its restricted maximum likelihood."""
    a = 2 * total
    b = -one - other + (2 * total - one + other) * difference
    c = -other * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = total * (2 * share + difference * (1 - difference))
    gap = one - other - total * difference
    if variance <= 0:
        return math.copysign(math.inf, gap) if gap else 0.0
    return gap / math.sqrt(variance)

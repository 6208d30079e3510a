"""Two methods measured on different test examples of the same population: weaker, for the examples differ too."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seatrial.evaluation.comparison.compared import LEVEL, Compared
from seatrial.evaluation.comparison.values import finite, refused

_SAME = "Both test sets are independent draws from one population"


def two_proportions(first_right: int, first: int, second_right: int, second: int) -> Compared:
    """Accuracies on two test sets: the pooled z test (Pearson's chi square without continuity correction), and Newcombe's hybrid
    score interval.

    Args:
        first_right, first: right answers and examples of the first method, and so of the second.
    """
    from scipy.stats import binomtest, norm

    one, other = first_right / first, second_right / second
    pooled = (first_right + second_right) / (first + second)
    error = math.sqrt(pooled * (1 - pooled) * (1 / first + 1 / second))
    statistic = (one - other) / error if error else 0.0
    mine, others = (
        binomtest(right, count).proportion_ci(1 - LEVEL, "wilson")
        for right, count in ((first_right, first), (second_right, second))
    )
    low = one - other - math.hypot(one - mine.low, others.high - other)
    high = one - other + math.hypot(mine.high - one, other - others.low)
    source = "Pearson 1900; interval: Newcombe 1998, Statist. Med. 17, 873-890, method 10"
    assumes = f"{_SAME} and large enough for a normal approximation."
    p = 2 * float(norm.sf(abs(statistic)))
    return Compared(
        "two proportions", statistic, p, one - other, low, high, first + second, "examples", assumes, source
    )


def welch(first: ArrayLike, second: ArrayLike, unit: str = "examples") -> Compared:
    """Means of two independent samples of unequal spread (Welch 1947), for instance losses of examples, or scores of seeds that
    have nothing in common.

    Args:
        first, second: (n,) and (m,).

    Raises:
        UsageProblem: one of them has fewer than two figures.
    """
    from scipy.stats import t

    one, other = finite(first, (None,), "figures"), finite(second, (None,), "figures")
    if min(len(one), len(other)) < 2:
        raise refused("at least two figures of each", f"{len(one)} and {len(other)}", "comparison-few")
    parts = np.array([one.var(ddof=1) / len(one), other.var(ddof=1) / len(other)])
    error, effect = math.sqrt(float(parts.sum())), float(one.mean() - other.mean())
    if not error:
        freedom, statistic = 1.0, math.copysign(math.inf, effect) if effect else 0.0
    else:
        freedom = float(parts.sum() ** 2 / (parts**2 / np.array([len(one) - 1, len(other) - 1])).sum())
        statistic = effect / error
    half = float(t.ppf(1 - LEVEL / 2, freedom)) * error
    p = 2 * float(t.sf(abs(statistic), freedom))
    assumes = (
        f"{_SAME if unit == 'examples' else 'The two samples are independent of each other'}; their means are normal."
    )
    count = len(one) + len(other)
    return Compared(
        "Welch", statistic, p, effect, effect - half, effect + half, count, unit, assumes, "Welch 1947, Biometrika 34"
    )

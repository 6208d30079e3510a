"""Paired bootstrap: an interval for the difference of two methods on the same test data, for any metric. Examples, or whole groups, are
drawn again with replacement, for both methods together (whole groups: Field and Welsh 2007).

BCa (Efron 1987) on an expanded level: a bootstrap's spread is that of the sample, too small by the root of (n - 1) / n, and its tails are
normal where Student's are heavier; Hesterberg 2015 (Amer. Statist. 69, section 3.3) widens the percentiles by just that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.evaluation.comparison.compared import LEVEL
from seatrial.evaluation.comparison.contributions import of_metric
from seatrial.evaluation.comparison.swapping import NORMAL, Metric
from seatrial.evaluation.comparison.values import finite, of_groups

DRAWS = 4_999
METRIC_DRAWS = 999  # where each costs two evaluations of a metric
SOURCE = "Efron 1987 (BCa bootstrap), level expanded as in Hesterberg 2015"
_AT_ONCE = 4_000_000  # numbers in memory
_KNOWN = 0.95  # share of draws for which the metric has to be defined
Interval = tuple[float, float]


def interval_of_means(
    differences: ArrayLike, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """For a metric that is a mean over examples; nan where all differences are the same. From 20,000 groups on the normal
    interval, from which it does not differ then.

    Args:
        differences: (n,) the first method's figure of each example minus the second's.
        groups: (n,) names of groups that are independent of each other; each example is one if nothing is given.
    """
    gaps = finite(differences, (None,), "differences")
    numbers = of_groups(groups, len(gaps))
    sums = np.bincount(numbers, weights=gaps).astype(np.float64)
    sizes = np.bincount(numbers).astype(np.float64)
    if len(sums) < 2 or not np.ptp(sums / sizes):
        return math.nan, math.nan
    if len(sums) >= NORMAL:
        return _normal(sums, sizes)

    return _of_ratio(sums, sizes, draws, seed)


def interval_of_metric(
    metric: Metric,
    targets: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    draws: int = METRIC_DRAWS,
    seed: int = 0,
) -> Interval:
    """For any metric; nan where the predictions are the same.

    Args:
        metric: of (targets, predictions).
        targets: (n,) or (n, ...); first, second: predictions of the two methods, first axis n.
        groups: as for `interval_of_means`.
    """
    known, one, other = np.asarray(targets), np.asarray(first), np.asarray(second)
    members = _members(of_groups(groups, len(known)))
    if np.array_equal(one, other) or len(members) < 2:
        return math.nan, math.nan

    def difference(at: NDArray[np.int64]) -> float:
        return metric(known[at], one[at]) - metric(known[at], other[at])

    rng = np.random.default_rng(seed)
    whole = difference(np.arange(len(known)))
    drawn = np.empty(draws)
    for each in range(draws):
        chosen = rng.integers(0, len(members), len(members))
        drawn[each] = difference(chosen if groups is None else np.concatenate([members[at] for at in chosen]))
    drawn = drawn[np.isfinite(drawn)]
    parts = of_metric(metric, known, [one, other], groups)
    influence = parts[0] - parts[1]
    if len(drawn) < _KNOWN * draws or not np.ptp(drawn):
        return math.nan, math.nan
    return _bca(whole, drawn, influence - influence.mean(), _tail(len(members)))


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _of_ratio(sums: NDArray[np.float64], sizes: NDArray[np.float64], draws: int, seed: int) -> Interval:
    """By scipy, all draws at once."""
    from scipy.stats import bootstrap

    def mean(total: NDArray[np.float64], count: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return total.sum(axis=axis) / count.sum(axis=axis)

    found = bootstrap(
        (sums, sizes),
        mean,
        n_resamples=draws,
        batch=max(1, _AT_ONCE // len(sums)),
        paired=True,
        confidence_level=1 - 2 * _tail(len(sums)),
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def _tail(count: int) -> float:
    """What is left out at each end, on the bootstrap's normal scale, so that it is 2.5 % on Student's."""
    from scipy.special import ndtr
    from scipy.stats import t

    return float(ndtr(float(t.ppf(LEVEL / 2, count - 1)) * math.sqrt(count / (count - 1))))


def _bca(whole: float, drawn: NDArray[np.float64], influence: NDArray[np.float64], tail: float) -> Interval:
    """Efron 1987, section 5: percentiles corrected for bias and for how the spread changes with the figure (skewed influences)."""
    from scipy.special import ndtr, ndtri

    share = float((drawn < whole).mean() + (drawn == whole).mean() / 2)
    bias = float(ndtri(min(max(share, 1 / len(drawn)), 1 - 1 / len(drawn))))
    scale = float((influence**2).sum()) ** 1.5
    bend = float((influence**3).sum()) / (6 * scale) if scale else 0.0
    ends = [bias + float(ndtri(each)) for each in (tail, 1 - tail)]
    low, high = np.quantile(drawn, [float(ndtr(bias + end / (1 - bend * end))) for end in ends])
    return float(low), float(high)


def _normal(sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> Interval:
    from scipy.special import ndtri

    mean = float(sums.sum() / sizes.sum())
    error = math.sqrt(float(((sums - mean * sizes) ** 2).sum())) / float(sizes.sum())
    half = float(ndtri(1 - LEVEL / 2)) * error
    return mean - half, mean + half


def _members(numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The examples of each group."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)

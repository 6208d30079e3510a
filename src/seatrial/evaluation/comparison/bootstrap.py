"""Paired bootstrap: an interval for the difference of two methods on the same test data, for any metric. Examples, or whole groups, are
drawn again with replacement, for both methods together (BCa, Efron 1987; whole groups: Field and Welsh 2007)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.evaluation.comparison.compared import LEVEL
from seatrial.evaluation.comparison.swapping import NORMAL, Metric
from seatrial.evaluation.comparison.values import finite, of_groups

DRAWS = 4_999
METRIC_DRAWS = 999  # where each costs two evaluations of a metric
SOURCE = "Efron 1987 (BCa bootstrap)"
_AT_ONCE = 4_000_000  # numbers in memory
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
    sums, sizes = np.bincount(numbers, weights=gaps), np.bincount(numbers).astype(np.float64)
    if len(sums) < 2 or not np.ptp(sums / sizes):
        return math.nan, math.nan
    if len(sums) >= NORMAL:
        return _normal(sums, sizes)

    def mean(total: NDArray[np.float64], count: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return total.sum(axis=axis) / count.sum(axis=axis)

    return _bca((sums, sizes), mean, True, draws, seed)


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

    def difference(chosen: NDArray[np.int64]) -> float:
        at = np.concatenate([members[each] for each in chosen]) if groups is not None else chosen
        return metric(known[at], one[at]) - metric(known[at], other[at])

    return _bca((np.arange(len(members)),), difference, False, draws, seed)


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _bca(samples: tuple[NDArray[Any], ...], statistic: Any, vectorised: bool, draws: int, seed: int) -> Interval:
    """By scipy. Where the jackknife that BCa needs cannot be computed or would take longer than the draws, percentiles."""
    from scipy.stats import bootstrap

    count = len(samples[0])
    found = bootstrap(
        samples,
        statistic,
        n_resamples=draws,
        batch=max(1, _AT_ONCE // count) if vectorised else None,
        vectorized=vectorised,
        paired=True,
        confidence_level=1 - LEVEL,
        method="BCa" if vectorised or count <= draws else "percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


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

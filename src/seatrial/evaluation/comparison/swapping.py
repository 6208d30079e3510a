"""Paired permutation: if two methods do not differ, their predictions for an example could as well be swapped.

Any metric can be compared so, for nothing is asked of its distribution. Where examples are not independent (several of one
person), whole groups are swapped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.evaluation.comparison.compared import Compared
from seatrial.evaluation.comparison.values import Values, finite, of_groups, refused
from seatrial.evaluation.intervals.cells import Cells, joined
from seatrial.evaluation.metrics.sums import Sums

# A metric of (targets, predictions), first axis: examples.
Metric = Callable[[NDArray[Any], NDArray[Any]], float]
DRAWS = 9_999  # p is then known to 0.004 at 0.05 (two standard errors)
METRIC_DRAWS = 1_999  # where each costs two evaluations of a metric: to 0.01
_EXACT = 14  # groups that differ, up to which all ways to swap them are gone through
_NORMAL = 20_000  # from so many on the sum is normal
_AT_ONCE = 4_000_000  # signs in memory
_TINY = 1e-12  # relative: sums that are the same but for rounding

_ASSUMES = "Examples (or groups) are independent; it is about these trained models on data as the test data are."
_SOURCE = "Fisher 1935; Yeh 2000 (COLING); p of draws: Phipson and Smyth 2010"


def swap_means(
    differences: ArrayLike, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Compared:
    """For a metric that is a mean over examples: signs of the differences are flipped. Exact where few groups differ, and where
    all that differ do so by the same amount (an accuracy without groups: it is McNemar's exact test then); normal from 20,000
    groups on; otherwise drawn.

    Args:
        differences: (n,) the first method's figure of each example minus the second's.
        groups: (n,) names of groups that are independent of each other; each example is one if nothing is given.
        draws: of random swaps.
    """
    gaps = finite(differences, (None,), "differences")
    sums = np.bincount(of_groups(groups, len(gaps)), weights=gaps)
    differing = np.abs(sums[sums != 0])
    seen = float(np.abs(sums.sum()))
    p, how = _p_of_sums(differing, seen, draws, seed)
    nothing = math.nan
    effect, unit = float(gaps.mean()), "examples" if groups is None else "groups"
    return Compared(
        f"paired permutation, {how}", effect, p, effect, nothing, nothing, len(sums), unit, _ASSUMES, _SOURCE
    )


def swap_predictions(
    metric: Metric,
    targets: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    draws: int = METRIC_DRAWS,
    seed: int = 0,
) -> Compared:
    """For any metric, by swapping predictions. Exact up to 14 groups whose predictions differ, otherwise drawn.

    Args:
        metric: of (targets, predictions).
        targets: (n,) or (n, ...).
        first, second: predictions of the two methods, first axis n.
        groups: as for `swap_means`.

    Raises:
        UsageProblem: the arrays do not fit each other.
    """
    known, one, other = np.asarray(targets), np.asarray(first), np.asarray(second)
    if one.shape != other.shape or len(one) != len(known):
        found = f"shapes {one.shape}, {other.shape} for {len(known)} targets"
        raise refused("predictions of one shape for all targets", found, "comparison-shapes")
    numbers = of_groups(groups, len(known))
    unlike = (one != other).reshape(len(one), -1).any(axis=1)
    differing = np.unique(numbers[unlike])
    place = np.full(int(numbers.max()) + 1, len(differing))  # groups that do not differ: a place that is never swapped
    place[differing] = np.arange(len(differing))
    at = place[numbers]
    wide = (slice(None),) + (None,) * (one.ndim - 1)

    def difference(swapped: NDArray[np.bool_]) -> float:
        turned = np.append(swapped, False)[at][wide]
        return metric(known, np.where(turned, other, one)) - metric(known, np.where(turned, one, other))

    effect = difference(np.zeros(len(differing), dtype=bool))
    bound = abs(effect) * (1 - _TINY)
    exact = len(differing) <= _EXACT
    ways = _all_ways(len(differing)) if exact else _drawn(len(differing), draws, seed)
    extreme = sum(abs(difference(way)) >= bound for way in ways)
    p, how = (extreme / len(ways), "exact") if exact else ((1 + extreme) / (1 + draws), f"{draws:,} draws")
    unit, nothing = "examples" if groups is None else "groups", math.nan
    count = int(numbers.max()) + 1
    return Compared(f"paired permutation, {how}", effect, p, effect, nothing, nothing, count, unit, _ASSUMES, _SOURCE)


def swap_sums(
    one: Sums, other: Sums, at: int, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Compared:
    """For a metric that is a function of sums over examples, whose columns mean the same for both methods: examples that both
    answer alike need not be told apart, so that a million of them are swapped as a few kinds. Exact up to 14 that differ.

    Args:
        at: which metric of the sums.
    """
    codes, table = joined([one.codes, other.codes], [one.table, other.table])
    cells = Cells.coded(codes, table, None if groups is None else of_groups(groups, len(codes)))
    width = one.table.shape[1]
    rows = cells.dense(slice(None))
    first, second = cells.totals[:width], cells.totals[width:]
    moves, counts = rows[:, width:] - rows[:, :width], cells.counts
    differing = np.any(moves != 0, axis=1)
    moves, counts = moves[differing], counts[differing]

    def difference(swapped: NDArray[Any]) -> Values:
        """For (ways, kinds) how many of each kind are swapped."""
        moved = swapped @ moves
        return one.function(first + moved)[:, at] - other.function(second - moved)[:, at]

    effect = float(difference(np.zeros((1, len(moves))))[0])
    bound = abs(effect) * (1 - _TINY)
    units = int(counts.sum())
    if units <= _EXACT:
        moves = np.repeat(moves, counts, axis=0)
        p, how = float((np.abs(difference(_all_ways(units).astype(float))) >= bound).mean()), "exact"
    else:
        extreme, left, rng = 0, draws, np.random.default_rng(seed)
        while left:
            now = min(left, max(1, _AT_ONCE // max(len(moves), width)))
            swapped = rng.binomial(counts, 0.5, (now, len(counts))).astype(np.float64)
            extreme += int((np.abs(difference(swapped)) >= bound).sum())
            left -= now
        p, how = (1 + extreme) / (1 + draws), f"{draws:,} draws"
    unit, nothing = "examples" if groups is None else "groups", math.nan
    return Compared(
        f"paired permutation, {how}", effect, p, effect, nothing, nothing, cells.units, unit, _ASSUMES, _SOURCE
    )


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _p_of_sums(sizes: Values, seen: float, draws: int, seed: int) -> tuple[float, str]:
    """How often random signs make a sum at least as large."""
    from scipy.stats import binom, norm

    count = len(sizes)
    bound = seen - _TINY * float(sizes.sum())
    if not count:
        return 1.0, "exact"
    if np.ptp(sizes) <= _TINY * sizes[0]:
        most = math.ceil((count + bound / sizes[0]) / 2 - 1e-9)  # signs that agree
        return min(1.0, 2 * float(binom.sf(most - 1, count, 0.5))), "exact"
    if count <= _EXACT:
        signs = 1.0 - 2 * _all_ways(count)
        return float((np.abs(signs @ sizes) >= bound).mean()), "exact"
    if count >= _NORMAL:
        return 2 * float(norm.sf(seen / math.sqrt(float(sizes @ sizes)))), "normal"
    extreme, left, rng = 0, draws, np.random.default_rng(seed)
    while left:
        now = min(left, max(1, _AT_ONCE // count))
        signs = rng.integers(0, 2, (now, count), dtype=np.int8)
        extreme += int((np.abs(2 * (signs @ sizes) - sizes.sum()) >= bound).sum())
        left -= now
    return (1 + extreme) / (1 + draws), f"{draws:,} draws"


def _all_ways(count: int) -> NDArray[np.bool_]:
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)


def _drawn(count: int, draws: int, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((draws, count)) < 0.5

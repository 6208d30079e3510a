"""Paired bootstrap: an interval for the difference of two methods on the same test data. Examples, or whole groups, are drawn again with
replacement, for both methods together; the rest is `seatrial.evaluation.intervals.bootstrap`'s."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.evaluation.comparison.compared import LEVEL
from seatrial.evaluation.comparison.values import Values, finite, of_groups
from seatrial.evaluation.intervals.bootstrap import Function, bootstrap
from seatrial.evaluation.intervals.cells import Cells, joined
from seatrial.evaluation.intervals.means import linear
from seatrial.evaluation.metrics.sums import Sums

DRAWS = 4_000
SOURCE = "Efron 1987 (BCa bootstrap), level expanded as in Hesterberg 2015"
LINEAR = "DeLong, DeLong and Clarke-Pearson 1988"
Ends = tuple[float, float]


def interval_of_means(
    differences: ArrayLike, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Ends:
    """For a metric that is a mean over examples; nan where all differences are the same.

    Args:
        differences: (n,) the first method's figure of each example minus the second's.
        groups: (n,) names of groups that are independent of each other; each example is one if nothing is given.
    """
    gaps = finite(differences, (None,), "differences")
    kinds, codes = np.unique(gaps, return_inverse=True)
    table = np.stack([kinds, np.ones(len(kinds))], axis=1)
    cells = Cells.coded(codes, table, _named(groups, len(gaps)))
    return _ends(lambda sums: sums[:, 0] / sums[:, 1], cells, draws, seed)


def interval_of_sums(
    one: Sums, other: Sums, at: int, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Ends:
    """For a metric that is a function of sums, the same one of both (`at`: which); nan where nothing tells how it scatters."""
    codes, table = joined([one.codes, other.codes], [one.table, other.table])
    width = one.table.shape[1]

    def difference(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return one.function(sums[:, :width])[:, at] - other.function(sums[:, width:])[:, at]

    return _ends(difference, Cells.coded(codes, table, _named(groups, len(codes))), draws, seed)


def interval_of_contributions(differences: Values, groups: ArrayLike | None = None) -> Ends:
    """For a metric of which only contributions are known (areas under ROC curves): normal, by their spread."""
    mean = float(differences.mean())
    found = linear(mean, differences - mean, _named(groups, len(differences)), 1 - LEVEL, LINEAR)
    return (math.nan, math.nan) if found is None or found.low == found.high else (found.low, found.high)


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _named(groups: ArrayLike | None, count: int) -> NDArray[np.int64] | None:
    return None if groups is None else of_groups(groups, count)


def _ends(function: Function, cells: Cells, draws: int, seed: int) -> Ends:
    if cells.units < 2:
        return math.nan, math.nan
    found = bootstrap(function, cells, level=1 - LEVEL, resamples=draws, seed=seed)[0]
    return (math.nan, math.nan) if found is None else (found.low, found.high)

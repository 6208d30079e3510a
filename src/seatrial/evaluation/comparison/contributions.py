"""What each example contributes to a metric: values whose mean is the metric and whose spread is its noise. With them every smooth metric
is treated as a mean over examples is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from seatrial.evaluation.comparison.values import Values, of_groups, refused
from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.intervals.draws import AT_ONCE
from seatrial.evaluation.metrics.sums import Sums


def of_groups_in(figures: Values, groups: ArrayLike | None = None) -> Values:
    """Contributions of groups, (rows, groups), whose mean over groups is each row's mean.

    Args:
        figures: (rows, n) contributions of examples, one row a training.
        groups: (n,) names; each example contributes by itself if nothing is given.

    Groups of unlike size: the mean is a ratio (sum over count), taken as linear around it (Cochran 1977, section 6.4).
    """
    if groups is None:
        return figures
    numbers = of_groups(groups, figures.shape[1])
    sizes = np.bincount(numbers)
    sums = np.stack([np.bincount(numbers, weights=row) for row in figures])
    scale = len(sizes) / figures.shape[1]
    return scale * sums - (scale * sizes - 1) * figures.mean()


def of_sums(of: Sums, at: int) -> Values:
    """(n,) pseudo-values of a metric that is a function of sums: what it is without each kind of example, in turn (jackknife,
    Quenouille 1956), around the metric itself.

    Raises:
        UsageProblem: it is not defined without some example.
    """
    cells = Cells.coded(of.codes, of.table)
    count, totals = cells.units, cells.totals
    step = max(1, AT_ONCE // len(totals))
    parts = (cells.dense(slice(start, start + step)) for start in range(0, len(cells.counts), step))
    without = np.concatenate([of.function(totals - rows)[:, at] for rows in parts])
    whole = float(of.function(totals[None])[0, at])
    if not (np.isfinite(whole) and np.isfinite(without).all()):
        hint = "A class may have too few examples for it: choose a figure that is a mean over examples."
        raise refused("a figure that can be computed without any one example", "nan", "comparison-figure", hint)
    kinds = np.searchsorted(np.unique(of.codes), of.codes)  # of those kinds that occur
    pseudo = (count * whole - (count - 1) * without)[kinds]
    return pseudo - pseudo.mean() + whole

"""Interval of the mean of one value an example, and of what is nearly such a mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.intervals.interval import Interval


def student(values: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Student's t, for many values (n,) or for such as are normal themselves."""
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    return _around(float(values.mean()), error, values.size - 1, level, "Student's t")


def linear(
    value: float, influences: NDArray[np.float64], groups: NDArray[Any] | None, level: float, name: str
) -> Interval | None:
    """Of a statistic that moves by the mean of influences (n,), which are 0 on average, as other examples are drawn.

    With groups, influences are summed within them first (N. A. Obuchowski, Biometrics 53, 1997, for the area under a ROC curve).
    None where there is but one group.
    """
    sums = influences if groups is None else np.bincount(np.unique(groups, return_inverse=True)[1], influences)
    units = len(sums)
    if units < 2:
        return None
    error = math.sqrt(units / (units - 1) * float((sums**2).sum())) / len(influences)
    method = name if groups is None else f"{name}, {units:,} groups"
    return _around(value, error, units - 1, level, method)


def _around(value: float, error: float, freedom: int, level: float, method: str) -> Interval:
    from scipy.stats import t

    reach = float(t.ppf(0.5 + level / 2, freedom)) * error
    return Interval(value - reach, value + reach, level, method)

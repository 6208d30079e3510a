"""Intervals of a share of independent examples, e.g. of an accuracy."""

from __future__ import annotations

from typing import Literal

from seatrial.evaluation.intervals.interval import Interval


def wilson(right: int, total: int, level: float = 0.95) -> Interval:
    """E. B. Wilson (JASA 22, 1927): near its level on average over all shares, also for few examples and for shares near 0 and 1
    (Brown, Cai and DasGupta, Statistical Science 16, 2001), where p +- 1.96 standard errors is not.
    """
    return _proportion(right, total, level, "wilson", "Wilson")


def clopper_pearson(right: int, total: int, level: float = 0.95) -> Interval:
    """Clopper and Pearson (Biometrika 26, 1934): never covers less than its level, so it is wider than need be."""
    return _proportion(right, total, level, "exact", "Clopper-Pearson")


def _proportion(right: int, total: int, level: float, method: Literal["wilson", "exact"], name: str) -> Interval:
    from scipy.stats import binomtest

    found = binomtest(right, total).proportion_ci(level, method=method)
    return Interval(float(found.low), float(found.high), level, name)

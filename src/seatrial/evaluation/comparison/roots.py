"""Where a statistic crosses a bound: the end of an interval that inverts a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """The zero of a function whose signs at both ends differ (Brent's method)."""
    from scipy.optimize import brentq

    found: Any = brentq(function, low, high, xtol=1e-14)
    return float(found)

"""Reading curves: smoothing, trend, level of noise. Values are plain floats; ticks are training steps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def median(values: Sequence[float]) -> float:
    """The median; nan of nothing."""
    ordered = sorted(finite(values))
    if not ordered:
        return math.nan
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def head_and_tail(values: Sequence[float], share: float = 0.1, least: int = 3) -> tuple[float, float]:
    """Medians of the first and of the last part of a curve (`share` of it, at least `least` values)."""
    count = max(least, int(len(values) * share))
    return median(values[:count]), median(values[-count:])


def spread(values: Sequence[float]) -> float:
    """A robust standard deviation: 1.4826 times the median distance from the median (Rousseeuw and Croux, 1993)."""
    centre = median(values)
    return 1.4826 * median([abs(value - centre) for value in finite(values)])


def jump(values: Sequence[float]) -> float:
    """The median absolute difference of neighbouring values, which a trend hardly moves (von Neumann, 1941); nan of one."""
    return median([abs(after - before) for before, after in itertools.pairwise(values)])


def geometric_mean(values: Sequence[float]) -> float:
    positive = [value for value in finite(values) if value > 0]
    return math.exp(sum(map(math.log, positive)) / len(positive)) if positive else math.nan

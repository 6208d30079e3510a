"""What a test of two methods finds."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.05  # of all tests; intervals hold with 1 - LEVEL


@dataclass(frozen=True, slots=True)
class Compared:
    """A first method against a second one.

    test       its name.
    statistic  its value.
    p          two-sided: how likely a statistic at least so far out is, if nothing differs.
    effect     the first method's figure minus the second's.
    low, high  interval of the effect, with probability `level` (nan where the test has none).
    n          units that the test counts: examples, groups, seeds, folds. `unit` names them.
    assumes    what has to hold for p, in one sentence.
    source     where it is from.
    """

    test: str
    statistic: float
    p: float
    effect: float
    low: float
    high: float
    n: int
    unit: str
    assumes: str
    source: str
    level: float = 1 - LEVEL

    @property
    def error(self) -> float:
        """Standard error of the effect, as the width of the interval tells it (normal); nan without an interval."""
        from scipy.special import ndtri

        return (self.high - self.low) / 2 / float(ndtri((1 + self.level) / 2))

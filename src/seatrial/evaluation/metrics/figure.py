"""A metric's value with all that is needed to judge it."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.evaluation.intervals.interval import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric on some examples.

    name       as people call it
    value      over several trainings their mean
    interval   where it lies on other examples from the same source; None where nothing tells
    highest    whether the highest value is the best
    baseline   what an answer that looks at no input reaches, `against`: which one; None where there is none
    spread     standard deviation over trainings; None of a single one
    """

    name: str
    value: float
    interval: Interval | None = None
    highest: bool = True
    baseline: float | None = None
    against: str = ""
    spread: float | None = None

    @property
    def beats_baseline(self) -> bool | None:
        """Whether the interval lies on the better side of the baseline; None where either is missing."""
        if self.baseline is None or self.interval is None:
            return None
        return self.interval.low > self.baseline if self.highest else self.interval.high < self.baseline

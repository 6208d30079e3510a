"""An interval: where a value on the whole population lies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the value on the whole population lies, with probability `level` over the draw of the examples.

    method   how it was computed, in words
    """

    low: float
    high: float
    level: float
    method: str

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

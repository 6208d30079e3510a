"""What a search for a learning rate found: plain data, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.measure.rate_curves import Floats, Reading


@dataclass(frozen=True, slots=True)
class Swept:
    """A range test: `rates` (steps,), `losses` (seeds, steps; inf from where a seed broke)."""

    rates: Floats
    losses: Floats


@dataclass(frozen=True, slots=True)
class Tried:
    """Short trainings at one rate: the `losses` they ended with, one a seed (inf: lost), and how many `steps` they took."""

    rate: float
    steps: int
    losses: tuple[float, ...]

    @property
    def loss(self) -> float:
        return sum(self.losses) / len(self.losses)


@dataclass(frozen=True, slots=True)
class Found:
    """A learning rate, or why there is none.

    rate       to train with for `wanted` steps; nan where nothing is suggested.
    tried_best the rate that was best in trainings of `steps` steps; nan where none was tried. Where `steps` are fewer than wanted,
               `rate` may be lower.
    low, high  its 90 % band, over redrawn seeds and batches.
    as_good    the lowest and the highest rate tried whose loss is within 5 % of the best; nan where none was tried.
    why        there is no suggestion.
    used       the rate that the task or script has.
    steps      of the longest trainings that were tried, of `wanted`.
    seconds    it took.
    """

    rate: float
    tried_best: float
    low: float
    high: float
    as_good: tuple[float, float]
    why: str
    used: float
    steps: int
    wanted: int
    seconds: float
    swept: Swept
    read: Reading
    tried: tuple[Tried, ...]

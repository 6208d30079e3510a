"""How far a search goes: what a person may choose, and the trainings that follow from it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from seatrial.numbers import decimal, percent
from seatrial.practice.fitting.settings import LOSS
from seatrial.practice.refusal import refused

# Shares of the longest training (successive halving with a factor of 3: Jamieson and Talwalkar 2016; Li et al. 2018).
_SHORT, _LONGER = 9, 3
# A subset is worth it while so many batches are left in it.
_LEAST_BATCHES = 8
_COARSE = 2 / 3  # of the candidates are drawn at random, the others near the best of these
_ROUNDS = 3  # in which the others are drawn


@dataclass(frozen=True, slots=True)
class Budget:
    """What a training may take: passes over a share of the training data."""

    epochs: int
    share: float

    @property
    def words(self) -> str:
        """For tables."""
        passes = f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        return passes if self.share == 1 else f"{passes} on {percent(self.share)}"


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """trials       candidates that are tried, at most.
    epochs       of the longest trainings; first ones take a ninth of them, survivors a third.
    share        of the training data in first trainings.
    leaders      that are trained again at the end, on fresh seeds.
    seeds        of these.
    choose, highest   what decides: "loss", or a metric of the task; of the validation data.
    seed         of all that is drawn.
    validation_share  set apart of the training data, where a task has no validation data.
    accelerator  as lightning_fabric.Fabric takes it.

    Raises:
        UsageProblem: a number is out of its range.
    """

    trials: int = 48
    epochs: int = 18
    share: float = 0.25
    leaders: int = 4
    seeds: int = 5
    choose: str = LOSS
    highest: bool = False
    seed: int = 0
    validation_share: float = 0.2
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        for name, least in (("trials", 2), ("epochs", 1), ("leaders", 1), ("seeds", 2)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise refused(f"{name} of at least {least}", repr(value), f"search-{name}", "Give a larger number.")
        for name, most in (("share", 1.0), ("validation_share", 0.9)):
            value = getattr(self, name)
            if not 0 < value <= most:
                wanted = f"{name} as a share above 0 and up to {decimal(most)}"
                raise refused(wanted, repr(value), f"search-{name.replace('_', '-')}", "A quarter is 0.25.")

    def budgets(self, batches: int) -> tuple[Budget, ...]:
        """The rungs of the ladder, from short to full; fewer where they would be the same.

        Args:
            batches: in an epoch on all training data.
        """
        share = min(1.0, max(self.share, _LEAST_BATCHES / max(1, batches)))
        rungs = (
            Budget(math.ceil(self.epochs / _SHORT), share),
            Budget(math.ceil(self.epochs / _LONGER), 1.0),
            Budget(self.epochs, 1.0),
        )
        return tuple(dict.fromkeys(rungs))

    @property
    def coarse(self) -> int:
        """Candidates that are drawn at random."""
        return max(1, round(_COARSE * self.trials))

    @property
    def round(self) -> int:
        """Candidates in a round near the best ones."""
        return max(1, math.ceil((self.trials - self.coarse) / _ROUNDS))

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides the outcome: a search goes on only with the same."""
        found = asdict(self)
        del found["accelerator"]
        return found

"""What a training did, epoch by epoch, and which epoch was the best."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from seatrial.practice.fitting.settings import LOSS, Settings


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training data, numbered from 1.

    training    mean loss of its batches, while the weights changed.
    validation  mean loss of the validation data after it; nan where there are none.
    metrics     of the validation data.
    rate        learning rate of the first group at its end.
    """

    number: int
    steps: int
    training: float
    validation: float
    metrics: dict[str, float]
    rate: float
    seconds: float


@dataclass(slots=True)
class History:
    """All epochs until now. Without validation data the last epoch is the best one."""

    epochs: list[Epoch] = field(default_factory=list)
    best: int = 0

    def add(self, epoch: Epoch, settings: Settings) -> bool:
        """Take an epoch; whether it is the best until now."""
        self.epochs.append(epoch)
        value = _value(epoch, settings)
        lowest = _value(self.epochs[self.best - 1], settings) if self.best else math.nan
        better = math.isnan(lowest) or value < lowest
        if better:
            self.best = epoch.number
        return better

    def is_over(self, settings: Settings) -> bool:
        """Whether the epochs are used up, or the validation has not improved for too long."""
        done = len(self.epochs)
        waited = done - self.best
        return done >= settings.last or (0 < settings.patience <= waited)


def _value(epoch: Epoch, settings: Settings) -> float:
    """What the best is chosen by, the smaller the better; nan where it is not known."""
    value = epoch.validation if settings.choose == LOSS else epoch.metrics.get(settings.choose, math.nan)
    return -value if settings.highest else value

"""The losses of an epoch, read from the device now and then: each reading waits for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch


@dataclass(slots=True)
class Losses:
    """Their sum, weighted by the examples of their batches; batches whose loss is nan or infinite are counted apart."""

    total: float = 0.0
    examples: int = 0
    broken: int = 0
    _unread: list[tuple[torch.Tensor, int]] = field(default_factory=list)

    def add(self, loss: torch.Tensor, examples: int) -> None:
        """The next batch."""
        self._unread.append((loss.detach().reshape(()), examples))

    def read(self) -> bool:
        """Read those that were added; whether all of them were numbers."""
        if not self._unread:
            return True
        values = torch.stack([loss for loss, _ in self._unread]).cpu().double().tolist()
        good = [
            (value, examples) for value, (_, examples) in zip(values, self._unread, strict=True) if math.isfinite(value)
        ]
        broken = len(values) - len(good)
        for value, examples in good:
            self.total += value * examples
            self.examples += examples
        self.broken += broken
        self._unread.clear()
        return broken == 0

"""Compares the gradients of a step looked at closely with those of the next step of the same optimizer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import distributed

from seatrial.events import GradientPair
from seatrial.measure.access import local, read_later
from seatrial.measure.parameters import inner
from seatrial.taps.watch import Watch


class _First(NamedTuple):
    optimizer: int
    tick: int
    backwards: int
    gradients: list[torch.Tensor | None]


class GradientPairs:
    """At most one pair is open; its figures are read when the next one begins, so that no device is waited for."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.first: _First | None = None
        self._measured: list[tuple[_First, torch.Tensor]] = []
        watch.at_finish.insert(0, self.send)

    def open(self, optimizer: int, parameters: list[torch.Tensor], backwards: int) -> None:
        """Keep the gradients of a step that is about to be made."""
        self.send()
        kept = [local(p.grad).clone() if p.grad is not None else None for p in parameters]
        self.first = _First(optimizer, self.watch.tick, backwards * _processes(), kept)

    def close(self, optimizer: int, parameters: list[torch.Tensor]) -> None:
        """The next step of an optimizer is about to be made."""
        first = self.first
        if first is None or first.optimizer != optimizer:
            return
        self.first = None
        pairs = [
            (a, own)
            for a, p in zip(first.gradients, parameters, strict=False)
            if a is not None
            and p.grad is not None
            and (own := local(p.grad)).shape == a.shape
            and own.layout is a.layout
        ]
        if pairs and len(parameters) == len(first.gradients):
            self._measured.append((first._replace(gradients=[]), inner(*map(list, zip(*pairs, strict=True)))))

    def send(self) -> None:
        """Send what was measured."""
        for first, figures in self._measured:
            numbers = read_later(list(figures.unbind()))
            self.watch.send(GradientPair(first.tick, first.optimizer, *numbers, backwards=first.backwards))
        self._measured = []


def _processes() -> int:
    """How many processes train together: each has the gradient of all their batches."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1

"""Looks for graphs of earlier steps that are still alive: losses that are held, tensors that bring an old graph along."""

from __future__ import annotations

import weakref

import torch

from seatrial.events import GraphKept, Place
from seatrial.step.capture import Leaf, Origin
from seatrial.taps.watch import Watch

# A loss whose graph still lives so many ticks later is held; two of them are no chance.
OLD_TICKS = 8
# Within so many steps of an optimizer it may still be in use: several are added up, or a closure is called again and again.
OLD_STEPS = 3
MOST_LOSSES = 40
# A carried graph that has grown by this factor grows from step to step.
GROWTH = 1.5


class KeptGraphs:
    """Asked at each captured step. It refers to losses weakly: it keeps nothing alive itself."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._carried: dict[Place | None, tuple[int, int]] = {}
        # Tick, steps of optimizers so far, the loss, its line.
        self._losses: list[tuple[int, int, weakref.ref[torch.Tensor], Place | None]] = []

    def look(self, program: list[Origin], losses: tuple[torch.Tensor, ...], carried: list[Leaf]) -> None:
        """A step was captured: its program, its losses, and the leaves that came with a graph of their own."""
        tick = self.watch.tick
        steps, by_hand = self.watch.optimizer_steps, not self.watch.optimizers.living()
        alive = [
            (tick - then, place)
            for then, before, reference, place in self._losses
            if (by_hand or steps - before >= OLD_STEPS) and _has_graph(reference())
        ]
        if sum(age >= OLD_TICKS for age, _ in alive) >= 2:
            age, place = alive[0]
            self.watch.send(GraphKept(tick, "held", place, age))
        if len(losses) == 1 and len(self._losses) < MOST_LOSSES:
            self._losses.append((tick, steps, weakref.ref(losses[0]), program[-1].place if program else None))
        deepest: dict[Place | None, int] = {}
        for leaf in carried:
            if leaf.built_on:  # one whose value alone is read brings nothing along
                deepest[leaf.place] = max(leaf.depth, deepest.get(leaf.place, 0))
        for place, depth in deepest.items():
            then, first = self._carried.setdefault(place, (tick, depth))
            if tick > then and depth > GROWTH * first:
                self.watch.send(GraphKept(tick, "carried", place, depth))


def _has_graph(tensor: torch.Tensor | None) -> bool:
    return tensor is not None and tensor.grad_fn is not None

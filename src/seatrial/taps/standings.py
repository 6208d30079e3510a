"""Measures, at steps that are the same in every process, by what the parameters of processes can be compared afterwards.

The steps follow from their number alone (1, 2, 3, 4, 8, 16, ...), and from what the program exchanged since the step before: the
close looks would not do, since their schedule heeds time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, distributed
from torch.optim import Optimizer

from seatrial.events import GroupJoined, Standing
from seatrial.measure.access import is_whole, read_later
from seatrial.measure.projection import projected
from seatrial.taps.exchanges import Exchanges
from seatrial.taps.models import Models
from seatrial.taps.watch import Watch

MOST_PARAMETERS = 64
DENSE_STEPS = 4
# Steps that come after a large exchange are measured so many times beside the others; large is so much of the parameters.
MOST_AFTER_EXCHANGES = 24
LARGE = 0.1
# Once so many figures wait to be read they are sent: a device is waited for.
MOST_WAITING = 8


class Standings:
    """At most a few dozen measurements of each optimizer in a run, and none where there is one process alone."""

    def __init__(self, watch: Watch, exchanges: Exchanges, models: Models) -> None:
        self.watch = watch
        self.models = models
        self.exchanges = exchanges
        self.joined = False
        self._steps: dict[int, int] = {}
        self._after: dict[int, int] = {}
        self._waiting: list[tuple[Standing, Tensor]] = []
        watch.at_finish.insert(0, self.last_words)

    def before_step(self, optimizer: Optimizer) -> None:
        """An optimizer is about to step."""
        if not self.joined and not self._join():
            return
        number = self.watch.optimizers.of(optimizer)
        step = self._steps[number] = self._steps.get(number, 0) + 1
        exchanged, self.exchanges.since_step = self.exchanges.since_step, 0
        regular = step <= DENSE_STEPS or not step & (step - 1)
        if not regular and not exchanged:
            return
        parameters = parameters_of(optimizer)
        large = exchanged > LARGE * sum(p.numel() for p in parameters)
        after = self._after.get(number, 0)
        if regular or (large and after < MOST_AFTER_EXCHANGES):
            self._after[number] = after + large
            self._measure(number, step, parameters, large)

    def _join(self) -> bool:
        """Whether there are other processes; says so once."""
        if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() < 2:
            return False
        self.joined = True
        rank, size = distributed.get_rank(), distributed.get_world_size()
        self.watch.send(GroupJoined(self.watch.tick, rank, size, str(distributed.get_backend()), _parts(size)))
        return True

    def _measure(self, optimizer: int, step: int, parameters: list[Tensor], exchanged: bool) -> None:
        chosen = parameters[:: max(1, -(-len(parameters) // MOST_PARAMETERS))]
        sharded = not all(map(is_whole, parameters)) or self.models.in_shards
        self.watch.sharded |= sharded
        nothing: tuple[float, ...] = ()
        standing = Standing(
            step,
            self.watch.tick,
            optimizer,
            tuple(self.watch.parameters.of(p) for p in chosen),
            tuple(p.numel() for p in chosen),
            *(nothing,) * 4,
            exchanged=exchanged,
            sharded=sharded,
        )
        if sharded or not chosen:
            self.watch.send(standing)
            return
        figures = [*(projected(p) for p in chosen), *(_of_gradient(p) for p in chosen)]
        device = figures[0].device
        self._waiting.append((standing, torch.stack([each.to(device) for each in figures])))
        if figures[0].is_cpu or len(self._waiting) >= MOST_WAITING:
            self._send()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for standing, figures in waiting:
            rows = [read_later(list(row.unbind())) for row in figures.unbind(1)]
            count = len(standing.parameters)
            self.watch.send(
                replace(
                    standing,
                    weights=tuple(rows[0][:count]),
                    norms=tuple(rows[1][:count]),
                    gradients=tuple(rows[0][count:]),
                    gradient_norms=tuple(rows[1][count:]),
                )
            )

    def last_words(self) -> None:
        """The script has ended: how the parameters stand now, where their optimizers are still there."""
        if self.joined:
            for number, optimizer in self.watch.optimizers.living():
                if number in self._steps:
                    self._measure(number, 0, parameters_of(optimizer), False)
            self._send()


def _parts(size: int) -> int:
    """How many groups of this process are not of all processes. torch keeps the list to itself."""
    groups = getattr(getattr(distributed.distributed_c10d, "_world", None), "pg_map", {})
    return sum(group.size() < size for group in groups)


def _of_gradient(parameter: Tensor) -> Tensor:
    gradient: Any = parameter.grad
    if gradient is None or gradient.layout is not torch.strided or not is_whole(gradient):
        return torch.full((2,), math.nan, device=parameter.device)
    return projected(gradient)


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """All parameters of an optimizer, group by group."""
    return [p for group in optimizer.param_groups for p in group["params"]]

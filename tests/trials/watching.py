"""A small training watched in process: the recorded step that trials experiment on, and the plan of its loop."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import seatrial.taps as taps
from seatrial.events import Event
from seatrial.history import Run
from seatrial.taps import Watch
from seatrial.trials.plan import Plan, plan

Make = Callable[[nn.Module], torch.optim.Optimizer]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def watched(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: Loss = F.cross_entropy, make: Make = sgd, steps: int = 3
) -> Plan:
    """Train for a few steps on one batch under watch. The step that was recorded is the first one."""
    events: list[Event] = []
    watch: Watch = taps.install(events.append)
    optimizer = make(model)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
    watch.finish()
    return plan(Run.of(events), watch.steps, watch.optimizer_classes)


def classes(count: int = 4, examples: int = 24, features: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Examples that a linear model can nearly tell apart; the first of each five hold different classes."""
    torch.manual_seed(0)
    return torch.randn(examples, features), torch.arange(examples) % count

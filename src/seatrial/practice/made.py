"""What a task's factories make, each refused where it is something else than asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from seatrial.practice.annealing.schedules import Schedule, stepped
from seatrial.practice.arguments import OPTIMIZER_HINT
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.standing import Standing

_SCHEDULE_HINT = (
    "For instance: schedule=lambda optimizer, steps: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)."
)


@dataclass(frozen=True, slots=True)
class Made:
    """What one training of a task works with: fresh objects, none of them the user's own."""

    model: nn.Module
    loss: Callable[..., Any]
    optimizer: Optimizer
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a model makes of a batch: its output, and the mean loss of the batch where there is one."""

    output: Any
    loss: Any


def model_by(factory: Callable[[], Any], at: Standing) -> nn.Module:
    """A new model.

    Raises:
        UsageProblem: the factory fails, or makes something else.
    """
    try:
        model = at("model", factory)
    except Exception as error:
        hint = "It is called without arguments: give those that it needs with model=lambda: Net(...)."
        raise failed(f"Making the model by {shown(factory)}", error, hint) from error
    if not isinstance(model, nn.Module):
        raise refused(
            "a torch.nn.Module from model()",
            f"{shown(model)} from {shown(factory)}",
            "task-no-module",
            "Give a class that extends nn.Module, or a function that returns such an object.",
        )
    return model


def optimizer_by(factory: Callable[[nn.Module], Any], model: nn.Module, at: Standing) -> Optimizer:
    """A new optimizer for a model.

    Raises:
        UsageProblem: the factory fails, or makes something else.
    """
    try:
        made: Any = at("optimizer", lambda: factory(model))
    except Exception as error:
        raise failed("Making the optimizer for the model", error, OPTIMIZER_HINT) from error
    if not isinstance(made, Optimizer):
        raise refused("a torch.optim.Optimizer from optimizer(model)", shown(made), "task-no-optimizer", OPTIMIZER_HINT)
    return made


def schedule_by(factory: Callable[[Optimizer, int], Any], optimizer: Optimizer, steps: int, at: Standing) -> Schedule:
    """What changes an optimizer's rate in a training of so many steps.

    Raises:
        UsageProblem: the factory fails, or makes something else.
    """
    try:
        made = at("schedule", lambda: factory(optimizer, steps))
    except Exception as error:
        raise failed("Making the schedule", error, _SCHEDULE_HINT) from error
    if not isinstance(made, LRScheduler):
        raise refused(
            "a torch scheduler from schedule(optimizer, steps)", shown(made), "task-no-schedule", _SCHEDULE_HINT
        )
    return stepped(made)

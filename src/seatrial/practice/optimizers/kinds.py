"""The usual optimizers by name: SGD with Nesterov's momentum first, AdamW as the alternative, schedule-free as a third."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from seatrial.catalogue import nearest
from seatrial.errors import UsageProblem
from seatrial.numbers import decimal
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

OWN = "own"  # the task's own optimizer
MOMENTUM = 0.9


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes an optimizer with a rate; the rate at which a search for a better one begins; the schedule that goes with it."""

    make: Callable[[list[nn.Parameter], float], Optimizer]
    rate: float
    schedule: str
    words: str


def _sgd(parameters: list[nn.Parameter], rate: float) -> Optimizer:
    return torch.optim.SGD(parameters, lr=rate, momentum=MOMENTUM, nesterov=True)


def _adamw(parameters: list[nn.Parameter], rate: float) -> Optimizer:
    return torch.optim.AdamW(parameters, lr=rate)


def _schedule_free(parameters: list[nn.Parameter], rate: float) -> Optimizer:
    made: Any = _schedulefree().AdamWScheduleFree(parameters, lr=rate)
    made.train()  # it refuses steps otherwise
    return made


KINDS = {
    "sgd": Kind(_sgd, 0.1, "cosine", "SGD with Nesterov's momentum 0.9 (Sutskever et al. 2013)"),
    "adamw": Kind(_adamw, 1e-3, "cosine", "AdamW, decay 0.01 (Loshchilov and Hutter 2019)"),
    "schedule-free": Kind(_schedule_free, 2.5e-3, "warm-up", "schedule-free AdamW (Defazio et al. 2024)"),
}


def check_name(name: str) -> None:
    """Refuse a name that no optimizer has, and one whose package is missing.

    Raises:
        UsageProblem: so it is.
    """
    if name == OWN:
        return
    if name not in KINDS:
        near = nearest(name, [*KINDS, OWN])
        hint = f"Did you mean {near[0]}?" if near else "For others, give the task an optimizer of its own."
        raise refused(f"an optimizer among {', '.join(KINDS)}, {OWN}", repr(name), "optimizer-name", hint)
    if name == "schedule-free":
        _schedulefree()


def with_optimizer(task: Task, name: str) -> Task:
    """The same task with another optimizer; the task itself for "" and "own".

    Raises:
        UsageProblem: there is no optimizer of that name, or its package is missing.
    """
    check_name(name or OWN)
    if name in ("", OWN):
        return task
    changed = copy.copy(task)
    object.__setattr__(changed, "optimizer", _factory(KINDS[name]))
    return changed


def rate_of(optimizer: Optimizer) -> float:
    """The learning rate of an optimizer, the largest of its groups; nan where one has none."""
    return max((float(group.get("lr", math.nan)) for group in optimizer.param_groups), default=math.nan)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give an optimizer's groups a rate: the largest that rate, the others in proportion.

    Raises:
        UsageProblem: it has no rate that could be changed.
    """
    largest = rate_of(optimizer)
    if not largest > 0:
        hint = "Give an optimizer whose groups have `lr`, as torch's have."
        raise refused("an optimizer with a learning rate above 0", decimal(largest), "task-no-rate", hint)
    for group in optimizer.param_groups:
        new = rate * float(group.get("lr", math.nan)) / largest
        group["lr"] = torch.full_like(group["lr"], new) if isinstance(group["lr"], torch.Tensor) else new


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _factory(kind: Kind) -> Callable[[nn.Module], Optimizer]:
    return lambda model: kind.make(_learned(model), kind.rate)


def _learned(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _schedulefree() -> Any:
    try:
        import schedulefree
    except ImportError:
        raise UsageProblem(
            "Expected the package schedulefree for this optimizer, found it not installed.",
            "optimizer-no-schedulefree",
            "pip install schedulefree",
        ) from None
    return schedulefree

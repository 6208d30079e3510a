"""The optimizer of a training as its settings ask for it: its rate, found or given, and the schedule that changes it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from torch.optim import Optimizer

from seatrial.numbers import decimal
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.fitting.subset import subset
from seatrial.practice.made import Made
from seatrial.practice.optimizers.kinds import set_rate
from seatrial.practice.rates import find_rate
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task


def found_rate(task: Task, settings: Settings, progress: bool) -> float:
    """The rate that `find_rate` suggests for a training.

    Raises:
        UsageProblem: it suggests none.
    """
    steps = settings.epochs * steps_each(task, subset(task, settings.subset, settings.seed))
    found = find_rate(task, steps=steps, progress=progress)
    if math.isnan(found.rate):
        raise refused("a learning rate that can be found", f"none: {found.why}", "fit-no-rate", "Give --rate a figure.")
    return found.rate


def prepared(task: Task, made: Made, rate: float, schedule: str, steps: int) -> Made:
    """What was made, at a rate (0: its own) and with its schedule for so many steps.

    Raises:
        UsageProblem: the rate cannot be changed, or the task's schedule is none.
    """
    own = made.schedules
    if schedule and own:  # they have changed the rate already
        for group in made.optimizer.param_groups:
            group["lr"] = group.pop("initial_lr", group["lr"])
    if rate and own and not schedule:
        hint = "Change it there, or give --schedule too."
        raise refused("a rate from configure_optimizers, whose schedules know it", decimal(rate), "fit-rate", hint)
    if rate:
        set_rate(made.optimizer, rate)
    return replace(made, schedules=task.schedules_for(made.optimizer, steps, schedule) or own)


def switch(optimizer: Optimizer, *, training: bool) -> None:
    """Tell an optimizer whether its model is trained or looked at. Schedule-free ones keep other weights for each."""
    each: Any = getattr(optimizer, "train" if training else "eval", None)
    if callable(each):
        each()

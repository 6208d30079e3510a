"""Schedules of the learning rate by name, made for a number of steps: torch's own schedulers, composed where torch has none.

The rate of step t (from 0) is that of the optimizer times a factor f(t), T steps in all:

    constant     1
    warm-up      (t+1) / (w+1) in the first w = 5 % of the steps, then 1
    step         0.1 ** floor(t / ceil(T/3))                          (He et al. 2016: a tenth after each third)
    plateau      a tenth whenever the validation has not improved for three epochs
    exponential  0.01 ** (t/T)
    1/t          1 / (1 + 9 t/T)
    cosine       warm-up, then (1 + cos(pi (t-w) / (T-w))) / 2        (Loshchilov and Hutter 2017)
    wsd          warm-up, 1, and (T-t) / d in the last d = 20 % of the steps   (Hägele et al. 2024)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from seatrial.catalogue import nearest
from seatrial.practice.refusal import refused

WARM_UP = 0.05  # share of the steps in which the rate rises: the usual 2 to 10 %
COOL_DOWN = (
    0.2  # share of the steps in which wsd falls: from 10 to 20 % on it is as good as a cosine (Hägele et al., fig. 5)
)
EXPONENTIAL_END = 0.01  # f(T)
OVER_TIME_END = 0.1  # f(T): further down, 1/t would spend nearly all steps at small rates
STEP_FACTOR = 0.1
PLATEAU_PATIENCE = (
    2  # epochs without improvement that are waited for; the next one lowers the rate, before training stops
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A learning-rate scheduler, stepped after every "step" or "epoch"; `watches`: with the loss."""

    scheduler: Any
    every: str
    watches: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes a scheduler for a number of steps, what it does in words, and whether it depends on that number."""

    make: Callable[[Optimizer, int], Any]
    words: str
    planned: bool = True


@dataclass
class OverTime:
    """1 / (1 + slope t). An object and no function: so that torch saves it with the schedule."""

    slope: float

    def __call__(self, step: int) -> float:
        """The factor at a step."""
        return 1 / (1 + self.slope * step)


def schedule(name: str, optimizer: Optimizer, steps: int) -> Schedule:
    """A schedule for a training of so many steps.

    Raises:
        UsageProblem: there is none of that name.
    """
    check_name(name)
    return stepped(KINDS[name].make(optimizer, steps))


def stepped(scheduler: Any) -> Schedule:
    """A scheduler with its pace: after every step, but one that waits for a plateau after every epoch, with the loss."""
    watches = isinstance(scheduler, ReduceLROnPlateau)
    return Schedule(scheduler, "epoch" if watches else "step", watches)


def check_name(name: Any) -> None:
    """Refuse a name that no schedule has.

    Raises:
        UsageProblem: none has it.
    """
    if name not in KINDS:
        near = nearest(str(name), KINDS)
        hint = f"Did you mean {near[0]}?" if near else "Or give a function: lambda optimizer, steps: a torch scheduler."
        raise refused(f"a schedule among {', '.join(KINDS)}", repr(name), "schedule-name", hint)


# ---- how they are made -----------------------------------------------------------------------------------------------


def _constant(optimizer: Optimizer, steps: int) -> Any:
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


def _step(optimizer: Optimizer, steps: int) -> Any:
    return StepLR(optimizer, step_size=max(1, math.ceil(steps / 3)), gamma=STEP_FACTOR)


def _plateau(optimizer: Optimizer, steps: int) -> Any:
    return ReduceLROnPlateau(optimizer, factor=STEP_FACTOR, patience=PLATEAU_PATIENCE)


def _exponential(optimizer: Optimizer, steps: int) -> Any:
    return ExponentialLR(optimizer, gamma=EXPONENTIAL_END ** (1 / max(1, steps)))


def _over_time(optimizer: Optimizer, steps: int) -> Any:
    return LambdaLR(optimizer, OverTime((1 / OVER_TIME_END - 1) / max(1, steps)))


def _warm_up(optimizer: Optimizer, steps: int) -> Any:
    return _joined(optimizer, steps, [(0, _constant(optimizer, steps))])


def _cosine(optimizer: Optimizer, steps: int) -> Any:
    return _joined(optimizer, steps, [(0, CosineAnnealingLR(optimizer, T_max=max(1, steps - _warm(steps))))])


def _wsd(optimizer: Optimizer, steps: int) -> Any:
    falling = max(1, round(COOL_DOWN * steps))
    fall = LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=falling)
    return _joined(optimizer, steps, [(0, _constant(optimizer, steps)), (max(1, steps - falling), fall)])


def _warm(steps: int) -> int:
    return round(WARM_UP * steps)


def _joined(optimizer: Optimizer, steps: int, parts: list[tuple[int, Any]]) -> Any:
    """A warm-up and what comes after it. Each part begins at its step; the first one right after the warm-up."""
    warm = _warm(steps)
    if warm:
        rise = LinearLR(optimizer, start_factor=1 / (warm + 1), end_factor=1.0, total_iters=warm)
        parts = [(0, rise), (warm, parts[0][1]), *parts[1:]]
    if len(parts) == 1:
        return parts[0][1]
    return SequentialLR(optimizer, [part for _, part in parts], milestones=[begin for begin, _ in parts[1:]])


KINDS = {
    "constant": Kind(_constant, "stays", planned=False),
    "warm-up": Kind(_warm_up, "rises over the first 5 % of the steps, then stays"),
    "step": Kind(_step, "falls to a tenth after each third"),
    "plateau": Kind(_plateau, "falls to a tenth after three epochs without improvement", planned=False),
    "exponential": Kind(_exponential, "falls by the same factor each step, to a hundredth"),
    "1/t": Kind(_over_time, "falls as 1/(1 + kt), to a tenth"),
    "cosine": Kind(_cosine, "rises over 5 %, then falls along half a cosine to zero"),
    "wsd": Kind(_wsd, "rises over 5 %, stays, and falls to zero in the last 20 %"),
}

"""A schedule takes the learning rate to next to nothing long before training ends.

## What it finds
A learning rate that falls to less than a thousandth of its highest value in the first part of training and stays
there, while the loss had not been done falling. A schedule that never lets the rate come near the one that the
optimizer was given, as where a factor was meant and a rate is returned.

## Why it harms
Steps become too small to change anything. The epochs that follow cost time and teach nothing, and the network stays
where the first few of them had brought it.

## How it is recognised
The rate is followed over all steps. It has to be below `collapsed` times its peak for most of the run, without coming
back; and the loss has to stand still from then on. A cosine that reaches its end with training, a step late in
training and a warm-up do not match. A rate is never reached if its highest value over all steps is below `reached` times
the given one.

## What it cannot see
A rate that falls too fast, but not to nothing.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.05)
for epoch in range(15):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(loss.item())
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
for epoch in range(15):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(loss.item())
```

## Thresholds
`collapsed`: share of the peak. `long_before`: share of the run that is left when the rate collapses. `still`: share
of the fall of the loss that may come afterwards. `least_steps`, `reached`: of steps, and of the rate that was given.

## References
PyTorch documentation of torch.optim.lr_scheduler, "How to adjust learning rate".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Place, SchedulerBuilt
from seatrial.findings import Finding, Mend
from seatrial.history import Run, Series
from seatrial.numbers import decimal
from seatrial.rules.graph import Graph
from seatrial.rules.schedules import over
from seatrial.rules.series import finite, head_and_tail, median
from seatrial.rules.source import origin, settings_of
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.learning-rate-collapsed"
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.learning-rate-too-low",
    "optimisation.update-ratio-off",
    "optimisation.underfitting",
    "optimisation.vanishing-gradient",
)
# What of a schedule sets its pace.
_PACE = (
    "gamma",
    "step_size",
    "milestones",
    "T_max",
    "total_iters",
    "factor",
    "patience",
    "lr_lambda",
    "T_0",
    "T_mult",
    "power",
    "total_steps",
)
# Schedules with a highest rate of their own, in place of the one that the optimizer was given.
_OWN_PEAK = ("OneCycleLR", "CyclicLR")


@dataclass(frozen=True)
class Thresholds:
    """collapsed: share of the peak rate (0..1). long_before: share of the run (0..1) that must be left. still: share of
    the fall of the loss (0..1) that may come after the collapse. least_steps: steps in which that can be told. reached:
    share of the given rate (0..1) that the schedule must allow at least once."""

    collapsed: float = 2e-3
    long_before: float = 0.4
    still: float = 0.1
    least_steps: int = 30
    reached: float = 0.05


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """For each optimizer: its rate is gone while most of the run is still to come."""
    training = Training(run)
    if run.ticks < limits.least_steps or not training.values:
        return
    if training.optimizer is not None and (never := _never_reached(training, limits)) is not None:
        yield never
        return
    for optimizer in run.optimizers.values():
        series = run.settings.get((optimizer.optimizer, 0, "lr"))
        if series is None or len(series) < 2 or (training.optimizer and training.optimizer is not optimizer):
            continue
        peak = max(finite(series.values), default=0.0)
        gone, last = _collapse(series, limits.collapsed * peak), over(run, optimizer.optimizer)
        if gone is None or peak <= 0 or (last - gone) < max(limits.long_before * last, 10):
            continue
        at_work = _collapse(series, 0.1 * peak)
        progress = _progress_after(training, gone, gone if at_work is None else at_work)
        if progress is None or progress > limits.still:
            continue
        yield _finding(run, training, optimizer.optimizer, series, gone, peak, progress)


def _never_reached(training: Training, limits: Thresholds) -> Finding | None:
    """The rate of every step stays far below the one that the optimizer was given: a schedule that multiplies it by what
    was meant to be the rate itself, or a warm-up that is longer than the run."""
    optimizer = training.optimizer
    schedulers = [
        each for each in training.run.schedulers.values() if optimizer and each.optimizer == optimizer.optimizer
    ]
    if optimizer is None or not schedulers or any(each.type in _OWN_PEAK for each in schedulers):
        return None
    given = optimizer.groups[0].settings.get("lr")
    used = finite(training.run.settings.get((optimizer.optimizer, 0, "lr"), Series((), ())).values)
    if not isinstance(given, float) or not used or given <= 0 or max(used) >= limits.reached * given:
        return None
    start, end = head_and_tail(training.values, 0.1)
    return Finding(
        NAME,
        "error" if not 0 <= end < 0.5 * start else "warning",
        f"{optimizer.type} was given a learning rate of {decimal(given)}, but {schedulers[-1].type} never lets it above "
        f"{decimal(max(used), 2)}.",
        _places(training.run, training, schedulers),
        {"given_rate": given, "highest_rate": max(used), "lowest_rate": min(used), "steps": training.run.ticks},
        "A schedule's function gives the factor by which the rate is multiplied, 1 at its full height, not a rate.",
        EXPLAINS,
        0.9,
    )


def _collapse(series: Series, bound: float) -> int | None:
    """The tick from which the rate stays below a bound until the end."""
    gone: int | None = None
    for tick, value in zip(series.ticks, series.values, strict=True):
        if value > bound:
            gone = None
        elif gone is None:
            gone = tick
    return gone


def _progress_after(training: Training, gone: int, at_work: int) -> float | None:
    """What of the loss's fall came after a tick (share). None where it cannot be told, or where the loss had come to
    rest before the rate fell at all (`at_work` is the last tick at which it had not)."""
    ticks, values = training.loss.ticks, training.values
    before = finite([value for tick, value in zip(ticks, values, strict=True) if tick <= gone])
    after = finite([value for tick, value in zip(ticks, values, strict=True) if tick > gone])
    if len(before) < 3 or len(after) < 10:
        return None
    start, middle = median(before[: max(1, len(before) // 20)]), median(before[-max(3, len(before) // 10) :])
    first, last = median(after[: max(5, len(after) // 5)]), median(after[-max(5, len(after) // 5) :])
    fallen = start - last
    if start > 0 and 0 <= last < 0.02 * start:
        return None
    if middle < 0.5 * start and _settled([value for tick, value in zip(ticks, values, strict=True) if tick <= at_work]):
        return None
    return max(0.0, first - last) / fallen if fallen > 0 else 0.0


def _settled(before: list[float]) -> bool:
    """The loss had come to rest by itself: its last quarter lies no lower than the one before."""
    quarter = len(before) // 4
    if quarter < 10:
        return False
    middle, late = median(before[-2 * quarter : -quarter]), median(before[-quarter:])
    return late >= 0.97 * middle


def _finding(
    run: Run, training: Training, optimizer: int, series: Series, gone: int, peak: float, progress: float
) -> Finding:
    schedulers = [each for each in run.schedulers.values() if each.optimizer == optimizer]
    end, last = series.values[-1], over(run, optimizer)
    by = f" ({schedulers[-1].type})" if schedulers else ""
    _, final = training.values[0], median(finite(training.values[-max(5, len(training.values) // 20) :]))
    return Finding(
        NAME,
        "error",
        f"The learning rate{by} falls from {decimal(peak)} to {decimal(end, 2)}; from step {gone} of {last} on it is under "
        f"{decimal(_share(series, gone, peak), 2)} of its peak and the loss stays at {decimal(final, 3)}.",
        _places(run, training, schedulers),
        {
            "peak_rate": peak,
            "last_rate": end,
            "collapsed_at_step": gone,
            "steps": last,
            "share_of_progress_after": round(progress, 4),
        },
        "Let the rate fall over all of training: longer steps, a gamma nearer to 1, or a cosine to the last step.",
        EXPLAINS,
        0.9,
    )


def _share(series: Series, gone: int, peak: float) -> float:
    value = next((value for tick, value in zip(series.ticks, series.values, strict=True) if tick >= gone), math.nan)
    return value / peak


def _places(run: Run, training: Training, schedulers: list[SchedulerBuilt]) -> tuple[Place, ...]:
    found: list[Place | None] = []
    for scheduler in schedulers:
        found.append(scheduler.where)
        for name in _PACE:
            if name in scheduler.settings:
                found += origin(run, scheduler.where, name)
    if not schedulers:
        found += settings_of(run, "lr")
    return distinct([*found, training.optimizer.where if training.optimizer else None])


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The learning rate kept at its highest value."""
    return Mend("learning rate kept at its highest value", steady=True)

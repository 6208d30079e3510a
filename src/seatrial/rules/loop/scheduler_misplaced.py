"""loop.scheduler-misplaced: the schedule is stepped at the wrong place or pace.

## What it finds
A schedule that is built and never stepped; that steps an optimizer which does not train; that is planned for epochs and
stepped for every batch, or the reverse; that is stepped before the optimizer's first step; a plateau schedule that waits for
the wrong direction or is handed the number of the epoch, and another schedule that is handed a metric as if it were one.

## Why it harms
Stepped for every batch, a schedule for epochs has taken the rate to nothing before the second epoch is over; stepped for
every epoch, one that is planned for batches never leaves its warm-up. Either way most of training goes by at a wrong rate.

## How it is recognised
A schedule's own plan is compared with how often it was stepped, with the optimizer's steps and with the epochs; where the
plan is not a number, the rates that it gave are. A plan that fits the number of optimizer steps is one for batches, one that
fits the epochs one for epochs. The plan is total_steps (OneCycleLR), T_max (CosineAnnealingLR), total_iters (LinearLR,
PolynomialLR), the first decay (StepLR, MultiStepLR) or cycle (CyclicLR, CosineAnnealingWarmRestarts); of a SequentialLR the last
milestone and the plan of the schedule that begins there, of a ChainedScheduler the longest one inside. A decay, cycle or warm-up
that is a part of the run counts as planned for batches where the line computes it and it is a multiple of an epoch's steps.

## What it cannot see
A run that was cut short on purpose looks as if its plan were too long: then nothing is said unless the plan fits the steps.

## Faulty
```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(256, 4)
loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), 32, shuffle=True)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(xb), yb).backward()
        optimizer.step()
        scheduler.step()
```

## Fixed
```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(256, 4)
loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), 32, shuffle=True)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
for epoch in range(8):
    for xb, yb in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(xb), yb).backward()
        optimizer.step()
    scheduler.step()
```

## Thresholds
`steps`: so many optimizer steps, at least. `near`: a plan within this factor of a number fits it. `far`: the pace is wrong
if the plan differs from the steps made by this factor at least. `collapsed`: a rate below this share of the highest is gone.
`early`: gone before this share of the run. `part`: the least share of the steps that a part of a plan is. `sensible`: at an epoch's pace the rate would have stayed above this share.

## References
PyTorch documentation, *torch.optim: how to adjust learning rate*; Smith and Topin, *Super-convergence*, 2018 (one cycle).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.events import Place, SchedulerBuilt
from seatrial.findings import Figure, Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.frameworks import is_direct
from seatrial.rules.graph import Graph
from seatrial.rules.lines import callers, loops_around, never_called
from seatrial.rules.schedules import Pace, argument_words, is_computed, is_counter, over, paces, rate_at, rates, rises
from seatrial.rules.source import handed_line
from seatrial.rules.turns import steps
from seatrial.rules.where import distinct

NAME = "loop.scheduler-misplaced"
EXPLAINS = (
    "optimisation.learning-rate-collapsed",
    "optimisation.learning-rate-too-low",
    "optimisation.learning-rate-too-high",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.noisy-loss",
    "optimisation.update-ratio-off",
)
# Their plan may be a part of the run.
_IN_PARTS = ("StepLR", "MultiStepLR", "LinearLR", "CosineAnnealingWarmRestarts", "CyclicLR")
_FALLS = re.compile(r"(?<![a-z])(loss|err|error|mse|mae|rmse|ppl|perplexity|nll|elbo)", re.IGNORECASE)
_RISES = re.compile(
    r"(?<![a-z])(acc|accuracy|score|f1|auc|psnr|ssim|bleu|iou|miou|dice|r2|reward|recall|precision|hits)", re.I
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: a count; near and far: factors; collapsed, early, part and sensible: 0..1. See the page."""

    steps: int = 10
    near: float = 1.35
    far: float = 3.0
    collapsed: float = 1e-3
    early: float = 0.5
    part: float = 0.1
    sensible: float = 1e-2


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    for pace in paces(run):
        found = (
            _never(run, pace, limits)
            or _by_metric(run, pace)
            or _too_rarely(run, pace, limits)
            or _too_often(run, pace, limits)
            or _early(run, pace, limits)
        )
        if found is not None:
            yield replace(found, where=_by_author(run, pace, found.where))


def _by_author(run: Run, pace: Pace, where: tuple[Place, ...]) -> tuple[Place, ...]:
    """Places with those first that are about the schedule: behind them the call of a framework that makes or steps it."""
    stepping = [place for place in _lines(run, pace) if not is_direct(run, place, "step")]
    own = [place for place in where if place not in stepping]
    return distinct([handed_line(run, pace.scheduler.where, pace.scheduler.type), *own, *where])


def _finding(pace: Pace, message: str, remedy: str, where: list[Place | None], sure: float) -> Finding:
    built = pace.scheduler
    evidence: dict[str, Figure] = {
        "schedule": built.type,
        "steps_of_the_schedule": pace.made,
        "steps_of_the_optimizer": pace.steps,
        "planned_for": pace.horizon if math.isfinite(pace.horizon) else None,
        "epochs": pace.epochs if math.isfinite(pace.epochs) else None,
    }
    severity = "error" if sure >= 0.85 else "warning"
    return Finding(NAME, severity, message, distinct(where)[:5], evidence, remedy, EXPLAINS, sure)


def _lines(run: Run, pace: Pace) -> list[Place | None]:
    return [run.calls[call].where for call in pace.calls]


def _never(run: Run, pace: Pace, limits: Thresholds) -> Finding | None:
    built = pace.scheduler
    if pace.made and not pace.steps:
        active = [o for o in run.optimizers if o != built.optimizer and steps(run, o) >= limits.steps]
        if pace.made >= 3 and active and not _stepped_ever(run, built.optimizer):
            message = f"{built.type} changes the rate of an optimizer that never steps; another one trains."
            where = [built.where, *_lines(run, pace), *(run.optimizers[o].where for o in active[:1])]
            return _finding(pace, message, "Build the schedule on the optimizer that trains.", where, 0.9)
        return None
    cut_short = run.ended is not None and run.ended.status != "completed"
    others = [p for p in paces(run) if p.scheduler.optimizer == built.optimizer and p.made]
    if pace.made or pace.steps < limits.steps or others or cut_short or _is_moved(run, built):
        return None
    message = (
        f"{built.type} is built but never stepped in {pace.steps} steps of its optimizer: the rate stays as it was."
    )
    stepping = [call.where for call in run.calls_of("step") if call.subject == built.optimizer]
    where = [*never_called(run, "step"), built.where, *stepping]
    return _finding(pace, message, "Call the schedule's step() after the optimizer's.", where, 0.9)


def _is_moved(run: Run, built: SchedulerBuilt) -> bool:
    """Whether the rate moves although nobody calls the schedule's own step(): a framework asks it for the rate."""
    series = (
        values for (optimizer, _, name), values in run.settings.items() if (optimizer, name) == (built.optimizer, "lr")
    )
    return any(
        len({value for tick, value in zip(each.ticks, each.values, strict=True) if tick >= built.tick}) > 1
        for each in series
    )


def _stepped_ever(run: Run, optimizer: int) -> bool:
    return steps(run, optimizer) > 0


def _by_metric(run: Run, pace: Pace) -> Finding | None:
    """A plateau schedule that looks for the wrong direction, or a metric given to a schedule that takes an epoch."""
    built = pace.scheduler
    for call in (run.calls[number] for number in pace.calls):
        words = argument_words(run, call)
        rises, falls = any(map(_RISES.search, words)), any(map(_FALLS.search, words))
        if built.type == "ReduceLROnPlateau":
            if words and all(is_counter(run, call, word) for word in words):
                message = (
                    f"ReduceLROnPlateau is given {words[-1]}, a count of rounds that says nothing of the training."
                )
                remedy = "Give it the quantity that is to improve: step(validation_loss)."
                return _finding(pace, message, remedy, [call.where, built.where], 0.92)
            mode = built.settings.get("mode")
            if (mode == "min" and rises and not falls) or (mode == "max" and falls and not rises):
                direction = "falls" if mode == "min" else "rises"
                message = (
                    f'ReduceLROnPlateau waits for a metric that {direction} (mode="{mode}") but is given {words[-1]}.'
                )
                other = "max" if mode == "min" else "min"
                return _finding(pace, message, f'Build it with mode="{other}".', [built.where, call.where], 0.9)
        elif rises or falls:
            message = f"{built.type}.step() is given {words[-1]}, which it takes for the number of the epoch."
            return _finding(pace, message, "Call step() without an argument.", [call.where, built.where], 0.88)
    return None


def _too_rarely(run: Run, pace: Pace, limits: Thresholds) -> Finding | None:
    """Planned for the optimizer's steps, stepped far less often."""
    if not pace.made or pace.steps < limits.steps or not math.isfinite(pace.horizon):
        return None
    if not _for_steps(run, pace, limits) or pace.horizon < limits.far * pace.made or pace.steps_each < limits.far:
        return None
    message = (
        f"{pace.scheduler.type} is planned for {decimal(pace.horizon)} of its steps, as many as the optimizer makes, "
        f"but was stepped {pace.made} times in {pace.steps} steps: it never gets anywhere."
    )
    where = [*_lines(run, pace), pace.scheduler.where]
    return _finding(pace, message, "Step it after each step of the optimizer, or plan it for epochs.", where, 0.92)


def _for_steps(run: Run, pace: Pace, limits: Thresholds) -> bool:
    """Whether the plan is one for the optimizer's steps: for all of them; or for a part of them (a first decay, a cycle, a
    warm-up), computed as a multiple of the steps in an epoch. A figure like 30 may count epochs in a run that was cut short."""
    if _fits(pace.horizon, pace.steps, limits.near):
        return True
    partial = limits.part <= pace.horizon / pace.steps <= limits.near and pace.scheduler.type in _IN_PARTS
    if pace.scheduler.type == "LinearLR" and _falls(run, pace):
        return False
    rounds = pace.horizon / pace.steps_each
    return partial and abs(rounds - round(rounds)) < 0.02 * rounds and is_computed(run, pace.scheduler)


def _too_often(run: Run, pace: Pace, limits: Thresholds) -> Finding | None:
    """Planned for epochs, stepped with every batch."""
    if pace.made < limits.steps or pace.steps_each > 1.5 or pace.steps < limits.steps:
        return None
    remedy = "Step it once an epoch, after the loop over batches (or plan it for the number of batches)."
    where = [*_lines(run, pace), pace.scheduler.where]
    kind = pace.scheduler.type
    if pace.steps_each < 0.7 and _fits(pace.horizon, pace.steps, limits.near):
        message = f"{kind} is planned for the optimizer's {pace.steps} steps but was stepped {pace.made} times."
        return _finding(pace, message, "Step it only where the optimizer steps.", where, 0.88)
    last = pace.ends_as
    cycles = last == "CosineAnnealingLR" and pace.made >= limits.far * pace.horizon
    decays = last in ("MultiStepLR", "LinearLR", "PolynomialLR") and pace.made >= limits.far * pace.horizon
    planned = math.isfinite(pace.epochs) and pace.horizon <= limits.near * pace.epochs and pace.epochs >= 2
    decays = decays and planned and pace.horizon > 1 and (last != "LinearLR" or _falls(run, pace))
    if (
        decays
        or (planned and _restarts(run, pace, limits))
        or (cycles and (planned or (not math.isfinite(pace.epochs) and _nested(run, pace))))
    ):
        plan = f"{kind} is planned for {decimal(pace.horizon)} of its steps"
        message = f"{plan} but was stepped {pace.made} times, once with every batch."
        return _finding(pace, message, remedy, where, 0.88)
    return _collapse(run, pace, limits, remedy, where)


def _restarts(run: Run, pace: Pace, limits: Thresholds) -> bool:
    """Whether the rate really began anew as often as cycles of so few steps say. It does not where a fraction of the epoch is
    handed to each step, nor where the cycles grow."""
    series = rates(run, pace.scheduler.optimizer)
    if (
        pace.scheduler.type != "CosineAnnealingWarmRestarts"
        or series is None
        or pace.scheduler.settings.get("T_mult") != 1
    ):
        return False
    cycles = pace.made / pace.horizon
    return cycles >= limits.far and rises(series) >= 0.5 * cycles and pace.horizon > 1


def _nested(run: Run, pace: Pace) -> bool:
    """Whether the schedule is stepped in a loop within a loop: batches within epochs."""
    places = [call.where for call in (run.calls[number] for number in pace.calls) if call.where is not None]
    return any(sum(len(loops_around(run, site)) for site in (place, *callers(run, place))) >= 2 for place in places)


def _fits(horizon: float, count: float, near: float) -> bool:
    return math.isfinite(horizon) and count > 0 and 1 / near <= horizon / count <= near


def _falls(run: Run, pace: Pace) -> bool:
    series = rates(run, pace.scheduler.optimizer)
    return series is not None and len(series) > 1 and series.values[-1] < series.values[0]


def _collapse(run: Run, pace: Pace, limits: Thresholds, remedy: str, where: list[Place | None]) -> Finding | None:
    """The rate is gone long before the end, though at one step an epoch it would not be."""
    series = rates(run, pace.scheduler.optimizer)
    end = over(run, pace.scheduler.optimizer) if pace.scheduler.optimizer in run.optimizers else run.ticks
    if series is None or len(series) < 2 or end <= 0:
        return None
    highest = max(series.values)
    begun = pace.scheduler.tick
    gone = next((t for t, v in zip(series.ticks, series.values, strict=True) if v < limits.collapsed * highest), None)
    stays = max(v for t, v in zip(series.ticks, series.values, strict=True) if gone is None or t >= gone)
    if gone is None or stays >= limits.collapsed * highest or gone - begun > limits.early * (end - begun):
        return None
    ticks_each = (end - begun) / max(1, pace.made)
    rounds = pace.epochs if math.isfinite(pace.epochs) else _guessed_epochs(run, pace)
    if rate_at(series, begun + rounds * ticks_each) < limits.sensible * highest:
        return None
    message = (
        f"{pace.scheduler.type} is stepped with every batch ({pace.made} times) and has taken the rate below "
        f"{decimal(limits.collapsed)} of its highest after {gone - begun} of {end - begun} steps."
    )
    return _finding(pace, message, remedy, where, 0.9)


def _guessed_epochs(run: Run, pace: Pace) -> float:
    """Without a loader: the number of evaluation passes, if there were several, else few."""
    passes = {one.tick for one in run.passes}
    return float(len(passes)) if 2 <= len(passes) <= pace.made / 3 else max(2.0, 0.02 * pace.made)


def _early(run: Run, pace: Pace, limits: Thresholds) -> Finding | None:
    """The schedule's step comes before the optimizer's first one (once: several in a row wind a schedule forward)."""
    if pace.before != 1 or pace.steps < limits.steps or pace.made < 3:
        return None
    message = f"{pace.scheduler.type} is stepped before the optimizer's first step, so its first rate is never used."
    where = [*_lines(run, pace), *(c.where for c in run.calls_of("step") if c.subject == pace.scheduler.optimizer)]
    return _finding(pace, message, "Step the schedule after the optimizer.", where, 0.8)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The learning rate kept at its highest value."""
    return Mend("learning rate kept at its highest value", steady=True)

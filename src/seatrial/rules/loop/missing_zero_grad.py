"""loop.missing-zero-grad: gradients of earlier steps are not cleared, and add up unintended.

## What it finds
An optimizer that steps on the sum of the gradients of all steps so far, since nothing clears them in between: `zero_grad()`
is missing, stands outside of the loop over batches, is called on another model or optimizer, or lacks its parentheses.
Also a network that receives a second network's gradients (a critic those of its generator) after its own were cleared.

## Why it harms
Each step then follows the sum of all gradients ever computed. They grow without bound and point to where the weights
were long ago: training overshoots, oscillates or diverges, though each line by itself looks right.

## How it is recognised
Between two steps of an optimizer no call clears its gradients, and a look at the gradients before the first backward pass
after a step found the old ones still there. Adding up gradients of several backward passes before one step is not this.

## What it cannot see
Gradients that are cleared by hand in some steps that were not looked at.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Thresholds
`steps`: so many steps after the first, at least, before anything is said (a few may be a warm-up).
`share`: share of an optimizer's steps for which nothing was cleared; once an epoch of two batches is already 0.5.

## References
PyTorch documentation, *torch.optim.Optimizer.zero_grad*; PyTorch recipe *Zeroing out gradients in PyTorch*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Figure, Finding, Mend
from seatrial.history import Run
from seatrial.rules.frameworks import is_direct
from seatrial.rules.graph import Graph
from seatrial.rules.lines import never_called
from seatrial.rules.turns import Effects, Made, Window, held, owned, places, stepping, windows

NAME = "loop.missing-zero-grad"
EXPLAINS = (
    "loop.unnormalised-accumulation",
    "loop.scheduler-misplaced",
    "optimisation.exploding-gradient",
    "optimisation.learning-rate-too-high",
    "optimisation.non-finite-loss",
    "optimisation.noisy-loss",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
    "optimisation.clipping-too-tight",
    "optimisation.overfitting",
    "model.dead-units",
    "model.constant-output",
)
REMEDY = "Call zero_grad() of this optimizer once for each of its steps, before the backward pass."


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: count of steps; share: 0..1 of the steps. See the page."""

    steps: int = 3
    share: float = 0.2


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    effects = Effects(run)
    for optimizer in stepping(run):
        later = [w for w in windows(run, optimizer) if w.closed and not w.first]
        if sum(w.weight for w in later) < limits.steps:
            continue
        found = _uncleared(run, effects, optimizer, later, limits) or _mixed(effects, optimizer, later, limits)
        if found is not None:
            yield found


def _uncleared(run: Run, effects: Effects, optimizer: int, later: list[Window], limits: Thresholds) -> Finding | None:
    total = sum(w.weight for w in later)
    fed = [w for w in later if any(effects.feeds(m.call, optimizer) for m in w.made)]
    dirty = [w for w in fed if not _cleared(run, effects, w)]
    count = sum(w.weight for w in dirty)
    if count < limits.share * total or count < limits.steps:
        return None
    seen, stale = _stale(run, optimizer)
    if seen and not stale:
        return None
    last = max(dirty, key=lambda w: w.weight)
    backward = [m for m in last.of("backward") if effects.feeds(m.call, optimizer)]
    elsewhere = [c.where for c in run.calls_of("zero_grad") if effects.clears(c, optimizer)]
    elsewhere = [at for at in elsewhere if at is not None and is_direct(run, at, "zero_grad")]
    clearing = next((f" ({at.function or 'line'} {at.line} clears too rarely)" for at in elsewhere), "")
    message = f"In {count} of {total} steps nothing clears the gradients of the step before, so they add up{clearing}."
    where = places(*never_called(run, "zero_grad"), backward[-1], last.made[-1], *elsewhere)
    evidence: dict[str, Figure] = {
        "steps": total,
        "steps_without_clearing": count,
        "looks": seen,
        "looks_with_old_gradients": stale,
    }
    confidence = 0.98 if stale else 0.7
    return Finding(NAME, "error" if stale else "warning", message, where, evidence, REMEDY, EXPLAINS, confidence)


def _cleared(run: Run, effects: Effects, window: Window) -> bool:
    """Whether something clears parameters of the optimizer's that were found with old gradients (all, if none were)."""
    calls = [m.call for m in window.of("zero_grad") if effects.clears(m.call, window.optimizer)]
    if not calls:
        return False
    wanted = _stale_parameters(run, window.optimizer)
    cleared: set[int] = set()
    for call in calls:
        own = owned(run, call.subject) if call.detail == "module" else held(run, call.subject)
        if not own:
            return True
        cleared |= own
    return not wanted or bool(wanted & cleared)


def _stale_parameters(run: Run, optimizer: int) -> set[int]:
    looks = [look for look in run.looks if look.optimizer == optimizer][1:]
    return {p for look in looks for p, stale in zip(look.parameters, look.stale, strict=True) if stale == 1.0}


def _stale(run: Run, optimizer: int) -> tuple[int, int]:
    """How many looks there were after the first, and in how many of them there were old gradients."""
    looks = [look for look in run.looks if look.optimizer == optimizer][1:]
    return len(looks), sum(any(stale == 1.0 for stale in look.stale) for look in looks)


def _mixed(effects: Effects, optimizer: int, later: list[Window], limits: Thresholds) -> Finding | None:
    """A backward pass for another optimizer's step left gradients here, after the clearing and before the step."""
    total = sum(w.weight for w in later)
    found = [(w, pair) for w in later if (pair := _foreign(effects, w)) is not None]
    count = sum(w.weight for w, _ in found)
    if count < max(limits.steps, 0.5 * total):
        return None
    window, (foreign, own) = found[-1]
    clear = [m for m in window.of("zero_grad") if effects.clears(m.call, optimizer)]
    message = (
        f"In {count} of {total} steps the optimizer also follows the gradients that the backward pass of another "
        "optimizer's step has left in its parameters."
    )
    where = places(own, *clear[-1:], foreign, window.made[-1])
    evidence: dict[str, Figure] = {"steps": total, "steps_with_foreign_gradients": count}
    remedy = "Clear this optimizer's gradients after the other one's step, right before its own backward pass."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.85)


def _foreign(effects: Effects, window: Window) -> tuple[Made, Made] | None:
    after: list[Made] = []
    for one in window.made:
        if effects.clears(one.call, window.optimizer):
            after = []
        else:
            after.append(one)
    steps = [at for at, one in enumerate(after[:-1]) if one.call.kind == "step"]
    if not steps:
        return None
    before = [m for m in after[: steps[-1]] if effects.surely_feeds(m.call, window.optimizer)]
    own = [m for m in after[steps[-1] :] if effects.surely_feeds(m.call, window.optimizer)]
    others = [after[at].call.subject for at in steps]
    if not before or not own or before[-1].call.call == own[-1].call.call:
        return None
    served = any(effects.surely_feeds(before[-1].call, other) for other in others)
    return (before[-1], own[-1]) if served else None


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Gradients cleared before each backward pass."""
    return Mend("gradients cleared in each step", clears=True)

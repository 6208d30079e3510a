"""loop.gradients-cleared-before-step: gradients are cleared between the backward pass and the optimizer's step.

## What it finds
`zero_grad()` after `backward()` and before `step()`, so that the optimizer sees no gradient; also a loop that is meant to
add up the gradients of several micro-batches but clears them for each, so that only the last one counts.

## Why it harms
The backward pass is computed for nothing. Without gradients the weights do not move (or move by momentum and decay only);
with all but the last micro-batch thrown away the effective batch is a fraction of what it should be.

## How it is recognised
From the order of the calls between two steps of the optimizer, and from a look at the gradients at the step: none was left.
Where the same line's backward pass is run several times before a step, each time after clearing, all but the last are lost.

## What it cannot see
Clearing by hand (`p.grad = None`) leaves no call; then the rule on steps without gradients speaks.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.zero_grad()
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
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Thresholds
`steps`: so many steps, at least. `share`: share of the steps in which it happens. `discarded`: so many backward passes of
one line thrown away before each step (two, since perturbation methods compute one gradient that is meant to go).

## References
PyTorch documentation, *torch.optim*: the order of zero_grad, backward and step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Figure, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.loop.missing_optimizer_step import Discarded, discarded, steps_in_another_loop
from seatrial.rules.turns import Effects, Made, Window, places, stepping, windows

NAME = "loop.gradients-cleared-before-step"
EXPLAINS = (
    "loop.ineffective-clipping",
    "loop.missing-backward",
    "loop.unnormalised-accumulation",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
    "optimisation.noisy-loss",
    "model.unused-parameters",
    "model.constant-output",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps and discarded: counts; share: 0..1 of the steps. See the page."""

    steps: int = 3
    share: float = 0.5
    discarded: int = 2


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    effects = Effects(run)
    for optimizer in stepping(run):
        closed = [w for w in windows(run, optimizer) if w.closed]
        if sum(w.weight for w in closed) < limits.steps:
            continue
        found = _all_cleared(run, effects, optimizer, closed, limits)
        if found is None:
            lost = discarded(run, effects, closed, limits.share)
            if lost is not None and lost.number >= limits.discarded and not steps_in_another_loop(run, lost):
                found = _some_cleared(lost)
        if found is not None:
            yield found


def _all_cleared(
    run: Run, effects: Effects, optimizer: int, closed: list[Window], limits: Thresholds
) -> Finding | None:
    total = sum(w.weight for w in closed)
    found = [(w, pair) for w in closed if (pair := _cleared_after(effects, w)) is not None]
    count = sum(w.weight for w, _ in found)
    if count < max(limits.steps, limits.share * total):
        return None
    looks = [look for look in run.looks if look.optimizer == optimizer]
    alive = sum(any(norm > 0 for norm in look.gradient_norm) for look in looks)
    if looks and alive > (1 - count / total + 0.2) * len(looks):
        return None
    window, (backward, clear) = max(found, key=lambda item: item[0].weight)
    message = (
        f"In {count} of {total} steps the gradients are cleared after the backward pass, before the step uses them."
    )
    where = places(clear, backward, window.made[-1])
    evidence: dict[str, Figure] = {
        "steps": total,
        "steps_after_clearing": count,
        "looks": len(looks),
        "looks_with_gradients": alive,
    }
    remedy = "Move zero_grad() in front of the backward pass (or behind the step)."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.98)


def _cleared_after(effects: Effects, window: Window) -> tuple[Made, Made] | None:
    """The last backward pass that feeds the optimizer, and what clears it before the step."""
    backward: Made | None = None
    clear: Made | None = None
    for one in window.made:
        if effects.feeds(one.call, window.optimizer):
            backward, clear = one, None
        elif backward is not None and clear is None and effects.clears(one.call, window.optimizer):
            clear = one
    return (backward, clear) if backward is not None and clear is not None else None


def _some_cleared(lost: Discarded) -> Finding:
    message = (
        f"Of {lost.number + 1} backward passes before a step only the last one counts: "
        "the gradients of the others are cleared before the step."
    )
    where = places(lost.clear, lost.backward, lost.step)
    evidence: dict[str, Figure] = {
        "backward_passes_a_step": lost.number + 1,
        "cleared": lost.number,
        "steps": lost.steps,
    }
    remedy = "Clear the gradients once for each step: where the optimizer steps, not for each micro-batch."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.9)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Gradients cleared before the backward pass instead."""
    return Mend("gradients cleared before the backward pass", clears=True)

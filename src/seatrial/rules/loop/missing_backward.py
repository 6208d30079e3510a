"""loop.missing-backward: the optimizer steps without a backward pass for the loss.

## What it finds
An optimizer that steps while its parameters have no gradient, since no backward pass was made for them: the call is missing,
lacks its parentheses, or was made for another network's loss. Also a second step on the gradients of the first.

## Why it harms
A step without gradients does nothing (and says nothing); a second step on old gradients goes where the loss does not lead.

## How it is recognised
Between two steps of the optimizer no backward pass reaches its parameters, and a look at the step finds no gradient, or
that of the step before.

## What it cannot see
Gradients that are written by hand into `.grad` are taken for what they are, and nothing is said.

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
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
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
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
`steps`: so many such steps, at least. `share`: share of the optimizer's steps that are such.

## References
PyTorch documentation, *torch.optim: taking an optimization step*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Look
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import never_called
from seatrial.rules.turns import Effects, Window, places, stepping, windows

NAME = "loop.missing-backward"
EXPLAINS = (
    "loop.gradients-cleared-before-step",
    "loop.missing-zero-grad",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
    "model.unused-parameters",
    "model.constant-output",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: a count; share: 0..1 of the steps. See the page."""

    steps: int = 3
    share: float = 0.4


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    effects = Effects(run)
    for optimizer in stepping(run):
        closed = [w for w in windows(run, optimizer) if w.closed]
        total = sum(w.weight for w in closed)
        idle = [w for w in closed if not _fed(effects, w)]
        count = sum(w.weight for w in idle)
        if count < max(limits.steps, limits.share * total):
            continue
        found = _finding(run, optimizer, idle, count, total)
        if found is not None:
            yield found


def _fed(effects: Effects, window: Window) -> bool:
    """Whether any pass may have reached the optimizer's parameters (autograd.grad may be written to .grad by hand)."""
    return any(m.call.detail != "backward" or effects.feeds(m.call, window.optimizer) for m in window.of("backward"))


def _finding(run: Run, optimizer: int, idle: list[Window], count: int, total: int) -> Finding | None:
    looks = [look for look in run.looks if look.optimizer == optimizer]
    last = max(idle, key=lambda w: w.weight)
    evidence: dict[str, Figure] = {"steps": total, "steps_without_backward": count}
    if looks and all(not _has_gradient(look) for look in looks[-max(1, len(looks) * count // (2 * total)) :]):
        message = f"{count} of {total} steps are made without a backward pass for them: there is no gradient to follow."
        forward = last.of("forward")[-1:]
        where = places(*never_called(run, "backward"), *forward, last.made[-1], *last.of("zero_grad")[-1:])
        remedy = "Call backward() on this optimizer's loss before its step."
        return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.95)
    if last.of("zero_grad") or last.of("forward") or count > 0.9 * total:
        return None
    message = f"{count} of {total} steps follow another step at once, on the same gradients."
    previous = [c for c in run.calls_of("step") if c.subject == optimizer]
    remedy = "Step once for each backward pass."
    return Finding(NAME, "warning", message, places(last.made[-1], *previous), evidence, remedy, EXPLAINS, 0.8)


def _has_gradient(look: Look) -> bool:
    return any(norm > 0 for norm in look.gradient_norm)

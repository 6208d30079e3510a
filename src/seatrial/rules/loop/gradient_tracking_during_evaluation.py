"""loop.gradient-tracking-during-evaluation: evaluation builds a graph that nothing uses.

## What it finds
Validation or test passes made with gradients enabled, whose graphs no backward pass or gradient ever used.

## Why it harms
Every activation is kept for a backward pass that never comes: evaluation needs several times the memory and more time,
and where outputs or losses are gathered, the graphs of all batches stay alive until the end.

## How it is recognised
Forward passes with gradients enabled that no backward pass followed and during which no gradient was asked for, from lines
whose data, loop or function the source calls validation, test or evaluation. A few small passes are only noted.

## What it cannot see
Evaluations that no name tells from other passes.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)


def evaluate(x_val, y_val):
    total = 0.0
    for rows in torch.arange(256).split(32):
        total += nn.functional.mse_loss(model(x_val[rows]), y_val[rows]).item()
    return total / 8


for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    evaluate(x[256:], y[256:])
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)


@torch.no_grad()
def evaluate(x_val, y_val):
    total = 0.0
    for rows in torch.arange(256).split(32):
        total += nn.functional.mse_loss(model(x_val[rows]), y_val[rows]).item()
    return total / 8


for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    evaluate(x[256:], y[256:])
```

## Thresholds
`forwards`: so many forward passes from one line make it a warning; fewer cost little and are noted.
`sure`: how sure it must be that the line evaluates held-out data (0..1) for a warning.

## References
PyTorch documentation, *torch.no_grad*, *torch.inference_mode*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import EvaluationPass, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import loops_around, named, span
from seatrial.rules.modes import certainty, definition, evaluations
from seatrial.rules.turns import stepping
from seatrial.rules.where import distinct

NAME = "loop.gradient-tracking-during-evaluation"
EXPLAINS = ("loop.retained-graph",)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """forwards: a count; sure: 0..1. See the page."""

    forwards: int = 5
    sure: float = 0.7


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    if not stepping(run):
        return
    for (number, place), passes in evaluations(run).items():
        model = run.models.get(number)
        if model is None or not any(p.requires_grad for p in model.parameters):
            continue
        tracked = [one for one in passes if one.grad_enabled > 0.5 and not one.used_gradient]
        if tracked and len(tracked) >= 0.5 * len(passes):
            yield _finding(run, place, tracked, limits)
            return


def _finding(run: Run, place: Place, tracked: list[EvaluationPass], limits: Thresholds) -> Finding:
    forwards = sum(one.forwards for one in tracked)
    sure = max(certainty(run, one) for one in tracked)
    heavy = forwards >= limits.forwards and sure >= limits.sure
    message = f"{forwards} forward passes of an evaluation were made with gradients enabled, and none was used."
    evidence: dict[str, Figure] = {"forwards": forwards, "passes": len(tracked)}
    loops = loops_around(run, place)
    head = [named(run, Place(place.file, span(loop)[0])) for loop in loops[-1:]]
    where = distinct([place, *head, definition(run, place)])
    remedy = "Evaluate under torch.no_grad() (or inference_mode())."
    return Finding(NAME, "warning" if heavy else "note", message, where, evidence, remedy, EXPLAINS, sure)

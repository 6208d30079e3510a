"""The training loss has not moved over a time in which it should have.

## What it finds
A training loss that, after all of the steps that were made, is where it was at the start.

## Why it harms
Nothing is learned. Something between the data and the step is broken, and more epochs will not mend it.

## How it is recognised
The medians of parts of the loss curve are compared with its first values, against the noise from step to step. Only
losses that a fitted network makes small are judged, and only those of programs with a single loss and optimizer. A
loss that fell and came back is not meant here. It is a symptom: look at the other findings for the cause.

## What it cannot see
A loss that falls, but for the wrong reason.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = torch.randint(0, 4, (512,))
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.002)
for epoch in range(15):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(15):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`moved`: share of the first loss by which it must have fallen. `least_steps`: fewer tell nothing.

## References
A. Karpathy, "A Recipe for Training Neural Networks".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.series import finite, median
from seatrial.rules.training import Training, blocks, deviation
from seatrial.rules.where import distinct

NAME = "optimisation.loss-not-decreasing"


@dataclass(frozen=True)
class Thresholds:
    """moved: share (0..1) of the first loss. least_steps: number of steps."""

    moved: float = 0.03
    least_steps: int = 80


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """A supervised loss that ends where it began."""
    training = Training(run)
    values = training.values
    if training.uneven or not training.supervised:
        return
    if len(finite(values)) < max(limits.least_steps, 0.98 * len(values)):
        return
    parts = blocks(values)
    if len(parts) < 8:
        return
    start = max(median(values[:5]), parts[0])
    best, last = min(parts), median(parts[-3:])
    noise = 3 * deviation(values)
    if start <= 0 or not math.isfinite(noise):
        return
    # The best part, too, must be no lower than chance and the noise allow.
    if start - last > limits.moved * start or start - best > limits.moved * start + noise:
        return
    yield Finding(
        NAME,
        "warning",
        f"After {len(values)} steps the training loss is {decimal(last)}, where it began at {decimal(start)}.",
        distinct([training.backward, training.optimizer.where if training.optimizer else None]),
        {"first_loss": start, "last_loss": last, "best_part": best, "steps": len(values), "noise": noise / 3},
        "Try to overfit a single batch; check that gradients reach the weights and that targets belong to inputs.",
        ("optimisation.underfitting",),
        0.75,
    )

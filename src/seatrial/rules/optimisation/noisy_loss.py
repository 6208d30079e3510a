"""The loss is so noisy from step to step that the batch is too small for this learning rate.

## What it finds
A training loss that has stopped falling and jumps from step to step by as much as its own height, with steps that are
large.

## Why it harms
Steps follow the accidents of single batches. The weights wander around the minimum instead of settling in it.

## How it is recognised
The differences of successive losses, relative to the level of the loss, in the last part of training, together with
batches of few examples and updates that are large relative to the weights. Small noisy losses of a network that fits
nearly everything are no fault.

## What it cannot see
Whether the noise comes from the data.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 10)
y = x @ torch.randn(10, 1) + torch.randn(400, 1)
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.025)
for epoch in range(2):
    for rows in torch.randperm(400).split(1):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
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
x = torch.randn(400, 10)
y = x @ torch.randn(10, 1) + torch.randn(400, 1)
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(10):
    for rows in torch.randperm(400).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`jumps`: median difference of successive losses over their median. `batch`: examples a step. `height`: share of the
first loss.

## References
S. McCandlish et al., "An Empirical Model of Large-Batch Training", 2018.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules.batches import Batches
from seatrial.rules.series import finite, jump, median
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.noisy-loss"


@dataclass(frozen=True)
class Thresholds:
    """jumps: ratio. batch: number of examples. height: share (0..1) of the first loss. ratio: update over weight.
    least_steps: number of steps."""

    jumps: float = 0.8
    batch: int = 4
    height: float = 0.2
    ratio: float = 0.01
    least_steps: int = 100


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Jumps of the size of the loss itself, tiny batches and large steps."""
    training, batches = Training(run), Batches(run)
    values = finite(training.values)
    if not training.supervised or len(values) < limits.least_steps or not batches.inputs:
        return
    size = max(batch.shape[0] if batch.shape else 1 for batch in batches.inputs)
    late = values[len(values) // 2 :]
    level, before = median(late), median(values[: max(10, len(values) // 20)])
    jumps = jump(late)
    steps = median(training.ratio.values)
    if level <= 0 or size > limits.batch or jumps < limits.jumps * level or level < limits.height * before:
        return
    severity: Severity = "warning" if steps >= limits.ratio else "note"
    yield Finding(
        NAME,
        severity,
        f"With batches of {size} the loss jumps by {decimal(jumps, 2)} from step to step at a level of {decimal(level, 2)}, while a step "
        f"changes the weights by {percent(steps, 1)}.",
        distinct([*training.rate_places()[:1], batches.loader[0].where if batches.loader else None, training.backward]),
        {"jump": jumps, "level": level, "batch_size": size, "update_ratio": steps},
        "Use larger batches, or a learning rate that falls with the root of the batch size.",
        ("optimisation.loss-not-decreasing",),
        0.6,
    )

"""A batch carries NaN or infinity in its inputs or its targets.

## What it finds
Values that are not numbers in what the model or the loss is fed with while training, or in evaluation data.

## Why it harms
NaN in one feature of one example makes the loss of its whole batch NaN, and the step that follows makes all weights
NaN.

## How it is recognised
Batches are counted through for such values on their way into the model and the loss. Where the loss stays finite all
the same (a model that masks missing values) it is only noted.

## What it cannot see
Batches after the first ones that are not looked at, as long as they do no harm.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
ages = torch.randint(0, 80, (256, 4)).float()
x = torch.log(ages)
y = ages.mean(1, keepdim=True) / 40
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
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
ages = torch.randint(0, 80, (256, 4)).float()
x = torch.log1p(ages) - 3
y = ages.mean(1, keepdim=True) / 40
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
None.

## References
Stanford CS231n, "Learning": look at the data first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.events import BatchSeen
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.batches import Batches

NAME = "data.non-finite-input"
EXPLAINS = (
    "optimisation.non-finite-loss",
    "optimisation.exploding-gradient",
    "optimisation.loss-not-decreasing",
    "optimisation.learning-rate-too-high",
    "model.unstable-numerics",
    "model.constant-output",
    "model.dead-units",
)


def check(run: Run, _: None) -> Iterator[Finding]:
    """The first batch of each phase and role that is not finite."""
    said: set[tuple[str, str]] = set()
    for batch in run.batches:
        bad = batch.stats.get("nonfinite", 0.0)
        if not bad or (batch.phase, batch.role) in said or (batch.role == "input" and batch.position > 0):
            continue
        said.add((batch.phase, batch.role))
        yield _finding(run, batch, int(bad))


def _finding(run: Run, batch: BatchSeen, bad: int) -> Finding:
    harmed = _harmed(run, batch)
    what = {"input": "inputs", "target": "targets"}.get(batch.role, batch.role)
    total = math.prod(batch.shape)
    many = sum(1 for each in run.batches if each.role == batch.role and each.stats.get("nonfinite"))
    after = "and the loss is lost" if harmed else "though the loss stays finite"
    return Finding(
        NAME,
        "error" if harmed else "note",
        f"{bad} of {total} values of the {batch.phase} {what} at step {batch.tick} are NaN or infinite, {after}.",
        Batches(run).made(batch),
        {"values": bad, "of": total, "step": batch.tick, "batches": many, "role": batch.role, "phase": batch.phase},
        "Find out where they come from (log of zero, division by zero, missing values), and mend or drop them.",
        EXPLAINS,
        0.97 if harmed else 0.6,
    )


def _harmed(run: Run, batch: BatchSeen) -> bool:
    """Whether a loss was not finite from that step on (in evaluation: the pass's own)."""
    if batch.phase == "evaluation":
        return any(each.tick == batch.tick and not all(map(math.isfinite, each.losses.values())) for each in run.passes)
    return any(
        tick >= batch.tick and not math.isfinite(value)
        for series in run.losses.values()
        for tick, value in zip(series.ticks, series.values, strict=True)
    )

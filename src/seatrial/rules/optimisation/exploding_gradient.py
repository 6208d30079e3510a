"""Gradients grow by orders of magnitude across layers or steps.

## What it finds
Gradients that become a thousand times larger in the course of training, or that are so large from the beginning that
one step throws the weights away.

## Why it harms
A step of such a size destroys what was learned before; often the loss becomes NaN soon afterwards.

## How it is recognised
The norm of all gradients at the looks, and at every step where they are clipped, is compared with that of the first
steps. The loss has to suffer too: growth alone happens in healthy runs. It is a symptom: the cause is most often a
learning rate, an initialisation, unscaled data or a missing clipping.

## What it cannot see
Single large gradients between looks, where nothing is clipped.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 10) * 3
y = 40 * x @ torch.randn(10, 1)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.5)
for epoch in range(6):
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
x = torch.randn(256, 10)
y = x @ torch.randn(10, 1)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.5)
for epoch in range(6):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`growth`: of the gradients' norm over that of the first steps. `suffers`: of the loss over its first value.

## References
R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", 2013.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.series import finite, median
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.exploding-gradient"


@dataclass(frozen=True)
class Thresholds:
    """growth: ratio of norms. suffers: ratio of losses."""

    growth: float = 300.0
    suffers: float = 3.0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Gradients that outgrow their beginning while the loss rises or is lost."""
    training = Training(run)
    norms = _norms(training)
    if not training.plain or len(norms) < 3:
        return
    start = median([norm for _, norm in norms[:2]])
    lost = next((tick for tick, norm in norms if not math.isfinite(norm)), None)
    known = [(tick, norm) for tick, norm in norms if math.isfinite(norm)]
    tick, most = max(known, key=lambda each: each[1], default=(0, 0.0))
    if not start > 0 or (most < limits.growth * start and lost is None) or not _suffers(training, limits):
        return
    yield Finding(
        NAME,
        "error",
        f"The norm of the gradients grows from {start:.3g} to {most:.3g} at step {tick}"
        + (f" and is not finite at step {lost}." if lost is not None else "."),
        distinct([training.backward, training.optimizer.where if training.optimizer else None]),
        {"first_norm": start, "largest_norm": most, "at_step": tick},
        "Lower the learning rate or clip the norm of the gradients, and look for what makes them grow.",
        ("optimisation.non-finite-loss", "optimisation.loss-not-decreasing"),
        0.8,
    )


def _norms(training: Training) -> list[tuple[int, float]]:
    """The norm over all parameters at looks (those of clippings are of before the clipping), in order of ticks."""
    found = [
        (look.tick, math.sqrt(sum(norm * norm for norm in look.gradient_norm if not math.isnan(norm))))
        for look in training.looks
        if not any(look.nonfinite)
    ]
    found += [(look.tick, math.inf) for look in training.looks if any(look.nonfinite)]
    for clips in training.run.clips.values():
        if clips.with_gradient and training.run.calls[clips.call].detail.startswith("norm"):
            found = list(zip(clips.ticks, clips.norms, strict=True))
    return sorted(found)


def _suffers(training: Training, limits: Thresholds) -> bool:
    """Whether the loss ends (or is lost) far above its beginning."""
    known = finite(training.values)
    if len(known) < len(training.values):
        return True
    start, end = median(known[:3]), median(known[-5:])
    return start > 0 and (end > limits.suffers * start or max(known) > 100 * start)

"""Gradients grow by orders of magnitude across layers or steps.

## What it finds
Gradients that become a thousand times larger in the course of training, or that are so large from the beginning that
one step throws the weights away.

## Why it harms
A step of such a size destroys what was learned before; often the loss becomes NaN soon afterwards.

## How it is recognised
In the course of training: the norm of all gradients at the looks, and at every step where they are clipped, is compared
with that of the first steps. From the beginning: what the layers of the untrained network make of the data has many times
its spread, with no normalisation behind it, though the weights themselves are usual; and the first gradient is a multiple
of the weights. The lines are then those at which the spread was multiplied by most: sums over neighbours, unscaled
residuals. In both cases the loss has to suffer too, for growth alone happens in healthy runs.
In the course of training it is a symptom: the cause is most often a learning rate, an initialisation, unscaled data or
a missing clipping.

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
`growth`: of the gradients' norm over that of the first steps, `lost` where it is not finite later.
`suffers`: of the loss over its first value.
`signal`: spread of what layers make of the data over that of the data, in the untrained network. `first`: first gradient
over the weights.

## References
R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", 2013.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.growth import Growth, StartLimits, grown_from_start
from seatrial.rules.series import finite, median
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.exploding-gradient"
# What gradients that begin too large explain.
EXPLAINS = (
    "model.bad-initial-scale",
    "model.constant-output",
    "model.dead-units",
    "model.initial-loss-off",
    "model.saturated-activations",
    "optimisation.loss-not-decreasing",
    "optimisation.non-finite-loss",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
)


@dataclass(frozen=True)
class Thresholds(StartLimits):
    """growth: ratio of norms; lost: the same, before norms that are not finite. suffers: ratio of losses."""

    growth: float = 300.0
    lost: float = 10.0
    suffers: float = 3.0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Gradients that outgrow their beginning while the loss rises or is lost, or that begin too large."""
    training = Training(run)
    if not training.plain or not _suffers(training, limits):
        return
    begun = grown_from_start(training, limits)
    if begun is not None:
        yield _from_start(training, *begun)
        return
    norms = _norms(training)
    known = [(tick, norm) for tick, norm in norms if math.isfinite(norm)]
    if len(norms) < 3 or not known:
        return
    start = median([norm for _, norm in norms[:2]])
    lost = next((tick for tick, norm in norms if not math.isfinite(norm)), None)
    tick, most = max(known, key=lambda each: each[1])
    if not start > 0 or most < (limits.growth if lost is None else limits.lost) * start:
        return
    yield Finding(
        NAME,
        "error",
        f"The norm of the gradients grows from {decimal(start, 3)} to {decimal(most, 3)} at step {tick}"
        + (f" and is not finite at step {lost}." if lost is not None else "."),
        distinct([training.backward, training.optimizer.where if training.optimizer else None]),
        {"first_norm": start, "largest_norm": most, "at_step": tick},
        "Lower the learning rate or clip the norm of the gradients, and look for what makes them grow.",
        ("optimisation.non-finite-loss", "optimisation.loss-not-decreasing"),
        0.8,
    )


def _from_start(training: Training, grown: Growth, ratio: float) -> Finding:
    calls = [node.where for node in grown.nodes]
    return Finding(
        NAME,
        "error",
        f"In the untrained network the signal grows to {decimal(grown.times, 3)} times the spread of the data, so that the first "
        f"gradient is {decimal(ratio, 3)} times as large as the weights, and training is lost.",
        distinct([*grown.lines[:2], *calls, training.backward])[:4],
        {"signal_growth": grown.times, "first_gradient_over_weights": ratio},
        "Divide sums by the number of what is summed (neighbours, steps, residual branches), or normalise after each layer.",
        EXPLAINS,
        0.9,
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

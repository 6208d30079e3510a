"""Gradients of early layers are orders of magnitude smaller than those of late ones.

## What it finds
A chain of layers along which the gradient, relative to the weights, shrinks from the output to the input until
nothing is left.

## Why it harms
The early layers stay as they were initialised. The network is in effect as deep as the layers that still get a
gradient.

## How it is recognised
At each look, gradient over weight (norms) of the weight matrices in the order in which the step uses them. The first
layers have to be `ratio` times below the last ones at nearly all looks, the fall has to go on over several layers,
and their updates have to be tiny too: Adam makes small gradients large again.

## What it cannot see
Gradients that vanish through time in a recurrent layer, whose weights are shared by all steps.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 10)
y = (x.sum(1) > 0).long()
layers = [nn.Linear(10, 16), nn.Sigmoid()]
for _ in range(8):
    layers += [nn.Linear(16, 16), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(12):
    for rows in torch.randperm(256).split(32):
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
x = torch.randn(256, 10)
y = (x.sum(1) > 0).long()
layers = [nn.Linear(10, 16), nn.ReLU()]
for _ in range(3):
    layers += [nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU()]
model = nn.Sequential(*layers, nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(12):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`ratio`: gradient over weight of the last layers over that of the first. `still`: update over weight below which a
layer does not learn.

## References
S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991; X. Glorot and Y. Bengio, 2010.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Look
from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.depth import Layer, layers, typical
from seatrial.rules.series import median
from seatrial.rules.training import Training, blocks
from seatrial.rules.where import distinct

NAME = "optimisation.vanishing-gradient"


@dataclass(frozen=True)
class Thresholds:
    """ratio: of gradients relative to weights. still: update over weight a step. least_layers: length of the chain."""

    ratio: float = 1e4
    still: float = 1e-6
    least_layers: int = 4


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """A chain of matrices at whose beginning next to no gradient arrives."""
    training = Training(run)
    looks = training.looks[: max(5, len(training.looks) * 2 // 3)]
    chain = layers(training)
    if not training.plain or len(chain) < limits.least_layers or len(looks) < 3:
        return
    sizes = typical(chain, looks)
    early, late = median(sizes[:2]), median(sizes[-2:])
    if not (early > 0 and late > 0 and math.isfinite(late)) or late < limits.ratio * early or not _falls(sizes):
        return
    updates = median([_update(look, chain[0]) for look in looks])
    if updates > limits.still:
        return
    parts = blocks(training.values)
    stuck = len(parts) >= 3 and median(parts[-3:]) > 0.9 * parts[0]
    severity: Severity = "error" if stuck else "warning"
    yield Finding(
        NAME,
        severity,
        f"The gradient of {chain[0].path} relative to its weights is {decimal(late / early, 1)} times smaller than that of "
        f"{chain[-1].path}, and a step changes it by {decimal(updates, 1)} of itself.",
        distinct([chain[0].where, chain[-1].where]),
        {"first_layers": early, "last_layers": late, "ratio": late / early, "update_ratio": updates},
        "Use ReLU-like activations with a matching initialisation, normalisation layers or skip connections.",
        ("optimisation.loss-not-decreasing", "optimisation.underfitting", "model.constant-output"),
        0.85,
    )


def _falls(sizes: list[float]) -> bool:
    """Whether the gradient shrinks layer by layer, not at one place (which would be a cut, or a frozen scale)."""
    known = [math.log10(size) for size in sizes if size > 0]
    steps = [after - before for before, after in itertools.pairwise(known)]
    return len(steps) >= 3 and max(steps) < 0.7 * (known[-1] - known[0])


def _update(look: Look, layer: Layer) -> float:
    for number, weight, update in zip(look.parameters, look.weight_norm, look.update_norm, strict=True):
        if number == layer.parameter and weight > 0:
            return update / weight
    return math.nan

"""The loss moves far more slowly than it could because steps are too small.

## What it finds
A learning rate at which the weights hardly change in the whole of training, with gradients that are there and point
the same way.

## Why it harms
The run ends long before the network has learned what it could.

## How it is recognised
The rate stays as it is from the start. All updates of the run together, at their observed size, would move the
weights by only a small part of themselves even if they all pointed the same way, and the loss has fallen by next to
nothing while gradients are not vanishing.
Where trials were made, copies of the training tell which rate to try, and for plain SGD the curvature tells the largest
stable one.

## What it cannot see
A rate that is only somewhat too low. Fine-tuning of loaded weights asks for small steps and is not judged.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-7)
for epoch in range(10):
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
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`travelled`: sum of all updates over the weights. `fallen`: share of the first loss. `gradient`: gradient over weight
that is no vanishing.

## References
Y. Bengio, "Practical Recommendations for Gradient-Based Training of Deep Architectures", 2012, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.findings import Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules.graph import Graph
from seatrial.rules.series import finite, median
from seatrial.rules.sweeps import tried_rates
from seatrial.rules.training import Training, blocks, deviation

NAME = "optimisation.learning-rate-too-low"
EXPLAINS = ("optimisation.loss-not-decreasing", "optimisation.underfitting", "optimisation.update-ratio-off")


@dataclass(frozen=True)
class Thresholds:
    """travelled: of the weights (0..1). fallen: share of the first loss (0..1). gradient: over weight. least_steps."""

    travelled: float = 0.05
    fallen: float = 0.05
    gradient: float = 1e-4
    least_steps: int = 60


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Steps that together lead nowhere, at a rate that does not change."""
    training = Training(run)
    values, rates = training.values, finite(training.setting("lr").values)
    if not training.supervised or len(values) < limits.least_steps or len(finite(values)) < len(values):
        return
    if not rates or max(rates) <= 0 or min(rates) < 0.5 * max(rates) or _loaded(run) or len(training.ratio) < 3:
        return
    typical = median(training.ratio.values)
    steps = run.ended.optimizer_steps if run.ended is not None else len(values)
    travelled = typical * steps
    gradient = median([_gradient(training, at) for at in range(len(training.looks))])
    if not 0 < travelled < limits.travelled or not gradient > limits.gradient:
        return
    parts = blocks(values)
    start, end = parts[0], median(parts[-2:])
    if start <= 0 or start - end > limits.fallen * start + 3 * deviation(values) or end < 0.05 * start:
        return
    suggested = max(rates) * 1e-3 / typical
    usual = f"Try a learning rate of {decimal(suggested, 1)}, at which a step changes a thousandth."
    evidence = {
        "learning_rate": max(rates),
        "update_ratio": typical,
        "travelled": travelled,
        "gradient_ratio": gradient,
        "suggested_rate": suggested,
    }
    figures, remedy = tried_rates(run, usual, lower=False)
    yield Finding(
        NAME,
        "error" if travelled < limits.travelled / 5 else "warning",
        f"At a learning rate of {decimal(max(rates))} a step changes the weights by {decimal(typical, 2)} of themselves, "
        f"{percent(travelled, 1)} in all of {steps} steps; the loss went from {decimal(start)} to {decimal(end)}.",
        training.rate_places(),
        {**evidence, **figures},
        remedy,
        EXPLAINS,
        0.85,
    )


def _gradient(training: Training, at: int) -> float:
    look = training.looks[at]
    return median(
        [
            gradient / weight
            for number, gradient, weight in zip(look.parameters, look.gradient_norm, look.weight_norm, strict=True)
            if number in training.matrices and weight > 0
        ]
    )


def _loaded(run: Run) -> bool:
    """Whether weights came from elsewhere."""
    return any(call.kind == "load" for call in run.calls.values()) or any(fate.loaded for fate in run.fates.values())


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """A rate at which one step changes about a thousandth of the weights."""
    ratio = finding.evidence.get("update_ratio")
    if not isinstance(ratio, float) or not ratio > 0:
        return None
    factor = min(1000.0, max(10.0, 1e-3 / ratio))
    first, *others = (Mend(f"learning rate x {decimal(each, 2)}", rate=each) for each in (factor, 3 * factor))
    return replace(first, others=tuple(others))

"""The size of an update relative to its weights is far from what the optimizer should give.

## What it finds
Updates that are, over all of training, orders of magnitude smaller or larger than those with which networks learn.

## Why it harms
Far too small steps never arrive; far too large ones forget what the step before had found.

## How it is recognised
Update over weight (norms), the median over weight matrices, at each look: about a thousandth is usual, from a
hundred-thousandth to some hundredths all is well. With Adam the ratio expected is the learning rate over the root
mean square of the weights, with SGD it is the rate times the gradient (over one minus the momentum) over the weights.
This alone shows no fault, so it is a note.

## What it cannot see
Whether the network learns. Embeddings, biases and layers that start at zero are not judged.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-7)
for epoch in range(5):
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
x = torch.randn(256, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`small` and `large`: medians over looks of update over weight.

## References
A. Karpathy, CS231n notes, "Ratio of weights:updates".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.series import median
from seatrial.rules.training import Training

NAME = "optimisation.update-ratio-off"


@dataclass(frozen=True)
class Thresholds:
    """Update over weight, without unit. least_looks: number of looks."""

    small: float = 1e-6
    large: float = 0.2
    least_looks: int = 5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """The median over looks of the median over matrices."""
    training = Training(run)
    ratios = training.ratio.values
    if not training.plain or len(ratios) < limits.least_looks:
        return
    typical = median(ratios)
    if limits.small <= typical <= limits.large or typical <= 0:
        return
    word = "smaller" if typical < 1e-3 else "larger"
    yield Finding(
        NAME,
        "note",
        f"A step changes the weights by {decimal(typical, 2)} of themselves, {max(typical, 1e-3) / min(typical, 1e-3):.0f} "
        f"times {word} than the usual thousandth.",
        training.rate_places(),
        {"update_ratio": typical, "first": ratios[0], "last": ratios[-1], "looks": len(ratios)},
        "Compare the learning rate with the size of the gradients and of the weights.",
        (),
        0.6,
    )

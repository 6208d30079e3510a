"""The penalty on the weights outweighs the data term, and weights shrink away.

## What it finds
A weight decay under which the weights of most layers become a small part of what they were, while the loss stays
high.

## Why it harms
The decay pulls all weights to zero harder than the data hold them. The network ends as a constant.

## How it is recognised
Norms of the weight matrices over the looks, beside the decay of their group: the share that the decay alone takes
away over all steps has to explain the shrinking, and the loss has to be no better than at the start.

## What it cannot see
A penalty that the program adds to the loss by itself, which looks like any other loss.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.4)
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
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4)
for epoch in range(15):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`shrunk`: last norm of the weights over the first. `taken`: exponent of what decay alone takes (rate x decay x steps).
`unmoved`: last loss over the first.

## References
I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.series import finite, median
from seatrial.rules.source import origin
from seatrial.rules.training import Training, blocks
from seatrial.rules.where import distinct

NAME = "optimisation.excessive-weight-decay"
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.vanishing-gradient",
    "optimisation.update-ratio-off",
    "model.constant-output",
    "model.dead-units",
)


@dataclass(frozen=True)
class Thresholds:
    """shrunk: ratio of norms. taken: exponent, without unit. unmoved: ratio of losses. strong: decay per unit of rate
    (1e-4 to 1e-1 is usual)."""

    shrunk: float = 0.3
    taken: float = 1.0
    unmoved: float = 0.9
    strong: float = 0.02


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Weights that decay away while the loss stays where it was."""
    training = Training(run)
    decay = max(finite(training.setting("weight_decay").values), default=0.0)
    rates = finite(training.setting("lr").values)
    if not training.supervised or decay < limits.strong or not rates or len(training.looks) < 4:
        return
    steps = run.ended.optimizer_steps if run.ended is not None else len(training.values)
    taken = decay * median(rates) * steps
    first, last = _norms(training, 0), _norms(training, -1)
    shrunk = median([last[number] / first[number] for number in first if number in last and first[number] > 0])
    parts = blocks(training.values)
    if len(parts) < 6 or not shrunk <= limits.shrunk or parts[0] <= 0:
        return
    start, end = median(training.values[:5]), median(parts[-3:])
    coupled = training.optimizer is not None and training.optimizer.type == "Adam"
    if end < limits.unmoved * start or (taken < limits.taken and not coupled):
        return
    where = training.optimizer.where if training.optimizer is not None else None
    yield Finding(
        NAME,
        "error",
        f"With a weight decay of {decay:g} the weights have shrunk to {shrunk:.0%} of what they were, and the loss is "
        f"{end:.3g} after {start:.3g}.",
        distinct([*origin(run, where, "weight_decay"), where]),
        {"weight_decay": decay, "norm_ratio": shrunk, "first_loss": start, "last_loss": end},
        "Take the decay away, fit the training data, then bring it back at 1e-4 to 1e-2.",
        EXPLAINS,
        0.9,
    )


def _norms(training: Training, at: int) -> dict[int, float]:
    look = training.looks[at]
    if at == 0:
        return {number: training.infos[number].stats.get("norm", 0.0) for number in training.matrices}
    return {
        number: norm
        for number, norm in zip(look.parameters, look.weight_norm, strict=True)
        if number in training.matrices
    }


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """No decay at all."""
    return Mend("no weight decay", settings=(("weight_decay", 0.0),))

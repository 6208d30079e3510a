"""Clipping shrinks nearly every gradient so much that training crawls.

## What it finds
A bound for the gradients' norm far below what the gradients have, with an optimizer for which their size matters, and
a loss that hardly moves.

## Why it harms
Clipping is meant for the odd gradient that is far too large. Where it cuts all of them down to a small part, the
steps have the length of the bound times the learning rate, whatever the loss looks like.

## How it is recognised
Norms before clipping and the bound are known for every call. Nearly all have to be cut by a large factor, updates
have to be tiny relative to the weights, and the loss has to have fallen little. Adam and its relatives divide by the
gradients' size, which undoes any clipping that is the same for all: they are not judged.

## What it cannot see
Clipping by value of single elements.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.001)
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
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(loss.item())
```

## Thresholds
`factor`: median norm over the bound. `share`: of the steps that are clipped. `crawl`: update over weight. `fallen`:
share of the first loss by which a healthy one would have fallen.

## References
R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", 2013.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules.graph import Graph
from seatrial.rules.series import finite, median
from seatrial.rules.source import origin
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.clipping-too-tight"
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.learning-rate-too-low",
    "optimisation.update-ratio-off",
    "optimisation.underfitting",
)
_SCALE_FREE = ("Adam", "RMSprop", "Adagrad", "Adadelta", "Lion", "Rprop", "Adafactor", "LAMB", "LARS")


@dataclass(frozen=True)
class Thresholds:
    """factor: ratio of norms. share: of steps (0..1). crawl: update over weight a step. fallen: share (0..1)."""

    factor: float = 20.0
    share: float = 0.9
    crawl: float = 3e-4
    fallen: float = 0.3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Each clipping call that cuts nearly everything down to next to nothing."""
    training = Training(run)
    name = training.optimizer.type if training.optimizer is not None else ""
    if not training.plain or any(word in name for word in _SCALE_FREE):
        return
    for clips in run.clips.values():
        norms, call = finite(clips.norms), run.calls.get(clips.call)
        if len(norms) < 20 or clips.bound <= 0 or call is None or not call.detail.startswith("norm"):
            continue
        clipped = sum(norm > clips.bound for norm in norms) / len(norms)
        factor, ratio = median(norms) / clips.bound, median(training.ratio.values)
        start, end = median(training.values[:5]), median(training.values[-max(5, len(norms) // 10) :])
        if factor < limits.factor or clipped < limits.share or not ratio < limits.crawl:
            continue
        if start - end > limits.fallen * abs(start):
            continue
        yield Finding(
            NAME,
            "error",
            f"Clipping to {decimal(clips.bound)} cuts {percent(clipped)} of the gradients, the median one {factor:.0f} times: a "
            f"step changes the weights by {decimal(ratio, 1)} of themselves and the loss went from {decimal(start, 3)} to {decimal(end, 3)}.",
            distinct([*origin(run, call.where, "max_norm"), call.where]),
            {"bound": clips.bound, "median_norm": median(norms), "clipped_share": clipped, "update_ratio": ratio},
            f"Set the bound near the norms of good steps, such as {decimal(median(norms) * 2, 1)}.",
            EXPLAINS,
            0.9,
        )


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Gradients as they are."""
    return Mend("no clipping", unclipped=True)

"""A hand-written formula loses precision or has an infinite slope.

## What it finds
The logarithm of a softmax, of a sigmoid or of 1 minus it; log(1 + exp(x)) and exp(x) / sum(exp(x)) without the greatest score taken off;
square roots, powers below one and inverse cosines where their slope is infinite; quotients by zero; a variance as the difference of
two large means; the logarithm of scores or of log-probabilities, as if they were probabilities.

## Why it harms
A probability that is rounded to 0 has the logarithm minus infinity; exp(89) overflows in float32; the slope of a square root at 0 is
infinite, and infinity times zero is NaN in the gradient, after which every weight is NaN.

## How it is recognised
By figures of the recorded steps: an argument that was exactly 0 (or outside of the domain) on the way from the loss to the weights, a
first call that made something non-finite out of finite values. The classic formulas without a guard (no epsilon, no clamp) are a
warning where their arguments came close to the edge or the run ended in non-finite values, and else a note.

## What it cannot see
Values between the recorded steps.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = (x[:, 0] > 0).float()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        p = torch.sigmoid(40 * model(x[rows]).squeeze(1))
        loss = -(y[rows] * torch.log(p) + (1 - y[rows]) * torch.log(1 - p)).mean()
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
x = torch.randn(256, 4)
y = (x[:, 0] > 0).float()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`near_zero`: a probability so small that rounding to 0 is close; `near_overflow`: an exponent from which exp overflows soon.

## References
Blanchard, Higham, Higham, Accurately computing the log-sum-exp and softmax functions, 2021; Chan, Golub, LeVeque, Algorithms for
computing the sample variance, 1983.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.source import own_lines
from seatrial.rules.weaknesses import Weakness, weakness_of
from seatrial.rules.where import distinct, lines

NAME = "model.unstable-numerics"
EXPLAINS = ("optimisation.non-finite-loss", "optimisation.exploding-gradient", "optimisation.loss-not-decreasing")
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Thresholds:
    """near_zero: 1e-12; training makes probabilities smaller by orders of magnitude, and float32 ends at 1e-45.
    near_one: 1 - p is rounded to 0 from p = 1 - 3e-8 on. near_overflow: exp overflows in float32 from 88.7 on.
    cancelled: share of a difference in its terms below which float32 (1e-7) leaves two digits."""

    near_zero: float = 1e-12
    near_one: float = 1e-6
    near_overflow: float = 60.0
    cancelled: float = 1e-5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Numerically weak formulas, once for each line, the worst word that the recorded steps give."""
    broken = _run_broke(run)
    worst: dict[object, Finding] = {}
    for seen in run.training_graphs:
        graph = Graph(seen)
        for node in graph:
            if node.index not in graph.differentiable:
                continue
            weakness = weakness_of(graph, node, limits)
            if weakness is None:
                continue
            finding = _finding(run, graph, weakness, broken)
            known = worst.get(node.where)
            if known is None or _ORDER[finding.severity] < _ORDER[known.severity]:
                worst[node.where] = finding
    yield from worst.values()


def _run_broke(run: Run) -> bool:
    """Whether a loss or a gradient of the run became non-finite."""
    losses = any(not math.isfinite(value) for series in run.losses.values() for value in series.values)
    return losses or any(any(look.nonfinite) for look in run.looks)


def _finding(run: Run, graph: Graph, weakness: Weakness, broken: bool) -> Finding:
    node = weakness.node
    source = next((part for part in graph.inputs(node) if part.stats), node)
    evidence = {f"argument_{key}": source.stats[key] for key in ("min", "max") if key in source.stats}
    severity: Severity = "note"
    confidence = 0.6
    if broken and (weakness.at_edge or weakness.near):
        severity, confidence = "error", 0.95 if weakness.at_edge else 0.85
    elif broken:
        severity, confidence = "warning", 0.7
    elif weakness.near or weakness.at_edge:
        severity, confidence = "warning" if weakness.near else "note", 0.75
    message = f"{weakness.what}" + (", and values of this run became non-finite." if broken else ".")
    explains = (*EXPLAINS, *weakness.also) if severity != "note" else ()
    where = distinct([*own_lines(run, graph, node), *lines(run, node)])
    return Finding(NAME, severity, message, where, evidence, weakness.remedy, explains, confidence)

"""loop.stale-optimizer: the optimizer holds parameters that are no longer the model's.

## What it finds
A model, or a layer of it, that was replaced after the optimizer had been built: the optimizer goes on stepping the old
parameters, which nothing uses, and the new ones are in no optimizer.

## Why it harms
The new part keeps its random start. No error is raised, since the old parameters still exist: the optimizer keeps them alive.

## How it is recognised
In the last looks at the optimizer's steps some of its parameters have no gradient any more and are in no recorded training
step, while parameters of the same shapes or the same module get gradients and are in no optimizer.

## What it cannot see
A replaced part that is not trained any more at all (then it is frozen, or unused).

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = (x.sum(1) > 0).long()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-1)
model[2] = nn.Linear(16, 2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = (x.sum(1) > 0).long()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 10))
model[2] = nn.Linear(16, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-1)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Thresholds
None: it follows from which parameters are where.

## References
PyTorch documentation, *torch.optim: constructing it*: build the optimizer after the model is complete.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.turns import held, stepping
from seatrial.rules.where import distinct

NAME = "loop.stale-optimizer"
EXPLAINS = (
    "loop.parameters-not-optimised",
    "loop.missing-backward",
    "model.unused-parameters",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
)


def check(run: Run, limits: None) -> Iterator[Finding]:
    del limits
    known = Parameters(run)
    for optimizer in stepping(run):
        looks = [look for look in run.looks if look.optimizer == optimizer]
        if len(looks) < 2:
            continue
        last = looks[-1]
        idle = {p for p, norm in zip(last.parameters, last.gradient_norm, strict=True) if math.isnan(norm)}
        graphs = [graph for graph in known.graphs if graph.seen.tick >= looks[-2].tick - 1] or known.graphs[-1:]
        reached = frozenset[int]().union(*(_reached(graph) for graph in graphs))
        orphans = sorted(idle - reached)
        fresh = sorted(p for p in reached - known.optimised if p in run.fates and not run.fates[p].changed)
        if orphans and fresh and _belong(run, known, optimizer, orphans, fresh):
            yield _finding(run, known, optimizer, orphans, fresh)


def _reached(graph: Graph) -> frozenset[int]:
    return frozenset(n.parameter for n in graph.leaves("parameter") if n.index in graph.differentiable)


def _belong(run: Run, known: Parameters, optimizer: int, orphans: list[int], fresh: list[int]) -> bool:
    """Whether the unoptimised parameters came in the place of the orphans: the optimizer holds others of their model, or
    nothing but orphans, or the same paths."""
    models = {run.fates[p].model for p in fresh}
    siblings = {p for p in held(run, optimizer) if p in run.fates and run.fates[p].model in models}
    paths = {run.fates[p].path for p in fresh}
    same = any(p in known.first and known.first[p][1].path in paths for p in orphans)
    return same or bool(siblings) or len(orphans) == len(held(run, optimizer))


def _finding(run: Run, known: Parameters, optimizer: int, orphans: list[int], fresh: list[int]) -> Finding:
    built = run.optimizers[optimizer]
    names = [f"{known.first[p][0].name}.{known.first[p][1].path}" for p in fresh if p in known.first]
    message = (
        f"{built.type} still holds {len(orphans)} parameters that the model no longer uses, "
        f"and the {len(fresh)} that took their place are in no optimizer: {listed(names)}."
    )
    evidence: dict[str, Figure] = {"orphans": len(orphans), "parameters": names}
    where = distinct([*(known.built(p) for p in fresh[:1]), built.where])
    remedy = "Build the optimizer after the model has its final layers."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.95)

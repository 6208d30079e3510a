"""loop.parameters-not-optimised: parameters that receive gradients are in no optimizer.

## What it finds
A part of the network (a loss with weights of its own, a second encoder, a new head, a block that was thawed) that takes
part in the training step and gets gradients, but that was given to no optimizer.

## Why it harms
It keeps its random start, and the rest has to make do with it. The loss falls all the same, so nothing looks wrong.

## How it is recognised
In a recorded training step a gradient path leads to the parameter and to parameters that an optimizer steps; the parameter
itself is in no optimizer and has not changed by the end. Parameters that were trained before, loaded or copied are passed
over: a trained part that is used as it is may well get gradients that nobody needs. Parameters that were frozen at first
and thawed later are not passed over.

## What it cannot see
Random features that are meant to stay random should have requires_grad off; then nothing is said.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
encoder = nn.Sequential(nn.Linear(4, 16), nn.ReLU())
head = nn.Linear(16, 1)
optimizer = torch.optim.SGD(head.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(head(encoder(x[rows])), y[rows])
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
y = x.sum(1, keepdim=True)
encoder = nn.Sequential(nn.Linear(4, 16), nn.ReLU())
head = nn.Linear(16, 1)
optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(head(encoder(x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Thresholds
`steps`: so many optimizer steps, at least, before "in no optimizer" means something.

## References
PyTorch documentation, *torch.optim: constructing it*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from seatrial.events import ModelSeen
from seatrial.findings import Figure, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.turns import made, stepping
from seatrial.rules.where import distinct

NAME = "loop.parameters-not-optimised"
EXPLAINS = (
    "model.unused-parameters",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: a count of optimizer steps. See the page."""

    steps: int = 5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    last = last_steps(run)
    if sum(one.weight * one.count for one in made(run) if one.call.kind == "step") < limits.steps:
        return
    known = Parameters(run)
    forgotten: list[int] = []
    beside: list[int] = []
    for graph in known.graphs:
        lost, optimizers = _forgotten(run, known, graph, last)
        forgotten += [p for p in lost if p not in forgotten]
        beside += [o for o in optimizers if lost and o not in beside]
    if forgotten:
        yield _finding(run, known, forgotten, beside)


def last_steps(run: Run) -> dict[int, int]:
    """The tick of each optimizer's last known step."""
    found: dict[int, int] = {}
    for one in made(run):
        if one.call.kind == "step":
            found[one.call.subject] = one.tick + one.weight - 1
    return {optimizer: tick for optimizer, tick in found.items() if optimizer in run.optimizers}


def _forgotten(run: Run, known: Parameters, graph: Graph, last: dict[int, int]) -> tuple[list[int], list[int]]:
    reached = {n.parameter for n in graph.leaves("parameter") if n.index in graph.differentiable}
    tick = graph.seen.tick
    active = {o: {p for g in run.optimizers[o].groups for p in g.parameters} for o in last if last[o] >= tick}
    beside = [o for o, own in active.items() if own & reached]
    trained = {p for own in active.values() for p in own}
    lost = [p for p in sorted(reached - trained) if beside and _is_forgotten(run, known, p)]
    return lost, beside


def _is_forgotten(run: Run, known: Parameters, parameter: int) -> bool:
    fate = run.fates.get(parameter)
    if fate is None or not fate.requires_grad:
        return False
    if thawed(run, parameter):
        return True
    module = known.module(parameter)
    fresh = module is not None and module.where is not None
    return fresh and not fate.changed and not fate.loaded and parameter not in known.optimised


def thawed(run: Run, parameter: int) -> bool:
    """Whether a parameter was frozen when first seen with its state, and asked for gradients later."""
    states = [
        info.requires_grad
        for seen in run.every(ModelSeen)
        for info in seen.parameters
        if info.parameter == parameter and not info.is_buffer
    ]
    return any(not before and after for before, after in pairwise(states)) and states[-1]


def _finding(run: Run, known: Parameters, forgotten: list[int], beside: list[int]) -> Finding:
    paths = [f"{known.first[p][0].name}.{known.first[p][1].path}" for p in forgotten if p in known.first]
    optimizers = beside or stepping(run)
    places = [run.optimizers[o].where for o in optimizers]
    where = distinct([*places, *(known.built(p) for p in forgotten[:2])])
    count = len(forgotten)
    message = f"{count} parameters get gradients but are in no optimizer, so they stay as they are: {listed(paths)}."
    evidence: dict[str, Figure] = {"parameters": paths, "count": count}
    remedy = "Give these parameters to the optimizer when it is built (or add_param_group when they are thawed)."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.92)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """All parameters given to the optimizer."""
    return Mend("all parameters given to the optimizer", all_parameters=True)

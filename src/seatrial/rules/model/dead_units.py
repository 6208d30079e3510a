"""model.dead-units: rectified units that output zero for every example.

## What it finds
Layers in which a large share of the ReLU units is zero for all examples, step after step.

## Why it harms
A unit that is zero for all examples gets no gradient and cannot come back; the layer is narrower than it looks. When
all units of a layer are dead, the network behind it sees a constant.

## How it is recognised
The share of units that are zero for the whole batch, at the outputs of rectifiers in the recorded training steps:
the least share of the later steps counts, so a unit has to be silent for several batches. Units die from steps that
are too large, or start dead from a strongly negative bias: the first recorded step tells which.

## What it cannot see
Units that die between two recorded steps and come back. In small batches sparse features look dead: those are not
judged.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
nn.init.constant_(model[0].bias, -4.0)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for rows in torch.randperm(512).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
nn.init.constant_(model[0].bias, 0.0)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for rows in torch.randperm(512).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
Healthy networks of the usual kinds show shares up to about a third in a single batch, and sparse ones up to a half.

## References
Maas, Hannun, Ng, *Rectifier Nonlinearities Improve Neural Network Acoustic Models* (2013). Lu and others, *Dying ReLU
and Initialization* (2019).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules import source, where
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import shape, wants_gradient
from seatrial.rules.syntax import tail

NAME = "model.dead-units"
RECTIFIERS = frozenset("relu relu6 threshold clamp_min clamp maximum".split())
FILLS = frozenset({"constant_", "normal_", "uniform_"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """share: of a layer's units, dead in all of the later recorded steps (healthy ones stay below a half).
    examples: in a batch, below which a rarely used unit looks dead. units: width below which a share says little.
    looks: number of later steps that have to agree."""

    share: float = 0.7
    examples: int = 16
    units: int = 8
    looks: int = 2


@dataclass(frozen=True, slots=True)
class Layer:
    """Dead shares of one rectifier over the recorded steps, in order."""

    node: Node
    shares: tuple[float, ...]

    @property
    def lasting(self) -> float:
        """The least share of the last half of the steps."""
        return min(self.shares[len(self.shares) // 2 :])


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    layers = rectified(run, limits)
    dead = [layer for layer in layers if layer.lasting >= limits.share]
    if not dead:
        return
    worst = max(dead, key=lambda layer: layer.lasting)
    from_start = worst.shares[0] >= limits.share
    if not from_start and worst.lasting < 0.9 and len(dead) == 1:
        return  # a layer that has grown sparse while it learnt
    yield _finding(run, dead, worst, from_start)


def rectified(run: Run, limits: Thresholds) -> list[Layer]:
    """Rectifiers inside of models that were seen in enough steps with large enough batches."""
    seen: dict[tuple[str, int, str, int], list[Node]] = {}
    for graph in map(Graph, run.training_graphs):
        counts: dict[tuple[str, int, str], int] = {}
        for node in graph.calls(*RECTIFIERS):
            place = (node.module, node.where.line if node.where else 0, node.op)
            counts[place] = counts.get(place, 0) + 1
            if "dead_share" in node.stats and _judged(graph, node, limits):
                seen.setdefault((*place, counts[place]), []).append(node)
    found = [Layer(nodes[-1], tuple(node.stats["dead_share"] for node in nodes)) for nodes in seen.values()]
    return [layer for layer in found if len(layer.shares) > limits.looks]


def _judged(graph: Graph, node: Node, limits: Thresholds) -> bool:
    size = shape(node)
    return (
        len(size) >= 2
        and size[0] >= limits.examples
        and min(size[1], size[-1] if len(size) == 3 else size[1]) >= limits.units
        and wants_gradient(node)
        and graph.in_network(node)
        and any(later.op not in ("mean", "sum") and wants_gradient(later) for later in graph.consumers(node))
    )


def _finding(run: Run, dead: list[Layer], worst: Layer, from_start: bool) -> Finding:
    since = "from the first step" if from_start else f"({percent(worst.shares[0])} at first)"
    message = f"{percent(worst.lasting)} of the units behind `{worst.node.op}` are zero for every example {since}"
    message += f", and {len(dead) - 1} more layers are alike." if len(dead) > 1 else "."
    evidence = {"dead_share": worst.lasting, "dead_share_at_first": worst.shares[0], "layers": len(dead)}
    remedy = (
        "Start biases at zero and weights at their usual scale; bring inputs to unit scale."
        if from_start
        else "Lower the learning rate, or use a rectifier that leaks."
    )
    places = [*(_fills(run) if from_start else _rates(run)), *where.lines(run, worst.node)]
    explains = (
        "model.constant-output",
        "model.input-ignored",
        "optimisation.loss-not-decreasing",
        "optimisation.vanishing-gradient",
    )
    return Finding(NAME, "warning", message, where.distinct(places)[:4], dict(evidence), remedy, explains, 0.8)


def _rates(run: Run) -> list[Place]:
    return [place for each in run.optimizers.values() for place in source.origin(run, each.where, "lr")][:1]


def _fills(run: Run) -> list[Place]:
    """Where biases are filled with something negative: the number first, then the call that fills."""
    found: list[Place] = []
    for file in source.files_of(run):
        for call in file.calls:
            if tail(call.func) not in FILLS or len(call.args) < 2 or not _of_bias(call.args[0]):
                continue
            if tail(call.func) == "constant_":
                places = source.traced(run, file, call.args[1])
                negative = [place for place in places if "-" in run.line(place)]
                found += [*negative, Place(file.name, call.lineno)] if negative else []
            else:
                found.append(Place(file.name, call.lineno))
    return found


def _of_bias(target: ast.expr) -> bool:
    return any("bias" in tail(part) for part in ast.walk(target))

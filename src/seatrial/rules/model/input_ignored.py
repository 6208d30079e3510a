"""model.input-ignored: part of the input has no influence on the output.

## What it finds
A wrong slice, a branch that reads the other branch's variable, an argument that the forward pass does not use, an
inverted mask.

## Why it harms
What the network does not get it cannot use; training goes on without complaint and ends worse than it should.

## How it is recognised
By an experiment after the run: the recorded step is replayed with changed elements of each input, and the share of
elements of which no change reaches the output is measured. Also, a floating input of the model that no part of the
recorded step takes.

## What it cannot see
Parts that are meant to be left out; a share as small as the rest of a stride is not named.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 6] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(4, 16)
        self.right = nn.Linear(4, 16)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        left = torch.relu(self.left(x[:, :4]))
        right = torch.relu(self.right(x[:, :4]))
        return self.out(torch.cat([left, right], 1))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
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
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 6] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(4, 16)
        self.right = nn.Linear(4, 16)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        left = torch.relu(self.left(x[:, :4]))
        right = torch.relu(self.right(x[:, 4:]))
        return self.out(torch.cat([left, right], 1))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
Strides and pooling leave out at most the last row and column, a few percent; positions that are chosen on purpose
are few.

## References
Karpathy, *A Recipe for Training Neural Networks*: "use backprop to chart dependencies".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import where
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import shape

NAME = "model.input-ignored"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """share: of an input's elements that reach nothing, 0..1 (a stride that does not fit leaves out less)."""

    share: float = 0.15


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    for probe in run.probes("ignored"):
        graph = next((Graph(g) for g in run.graphs if g.tick == probe.tick and g.call == probe.call), None)
        if graph is None or probe.share < limits.share or probe.node < 0:
            continue
        leaf = graph.node(probe.node)
        if leaf.role == "input" and len(shape(leaf)) > 1:
            yield _finding(run, leaf, cutting(graph, leaf), probe.share)
            return


def cutting(graph: Graph, leaf: Node) -> list[Node]:
    """Calls that take only a part of an input: slices, masks, choices of channels."""
    found = [graph.node(index) for index in sorted(graph.downstream(leaf))]
    near = [node for node in found if node.index not in graph.depends_on_parameters or node.op == "getitem"]
    parts = ("getitem", "narrow", "select", "chunk", "split", "unbind", "index_select", "masked_fill", "mul", "where")
    return [node for node in near if node.op in parts] or found[:1]


def _finding(run: Run, leaf: Node, calls: list[Node], share: float) -> Finding:
    name = f"`{leaf.name}` " if leaf.name else ""
    message = f"{share:.0%} of the input {name}of shape {list(shape(leaf))} has no influence on the output."
    repeated = _same_part(calls)
    places: list[Place | None] = [*(node.where for node in repeated), *where.lines(run, *calls), leaf.where]
    evidence = {"ignored_share": share, "shape": [float(size) for size in shape(leaf)]}
    remedy = "Check slices, masks and variable names on the way of this input, or do not pass what is not used."
    return Finding(NAME, "warning", message, where.distinct(places)[:4], dict(evidence), remedy, (), 0.75)


def _same_part(calls: list[Node]) -> list[Node]:
    """Of calls that take the very same part, the later ones: most likely the copied line."""
    found: list[Node] = []
    for place, node in enumerate(calls):
        if any(
            node.op == other.op and node.args == other.args and node.where != other.where for other in calls[:place]
        ):
            found.append(node)
    return found

"""loop.retained-graph: graphs of earlier steps are kept alive, so memory or time grows.

## What it finds
A running loss summed as a tensor, losses or outputs gathered in a list with their graphs, a hidden state that is handed from
batch to batch without being detached.

## Why it harms
A tensor with a graph keeps everything alive that it was computed from. Memory grows with each step; and where the graph is
walked again, each backward pass is longer than the one before.

## How it is recognised
The losses of steps long ago are still referenced, with their graphs; or a tensor of an earlier step enters a recorded step
with a history that has grown since.

## What it cannot see
Tensors other than the loss, unless they enter later steps.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
history = []
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        history.append(loss)
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
history = []
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        history.append(loss.item())
```

## Thresholds
`age`: a loss that many steps old that is still alive counts as kept (some programs keep the last few on purpose).

## References
PyTorch documentation, *Frequently asked questions: my model reports "cuda runtime error(2): out of memory"*.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import GraphKept, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import assigned, last_name, named, nodes
from seatrial.rules.where import distinct

NAME = "loop.retained-graph"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """age: steps. See the page."""

    age: int = 8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    kept = run.every(GraphKept)
    carried = [one for one in kept if one.how == "carried"]
    held = [one for one in kept if one.how == "held" and one.age >= limits.age]
    if carried:
        yield _carried(carried)
    elif held:
        yield _held(run, held)


def _carried(kept: list[GraphKept]) -> Finding:
    oldest = max(kept, key=lambda one: one.age)
    message = f"A tensor of earlier steps enters the step with its graph, which has grown to {oldest.age} calls."
    evidence: dict[str, Figure] = {"depth": oldest.age, "times": len(kept)}
    remedy = "Detach what is handed on from one step to the next (hidden = hidden.detach())."
    where = distinct([oldest.where, *(one.where for one in kept)])
    return Finding(NAME, "error", message, where, evidence, remedy, (), 0.9)


def _held(run: Run, kept: list[GraphKept]) -> Finding:
    oldest = max(kept, key=lambda one: one.age)
    message = f"The loss of {oldest.age} steps ago is still alive with its graph, and so are others since."
    evidence: dict[str, Figure] = {"age": oldest.age, "times": len(kept)}
    remedy = "Keep numbers: loss.item() (or loss.detach()) instead of the loss itself."
    lines = [place for one in kept[-1:] if one.where is not None for place in _keepers(run, one.where)]
    where = distinct([*lines, oldest.where])
    return Finding(NAME, "warning", message, where, evidence, remedy, (), 0.9)


def _keepers(run: Run, loss: Place) -> list[Place]:
    """Lines that add a loss to a running sum, or append it, as a tensor."""
    names = set(assigned(run, loss)) | {"loss"}
    found: list[Place] = []
    for node in nodes(run, loss.file):
        value: ast.expr | None = None
        if isinstance(node, ast.AugAssign):
            value = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            value = node.args[0] if node.args else None
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            target = {last_name(t) for t in node.targets}
            value = node.value if target & {last_name(part) for part in ast.walk(node.value)} else None
        if value is not None and names & _tensors(value):
            found.append(named(run, Place(loss.file, getattr(node, "lineno", 0))))
    return found


def _tensors(value: ast.expr) -> set[str]:
    """Names in an expression whose value goes on as a tensor: not those that are read off by item(), float(), detach()."""
    stripped: set[ast.AST] = set()
    for part in ast.walk(value):
        if isinstance(part, ast.Call) and (
            last_name(part.func) in ("item", "float", "detach", "tolist", "numpy", "cpu")
            or (isinstance(part.func, ast.Name) and part.func.id in ("int", "len"))
        ):
            stripped |= set(ast.walk(part))
        if isinstance(part, ast.Attribute) and part.attr == "data":
            stripped |= set(ast.walk(part))
    return {last_name(part) for part in ast.walk(value) if part not in stripped} - {""}

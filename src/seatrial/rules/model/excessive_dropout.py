"""Dropout removes so much, or stands in such a place, that the network cannot fit.

## What it finds
Dropout that removes four of five values or more (often a keep probability that was taken over from another library), two dropouts in a
row that do so together, and dropout on the logits or predictions that go into the loss.

## Why it harms
With p = 0.9 a layer of 64 units works with six of them at a time, scaled by ten: gradients are noise, and training and evaluation
see different networks. Dropout on the output sets predictions themselves to zero at random, which no weights can repair.

## How it is recognised
The arguments of the calls of dropout in the recorded training steps, and where their results go.

## What it cannot see
Dropout written by hand with random masks; rates that are too high for a small network but below the threshold.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.9), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
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
x = torch.randn(256, 8)
y = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`most`: removed share from which dropout is excessive; `most_together`: of dropouts in a row; `on_output`: on predictions.

## References
Srivastava et al., Dropout, 2014 (0.5 for hidden units and up to 0.2 for inputs); Baldi and Sadowski, Understanding Dropout, 2013.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules.graph import LOSS_OPS, SHAPE_OPS, Graph
from seatrial.rules.patterns import DROPOUTS, wants_gradient
from seatrial.rules.where import distinct, lines

NAME = "model.excessive-dropout"
EXPLAINS = (
    "model.dead-units",
    "optimisation.noisy-loss",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
)
_BETWEEN = SHAPE_OPS | frozenset(["relu", "leaky_relu", "gelu", "silu", "elu", "tanh", "sigmoid"])
_ON_OUTPUT = SHAPE_OPS | frozenset(["softmax", "log_softmax", "sigmoid", "log"])
_REMEDY = "Lower p (it is the share that is removed), or take the dropout out."


@dataclass(frozen=True)
class Thresholds:
    """Shares (0..1) of values removed. most: Srivastava et al. use 0.5 at most for hidden units, 0.8 leaves one in five.
    most_together: the same for a row of dropouts. on_output: below it, the noise on a prediction is hardly felt."""

    most: float = 0.8
    most_together: float = 0.8
    on_output: float = 0.1


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Dropouts that remove too much or stand on the output, once for each line."""
    said: set[object] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        for node in graph:
            finding = _judged(run, graph, node, limits) if node.op in DROPOUTS and removed(graph, node) > 0 else None
            if finding is not None and finding.where not in said:
                said.add(finding.where)
                yield finding
    yield from _inside_layers(run, limits)


def removed(graph: Graph, node: Node) -> float:
    """The share that a call of dropout removes; 0 where it is turned off."""
    if graph.argument(node, 2, "training", node.op in ("dropout", "alpha_dropout")) is False:
        return 0.0
    share = graph.argument(node, 1, "p", 0.5)
    return float(share) if isinstance(share, (int, float)) else 0.0


def _judged(run: Run, graph: Graph, node: Node, limits: Thresholds) -> Finding | None:
    share = removed(graph, node)
    if node.index not in graph.differentiable:
        return None
    if share >= limits.most:
        message = f"Dropout removes {percent(share)} of the values it is given in training."
        return Finding(NAME, "warning", message, lines(run, node), {"p": share}, _REMEDY, EXPLAINS, 0.9)
    row = _row(graph, node)
    kept = 1.0
    for part in row:
        kept *= 1 - removed(graph, part)
    if len(row) > 1 and 1 - kept >= limits.most_together:
        message = f"{len(row)} dropouts in a row remove {percent(1 - kept)} of the values."
        return Finding(
            NAME, "warning", message, lines(run, *row), {"p": share, "together": 1 - kept}, _REMEDY, EXPLAINS, 0.85
        )
    loss = _loss_behind(graph, node)
    if loss is not None and share >= limits.on_output:
        message = f"Dropout with p = {decimal(share)} stands on the prediction that goes into {loss.op}."
        remedy = "Put dropout before the last layer, not after it."
        return Finding(NAME, "warning", message, lines(run, node, loss), {"p": share}, remedy, EXPLAINS, 0.9)
    return None


def _row(graph: Graph, node: Node) -> list[Node]:
    """A dropout and those that it follows with no weights between."""
    row = [node]
    source = graph.source(node, 0, "input")
    while source is not None:
        source = graph.back(source, _BETWEEN)
        if source.op not in DROPOUTS:
            break
        if removed(graph, source) > 0:
            row.append(source)
        source = graph.source(source, 0, "input")
    return row


def _loss_behind(graph: Graph, node: Node) -> Node | None:
    """The loss function that takes the result of a node as its prediction."""
    for _ in range(8):
        followers = [consumer for consumer in graph.consumers(node) if wants_gradient(consumer)]
        if len(followers) != 1:
            return None
        follower = followers[0]
        first = graph.inputs(follower)[0]
        if follower.op in LOSS_OPS - {"cosine_embedding_loss", "triplet_margin_loss", "margin_ranking_loss"}:
            return follower if first.index == node.index else None
        if follower.op not in _ON_OUTPUT:
            return None
        node = follower
    return None


def _inside_layers(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Dropout that a recurrent or attention layer applies inside."""
    for model in run.models.values():
        for module in model.modules:
            share = module.settings.get("dropout")
            if module.type not in ("LSTM", "GRU", "RNN", "MultiheadAttention") or not isinstance(share, (int, float)):
                continue
            if share < limits.most or (module.type != "MultiheadAttention" and module.settings.get("num_layers") == 1):
                continue
            message = (
                f"{module.type} {module.path} removes {percent(share)} of the values between its layers in training."
            )
            yield Finding(
                NAME, "warning", message, distinct([module.where]), {"p": float(share)}, _REMEDY, EXPLAINS, 0.9
            )


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """No dropout at all."""
    nodes = [node for node in graph.calls(*DROPOUTS) if removed(graph, node) > 0]
    return Mend("no dropout", tuple(Edit(node.index, "pass") for node in nodes)) if nodes else None

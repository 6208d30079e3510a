"""Sigmoid outputs are given to binary cross-entropy with logits.

## What it finds
`nn.BCEWithLogitsLoss`, `F.binary_cross_entropy_with_logits`, `F.logsigmoid` or a soft-margin loss that receives the result of a
sigmoid (or of a softmax) instead of raw scores.

## Why it harms
The loss applies a sigmoid itself. A score between 0 and 1 gives probabilities between 0.50 and 0.73: no example can be called
negative, and the loss cannot come near zero.

## How it is recognised
The step's graph is walked back from the loss through calls that move, mask or drop values to a sigmoid, also one that is written
`1 / (1 + exp(-x))`, or to a softmax. Scores that are stretched beyond that range afterwards are left alone: a bounded logit is a
legitimate design.

## What it cannot see
Probabilities made by other means than these.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).float()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = criterion(model(x[rows]).squeeze(1), y[rows])
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
y = (x[:, 0] * x[:, 1] > 0).float()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = criterion(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
None: what is found is exact.

## References
PyTorch documentation of BCEWithLogitsLoss: "This loss combines a Sigmoid layer and the BCELoss in one single class".
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.events import Node
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import scaled_back, sigmoid_at, softmax_at, wants_gradient
from seatrial.rules.where import lines

NAME = "model.sigmoid-before-bce-with-logits"
EXPLAINS = (
    "model.output-activation",
    "model.initial-loss-off",
    "model.constant-output",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
    "optimisation.vanishing-gradient",
)
_EXPECT_LOGITS = ("binary_cross_entropy_with_logits", "logsigmoid", "multilabel_soft_margin_loss", "soft_margin_loss")


def check(run: Run, limits: None) -> Iterator[Finding]:
    """Sigmoids in front of a loss that applies one itself, once for each line that makes them."""
    said: set[object] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        for loss in graph.calls(*_EXPECT_LOGITS):
            found = _probabilities(graph, loss)
            if found is None or found[0].where in said:
                continue
            said.add(found[0].where)
            yield _finding(run, loss, *found)


def _probabilities(graph: Graph, loss: Node) -> tuple[Node, str] | None:
    scores = graph.source(loss, 0, "input")
    if scores is None or not wants_gradient(scores) or loss.index not in graph.differentiable:
        return None
    low, high = scores.stats.get("min", 0.0), scores.stats.get("max", 1.0)
    reached, passed = scaled_back(graph, scores)
    sign = -1.0 if reached.op == "neg" else 1.0
    if sign < 0:
        low, high, reached = -high, -low, graph.inputs(reached)[0]
    if low < -1e-6 or high > 1 + 1e-6:
        return None
    if sigmoid_at(graph, reached) is not None:
        return reached, "sigmoid"
    softmax = softmax_at(graph, reached)
    if softmax is not None and not softmax.log and not passed:
        return reached, "softmax"
    return None


def _finding(run: Run, loss: Node, maker: Node, what: str) -> Finding:
    scores = {f"scores_{key}": maker.stats[key] for key in ("min", "max") if key in maker.stats}
    message = (
        f"{loss.op} applies a sigmoid itself but receives the result of a {what}: "
        "every probability it can form lies between 0.50 and 0.73."
    )
    remedy = f"Give the raw scores to the loss; apply the {what} only where probabilities are read."
    where = lines(run, maker, loss)
    return Finding(NAME, "error", message, where, {"made_by": maker.op, **scores}, remedy, EXPLAINS, 0.98)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The raw scores given to the loss."""
    makers = [found for loss in graph.calls(*_EXPECT_LOGITS) if (found := _probabilities(graph, loss))]
    named = [(node, what) for node, what in makers if node.op in ("softmax", "sigmoid")]
    if not named:
        return None
    return Mend(f"{named[0][1]} removed", tuple(Edit(node.index, "pass") for node, _ in named))

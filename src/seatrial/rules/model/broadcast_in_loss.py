"""Prediction and target differ in shape and are silently broadcast against each other in the loss.

## What it finds
A prediction of shape [B, 1] and a target of shape [B] (or [N, 1, H, W] and [N, H, W]), whose difference has the shape [B, B]: every
prediction is compared with every target. The same in the making of a target (rewards [B] plus values [B, 1]), and with weights of
the examples.

## Why it harms
The loss is the mean over all pairs, and it is least where every prediction is the mean of the targets. The network learns a
constant, and the loss looks plausible.

## How it is recognised
In the graph of a step, where something learned meets data after the last weights (in a loss function or in a formula written by
hand), the result has more elements than either, though both have the same axes apart from those of size one. Outer products
that are spelled out on both sides (`a[:, None] - b[None, :]`) or masked pair by pair are left alone.

## What it cannot see
Shapes that agree by accident, as in a batch of one example.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x[:, 0] - 2 * x[:, 1]
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = ((model(x[rows]) - y[rows]) ** 2).mean()
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
y = x[:, 0] - 2 * x[:, 1]
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = ((model(x[rows]).squeeze(1) - y[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
None: what is found is exact.

## References
NumPy's and PyTorch's rules of broadcasting; the warning of `F.mse_loss`, "Using a target size that is different to the input size".
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from seatrial.events import Node, Ref
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import LOSS_OPS, Graph
from seatrial.rules.losses import after_network
from seatrial.rules.patterns import operands, shape, wants_gradient
from seatrial.rules.where import lines

NAME = "model.broadcast-in-loss"
EXPLAINS = (
    "model.constant-output",
    "model.initial-loss-off",
    "model.examples-mixed",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
)
_ELEMENTWISE = frozenset(["sub", "rsub", "add", "mul", "div", "rdiv"])
_PAIRED_LOSSES = LOSS_OPS - frozenset(["cross_entropy", "nll_loss", "nll_loss_nd", "ctc_loss", "multi_margin_loss"])
_OUTER = frozenset(
    [
        "unsqueeze",
        "transpose",
        "permute",
        "t",
        "T",
        "mT",
        "expand",
        "expand_as",
        "repeat",
        "movedim",
        "swapaxes",
        "tile",
    ]
)


def check(run: Run, limits: None) -> Iterator[Finding]:
    """Silent broadcasts between what is learned and what it is compared with, once for each line."""
    said: set[object] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        late = after_network(graph)
        for node in graph:
            if node.index not in late or node.where in said:
                continue
            finding = _judged(run, graph, node)
            if finding is not None:
                said.add(node.where)
                yield finding
                if finding.severity == "error":
                    break


def _judged(run: Run, graph: Graph, node: Node) -> Finding | None:
    pair = _pair(graph, node)
    if pair is None or not all(_of_data(graph, part) for part in pair):
        return None
    first, second = shape(pair[0]), shape(pair[1])
    whole = broadcast(first, second)
    if whole is None or first == second:
        return None
    if prod(whole) > max(prod(first), prod(second)):
        return _outer(run, graph, node, pair, whole)
    if node.op in _PAIRED_LOSSES and prod(second) > 1 and prod(first) > 1:
        return _stretched(run, node, pair)
    return None


def _pair(graph: Graph, node: Node) -> tuple[Node, Node] | None:
    """The learned side and the other one; for targets that are computed, either order."""
    if node.op in _PAIRED_LOSSES:
        first, second = graph.source(node, 0, "input"), graph.source(node, 1, "target")
    elif node.op in _ELEMENTWISE:
        first, second = operands(graph, node)
    else:
        return None
    if not isinstance(first, Node) or not isinstance(second, Node):
        return None
    if wants_gradient(first) and wants_gradient(second):
        return None
    return (second, first) if wants_gradient(second) else (first, second)


def broadcast(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that two shapes are broadcast to; None where they do not fit."""
    count = max(len(first), len(second))
    long, other = ((1,) * (count - len(sizes)) + sizes for sizes in (first, second))
    if any(a != b and 1 not in (a, b) for a, b in zip(long, other, strict=True)):
        return None
    return tuple(max(a, b) if 0 not in (a, b) else 0 for a, b in zip(long, other, strict=True))


def _of_data(graph: Graph, node: Node) -> bool:
    """Whether a node holds something about the batch: not only weights, buffers or constants."""
    roles = {"input", "target", "carried"}
    return node.role in roles or any(graph.node(at).role in roles for at in graph.upstream(node))


def _outer(run: Run, graph: Graph, node: Node, pair: tuple[Node, Node], whole: tuple[int, ...]) -> Finding | None:
    first, second = shape(pair[0]), shape(pair[1])
    same = [size for size in first if size != 1] == [size for size in second if size != 1]
    spelled = [_spelled_out(graph, part) for part in pair]
    if not same or all(spelled) or _masked_by_pairs(graph, node, whole):
        return None
    names = ("prediction", "target") if wants_gradient(pair[0]) else ("one part of the target", "another")
    message = (
        f"A {names[0]} of shape {list(first)} meets a {names[1]} of shape {list(second)} and is broadcast to {list(whole)}: "
        "each is compared with all others."
    )
    if not wants_gradient(pair[0]):
        message = f"In a target, {list(first)} and {list(second)} are broadcast to {list(whole)}: each example meets all others."
    evidence = {
        "prediction_shape": str(list(first)),
        "target_shape": str(list(second)),
        "broadcast_shape": str(list(whole)),
    }
    remedy = "Give both the same shape, e.g. prediction.squeeze(1) or target.unsqueeze(1)."
    where = lines(run, node, callers=True)
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.97 if not any(spelled) else 0.85)


def _spelled_out(graph: Graph, node: Node) -> bool:
    """Whether the user's code made an axis of size one or moved axes on this side right before."""
    if node.role:
        made = [step.split("@")[0] for step in node.origin[:1]]
        return any(op in _OUTER for op in made)
    index = node.args[1] if node.op == "getitem" and len(node.args) > 1 else ()
    parts = index if isinstance(index, tuple) else (index,)
    return node.op in _OUTER or (node.op == "getitem" and any(part is None for part in parts))


def _masked_by_pairs(graph: Graph, node: Node, whole: tuple[int, ...]) -> bool:
    """Whether a mask or weight of the full shape chooses among the pairs later on."""
    for at in graph.downstream(node):
        later = graph.node(at)
        if later.op not in ("mul", "where", "masked_fill", "masked_select", "getitem"):
            continue
        refs = [part for part in (*later.args, *later.kwargs.values()) if isinstance(part, Ref)]
        own = {node.index, *graph.downstream(node)}
        if any(ref.node not in own and shape(graph.node(ref)) == whole for ref in refs):
            return True
    return False


def _stretched(run: Run, node: Node, pair: tuple[Node, Node]) -> Finding | None:
    """A loss function whose one side is repeated to fit the other (of which torch itself warns)."""
    first, second = shape(pair[0]), shape(pair[1])
    if pair[1].role == "constant" or pair[1].stats.get("std", 1.0) == 0.0 or not wants_gradient(pair[0]):
        return None
    smaller, larger = (first, second) if prod(first) < prod(second) else (second, first)
    if prod(first) == prod(second) or larger[len(larger) - len(smaller) :] == smaller:
        return None
    what = "prediction" if smaller == first else "target"
    message = f"{node.op} repeats a {what} of shape {list(smaller)} to fit the shape {list(larger)} of the other side."
    evidence = {"prediction_shape": str(list(first)), "target_shape": str(list(second))}
    remedy = "Give prediction and target the same shape."
    severity = "error" if len(set(larger)) == 1 and larger[0] > 1 and len(larger) == 2 else "warning"
    return Finding(
        NAME,
        severity,
        message,
        lines(run, node, callers=True),
        evidence,
        remedy,
        EXPLAINS,
        0.9 if severity == "error" else 0.7,
    )


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Both sides in the shape of the prediction."""
    for node in sorted(graph, key=lambda each: -each.index):
        pair = _pair(graph, node) if node.index in graph.differentiable else None
        if pair is None or shape(pair[0]) == shape(pair[1]) or prod(shape(pair[0])) != prod(shape(pair[1])):
            continue
        sides = [part.node for part in node.args if isinstance(part, Ref)]
        at = 0 if sides[:1] == [pair[1].index] else 1
        return Mend("both in one shape", (Edit(node.index, "reshape", at),))
    return None

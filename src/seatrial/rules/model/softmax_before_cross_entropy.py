"""Probabilities are given to a loss that expects logits.

## What it finds
`nn.CrossEntropyLoss`, `F.cross_entropy`, `F.log_softmax` or a hand-written log-sum-exp that receives probabilities (the result of a
softmax or of a sigmoid) instead of raw scores.

## Why it harms
Cross-entropy takes the softmax itself. Scores between 0 and 1 can never tell one class from ten by more than a factor of e, so the
loss cannot fall below log(1 + (K - 1) / e) for K classes, and gradients are small wherever the first softmax is sure.

## How it is recognised
The step's graph is walked back from the loss through calls that move, scale, mask or drop values to a softmax or a sigmoid, also one
that is written out. Where no such call is found, figures decide: scores that are nowhere negative and sum to 1 over the
classes are probabilities (an average of several networks' softmax, for example). A `log_softmax` in front of cross-entropy changes
nothing (the logarithm of a softmax is its own log-softmax) and is a note.

## What it cannot see
Probabilities that are brought to another scale by learned factors.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4), nn.Softmax(dim=1))
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
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
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
`sum_tolerance`: how far from 1 the classes' sum may be (float16 keeps three digits).

## References
PyTorch documentation of CrossEntropyLoss: "The input is expected to contain the unnormalized logits for each class".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import scaled_back, shape, sigmoid_at, softmax_at, wants_gradient
from seatrial.rules.where import lines

NAME = "model.softmax-before-cross-entropy"
EXPLAINS = (
    "model.output-activation",
    "model.initial-loss-off",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
    "optimisation.learning-rate-too-low",
    "optimisation.vanishing-gradient",
)
_EXPECT_LOGITS = ("cross_entropy", "log_softmax", "logsumexp")


@dataclass(frozen=True)
class Thresholds:
    """sum_tolerance: greatest distance of a sum of probabilities from 1 (share; float16 keeps three digits)."""

    sum_tolerance: float = 5e-3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Probabilities where logits are expected, once for each line that makes them."""
    said: set[tuple[str, int]] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        for loss in graph.calls(*_EXPECT_LOGITS):
            maker = _maker(graph, loss, limits)
            if maker is None:
                continue
            finding = _finding(run, graph, loss, *maker)
            place = (finding.where[0].file, finding.where[0].line) if finding.where else ("", loss.index)
            if place not in said:
                said.add(place)
                yield finding


def _maker(graph: Graph, loss: Node, limits: Thresholds) -> tuple[Node, str] | None:
    """The call that made probabilities out of scores and what it is."""
    scores = graph.source(loss, 0, "input")
    if scores is None or not wants_gradient(scores) or loss.index not in graph.differentiable:
        return None
    reached, passed = scaled_back(graph, scores)
    found = softmax_at(graph, reached)
    if found is not None and found.log:
        return (reached, "log-softmax") if loss.op == "cross_entropy" and _plain(passed) else None
    if found is not None and _over_classes(loss, scores):
        return reached, "softmax"
    if sigmoid_at(graph, reached) is not None and loss.op in ("cross_entropy", "log_softmax") and _unscaled(scores):
        return reached, "sigmoid"
    if _sums_to_one(loss, scores, limits):
        return _nearest(graph, scores), "probabilities"
    return None


def _plain(passed: Iterable[Node]) -> bool:
    return all(node.op not in ("mul", "div", "add", "sub", "masked_fill") for node in passed)


def _unscaled(scores: Node) -> bool:
    """A sigmoid that is stretched to a wide range before the loss is a way to bound logits, and no probability."""
    return scores.stats.get("absmax", 1.0) <= 1.5


def _over_classes(loss: Node, scores: Node) -> bool:
    """More than one class; and scores that a temperature has stretched far beyond 1 are logits again."""
    sizes = shape(scores)
    classes = 1 if len(sizes) > 1 and loss.op == "cross_entropy" else len(sizes) - 1
    return bool(sizes) and sizes[classes] > 1 and scores.stats.get("absmax", 1.0) <= 1.5


def _sums_to_one(loss: Node, scores: Node, limits: Thresholds) -> bool:
    sizes, stats = shape(scores), scores.stats
    by_class = loss.op == "cross_entropy" and len(sizes) > 1
    classes = list(sizes)[1] if by_class else sizes[-1] if sizes else 0
    low = stats.get("class_sum_min" if by_class else "sum_min", stats.get("sum_min", math.nan))
    high = stats.get("class_sum_max" if by_class else "sum_max", stats.get("sum_max", math.nan))
    if classes < 2 or not stats.get("min", -1.0) >= 0.0:
        return False
    return abs(low - 1) <= limits.sum_tolerance and abs(high - 1) <= limits.sum_tolerance


def _nearest(graph: Graph, scores: Node) -> Node:
    """The nearest call upstream that looks like the making of probabilities; else the one that made the scores."""
    todo, known = [scores], {scores.index}
    for _ in range(40):
        if not todo:
            break
        node = todo.pop(0)
        if softmax_at(graph, node) is not None or node.op in ("sigmoid", "exp"):
            return node
        fresh = [source for source in graph.inputs(node) if wants_gradient(source) and not source.role]
        todo += [source for source in fresh if source.index not in known]
        known |= {source.index for source in fresh}
    return scores


def _finding(run: Run, graph: Graph, loss: Node, maker: Node, what: str) -> Finding:
    scores = graph.source(loss, 0, "input") or maker
    classes = shape(scores)[1] if len(shape(scores)) > 1 else shape(scores)[-1]
    if what == "log-softmax":
        message = (
            "A log-softmax stands in front of cross-entropy, which takes one itself; it changes nothing but costs time."
        )
        return Finding(
            NAME,
            "note",
            message,
            lines(run, maker, loss),
            {"classes": classes},
            "Leave the log-softmax out, or use F.nll_loss.",
            confidence=0.5,
        )
    floor = math.log1p((classes - 1) / math.e)
    message = (
        f"{loss.op} expects logits but receives the result of a {what}"
        if what != "probabilities"
        else f"{loss.op} expects logits but receives probabilities"
    )
    message += f": with {classes} classes the loss cannot fall below {floor:.2f}."
    evidence = {"classes": classes, "lowest_possible_loss": round(floor, 4), "made_by": maker.op, "loss": loss.op}
    evidence |= {f"scores_{key}": scores.stats[key] for key in ("min", "max") if key in scores.stats}
    remedy = f"Give the raw scores to the loss; apply the {what if what != 'probabilities' else 'softmax'} only where probabilities are read."
    confidence = 0.98 if what == "softmax" else 0.95
    return Finding(NAME, "error", message, lines(run, maker, loss), evidence, remedy, EXPLAINS, confidence)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The raw scores given to the loss."""
    makers = [found for loss in graph.calls(*_EXPECT_LOGITS) if (found := _maker(graph, loss, Thresholds()))]
    named = [(node, what) for node, what in makers if node.op in ("softmax", "sigmoid")]
    if not named:
        return None
    return Mend(f"{named[0][1]} removed", tuple(Edit(node.index, "pass") for node, _ in named))

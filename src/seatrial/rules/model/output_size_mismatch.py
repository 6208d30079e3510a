"""The number of outputs does not fit the number of classes in the targets.

## What it finds
Cross-entropy over a single class, whose loss is exactly 0 for every prediction; fewer outputs than classes, on which the loss fails
with an error; many times more outputs than there are classes in the targets of the whole run.

## Why it harms
A softmax over one output is always 1: nothing is learned. Outputs that no target ever names only make the untrained loss larger and
waste weights; they are often a head of another data set that was left in place.

## How it is recognised
The shape of the logits in the recorded steps, beside the classes counted in the targets of all observed batches; the text of the
exception that ended the run.

## What it cannot see
Which classes exist beyond those that the program showed.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), torch.zeros_like(y[rows]))
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
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
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
`times`: outputs for each class from which a head looks like one of another data set; `classes`: most classes for which
it is said. `seen`: targets for each output from which on a network that reads words is judged, too.

## References
Karpathy, A Recipe for Training Neural Networks, 2019 ("verify loss at init").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.graph import WEIGHT_OPS, Graph
from seatrial.rules.patterns import shape, wants_gradient
from seatrial.rules.where import distinct, lines

NAME = "model.output-size-mismatch"
EXPLAINS = (
    "model.initial-loss-off",
    "model.unused-parameters",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.cannot-overfit-subset",
)
_CLASS_LOSSES = ("cross_entropy", "nll_loss", "nll_loss_nd")


@dataclass(frozen=True)
class Thresholds:
    """times: outputs over classes; 5 leaves room for spare classes (padding, unknown, background).
    classes: targets with more classes than this are tokens of a vocabulary, of which a short run shows only part.
    seen: of a network that reads words so many targets for each output show that they are none."""

    times: float = 5.0
    classes: int = 40
    seen: float = 20.0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Heads of a size that does not fit the targets, once for each loss."""
    yield from _failed(run)
    said: set[object] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        for loss in graph.calls(*_CLASS_LOSSES):
            scores = graph.source(loss, 0, "input")
            if scores is None or loss.where in said or not wants_gradient(scores) or not shape(scores):
                continue
            finding = _single(run, graph, loss, scores) or _spare(run, graph, loss, scores, limits)
            if finding is not None:
                said.add(loss.where)
                yield finding


def _failed(run: Run) -> Iterator[Finding]:
    text = run.ended.exception if run.ended is not None else ""
    if "IndexError: Target" not in text or "out of bounds" not in text or run.ended is None:
        return
    heads = [
        module.where
        for model in run.models.values()
        for module in model.modules
        if module.type.startswith(("Linear", "Conv"))
    ]
    message = f"The loss failed: {text.split(':', 1)[-1].strip()} A target names a class for which there is no output."
    remedy = "Give the last layer as many outputs as there are classes, and count classes from 0."
    where = distinct([*heads[-1:], run.ended.where])
    yield Finding(NAME, "error", message, where, {"exception": text}, remedy, EXPLAINS, 0.97)


def _single(run: Run, graph: Graph, loss: Node, scores: Node) -> Finding | None:
    classes = shape(scores)[1] if len(shape(scores)) > 1 else shape(scores)[0]
    if classes != 1:
        return None
    message = (
        f"{loss.op} takes logits of shape {list(shape(scores))}: with one class the loss is 0 whatever is predicted."
    )
    remedy = "Use two outputs, or binary_cross_entropy_with_logits on the one output."
    where = lines(run, _head(graph, scores) or scores, loss)
    return Finding(NAME, "error", message, where, {"outputs": 1}, remedy, EXPLAINS, 0.97)


def _head(graph: Graph, scores: Node) -> Node | None:
    """The last call with weights before the logits."""
    found = [graph.node(at) for at in graph.upstream(scores, lambda node: node.op in WEIGHT_OPS)]
    last = [node for node in [scores, *found] if node.op in WEIGHT_OPS]
    return max(last, key=lambda node: node.index, default=None)


def _spare(run: Run, graph: Graph, loss: Node, scores: Node, limits: Thresholds) -> Finding | None:
    outputs = shape(scores)[1] if len(shape(scores)) > 1 else shape(scores)[0]
    counts: Counter[int] = Counter()
    for batch in run.batches:
        if batch.role == "target":
            counts.update({int(name): count for name, count in batch.histogram.items() if name.isdigit()})
    named = set(counts)
    target = graph.source(loss, 1, "target")
    if not named or target is None or len(target.outputs) != 1 or "int" not in target.outputs[0].dtype:
        return None
    classes = max(named) + 1
    if outputs < limits.times * classes or classes > limits.classes or len(shape(scores)) not in (2, 3):
        return None
    words = {module.settings.get("num_embeddings") for model in run.models.values() for module in model.modules}
    every = named == set(range(classes)) and counts.total() >= limits.seen * outputs
    if words - {None} and not every:
        return None
    message = (
        f"The network has {outputs} outputs, but the targets of the whole run name only classes 0 to {classes - 1}."
    )
    remedy = f"Give the last layer {classes} outputs."
    evidence = {"outputs": outputs, "classes": classes}
    where = lines(run, _head(graph, scores) or scores, loss)
    return Finding(NAME, "warning", message, where, evidence, remedy, ("model.initial-loss-off",), 0.7)

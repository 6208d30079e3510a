"""model.constant-output: the network answers nearly the same for every input.

## What it finds
Predictions that hardly vary from example to example, though the targets do, late in training.

## Why it harms
The network has found the best constant (the mean, the most frequent class) and nothing more. It is mostly a
symptom: of dead units, a broadcast in the loss, a learning rate that is too high, inputs that carry nothing.

## How it is recognised
In the last recorded training steps, the spread of the prediction over the examples is a tiny part of what
it is over features, while the targets vary; and the loss has not fallen since the start.

## What it cannot see
Networks with a single output whose spread has no scale to be compared with, unless the targets are numbers as well.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 8)
y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 32)
        self.out = nn.Linear(32, 3)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x) * 1e-4))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(12):
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
y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 32)
        self.out = nn.Linear(32, 3)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(12):
    for rows in torch.randperm(512).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
A network that has learnt anything spreads its logits by more than a tenth; 1 % is noise of the last layers.

## References
Karpathy, *A Recipe for Training Neural Networks*: "input-independent baseline".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules import where
from seatrial.rules.graph import LOSS_OPS, Graph
from seatrial.rules.patterns import shape, wants_gradient
from seatrial.rules.series import head_and_tail

NAME = "model.constant-output"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """spread: std over examples relative to the scale of the predictions (class scores: their own overall std;
    numbers: the std of the targets). ticks: steps after which a network should answer. fallen: loss at the end
    relative to the start, above which nothing was learnt. recorded: backward calls
    before a recorded step, after which it is late enough. examples: fewest in a batch."""

    spread: float = 0.01
    recorded: int = 15
    ticks: int = 50
    fallen: float = 0.7
    examples: int = 8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    if run.ticks < limits.ticks or _fallen(run) < limits.fallen:
        return
    late = [graph for graph in map(Graph, run.training_graphs) if graph.seen.tick >= limits.recorded]
    found: list[tuple[Node, float]] = []
    for graph in late[-2:]:
        entry = spread_of_predictions(graph, limits)
        if entry is None or entry[1] > limits.spread:
            return
        found.append(entry)
    if found:
        node, spread = found[-1]
        message = (
            f"Late in training the predictions vary over the examples by {decimal(spread, 1)} of their scale: the network "
            "answers nearly the same for every input."
        )
        remedy = "Look for the cause: dead units, inputs without information, a rate too high, shapes in the loss."
        evidence = {"spread": spread, "prediction_std": node.stats.get("std", 0.0)}
        explains = ("optimisation.loss-not-decreasing", "optimisation.underfitting")
        yield Finding(NAME, "warning", message, where.lines(run, node)[:3], dict(evidence), remedy, explains, 0.6)


def _fallen(run: Run) -> float:
    """Loss at the end relative to that at the start; nan where there is none."""
    call = run.main_call
    if call is None or len(run.losses[call]) < 6:
        return float("nan")
    first, last = head_and_tail(run.losses[call].values)
    return last / first if first > 0 else float("nan")


def spread_of_predictions(graph: Graph, limits: Thresholds) -> tuple[Node, float] | None:
    """The prediction that a loss function compares with a target, and how much it varies over the examples relative
    to its scale."""
    for loss in graph.calls(*LOSS_OPS):
        prediction, target = graph.source(loss, 0, "input"), graph.source(loss, 1, "target")
        if prediction is None or target is None or not wants_gradient(prediction) or wants_gradient(target):
            continue
        if len(shape(prediction)) < 1 or shape(prediction)[0] < limits.examples or "spread" not in prediction.stats:
            continue
        scale = target.stats.get("std") if loss.op in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") else None
        if scale is not None:
            varies = target.stats.get("spread", 0.0) > 0.1 and scale > 0
            return (prediction, prediction.stats["spread"] * prediction.stats["std"] / scale) if varies else None
        if loss.op == "cross_entropy" and len(shape(prediction)) == 2 and shape(prediction)[1] > 1:
            return prediction, prediction.stats["spread"]
    return None

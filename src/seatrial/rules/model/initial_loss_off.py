"""model.initial-loss-off: the untrained network's loss is far from that of guessing.

## What it finds
A first loss far above the loss of guessing: of all classes being equally likely, or of predicting the mean target.

## Why it harms
An untrained network should know nothing. If it is confidently wrong, its scores are too large (initial weights,
inputs, a factor on the logits), and the first part of training is spent on undoing that.

## How it is recognised
The value of the loss function in the first recorded step against ln(classes) for cross-entropy, ln 2 for
binary cross-entropy, and the variance of the targets for squared error. The bands are wide: a usual initialisation
stays within one unit of ln(classes).

With trials the network is also drawn anew a few times, as torch draws it: if that starts far lower, the initialisation
is at fault, else the scale of inputs or targets.

## What it cannot see
Losses written by hand, weighted losses and sums; squared errors of networks that work against each other; models that were loaded from a checkpoint are not judged.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 16)
y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 64)
        self.out = nn.Linear(64, 3)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x))) * 50


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
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
x = torch.randn(512, 16)
y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 64)
        self.out = nn.Linear(64, 3)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for rows in torch.randperm(512).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
Logits with standard deviation s raise the cross-entropy by about s * s / 2; usual initialisations have s below 1.

## References
Karpathy, *A Recipe for Training Neural Networks*: "verify loss at init". Stanford CS231n, *sanity checks*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seatrial.events import Node, Untrained
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules import where
from seatrial.rules.batches import Batches
from seatrial.rules.graph import Graph
from seatrial.rules.losses import BINARY, guessing
from seatrial.rules.series import head_and_tail, median
from seatrial.rules.training import Training

NAME = "model.initial-loss-off"
SQUARED = ("mse_loss",)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """factor, surplus (nats): a classification loss is off above factor * guess + surplus. squared_factor: a
    squared error is off above this multiple of the targets' variance, or where it begins and ends above `never` times of
    it. examples: fewest numbers in a target from
    which its variance is known. last_tick: backward calls after which a step is not the start."""

    factor: float = 2.0
    surplus: float = 2.0
    squared_factor: float = 40.0
    never: float = 3.0
    examples: int = 16
    last_tick: int = 0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    if any(fate.loaded for fate in run.fates.values()):
        return
    training = Training(run)
    for graph in map(Graph, run.training_graphs):
        if graph.seen.tick > limits.last_tick:
            continue
        for loss in graph.calls("cross_entropy", *BINARY, *SQUARED):
            value, guess = loss.stats.get("mean"), guessing(graph, loss, limits.examples)
            if value is None or guess is None or not math.isfinite(value):
                continue
            if not _plain(graph, loss) or _cosines(graph, loss):
                continue
            squared = loss.op in SQUARED
            if squared and not training.plain:
                continue
            band = limits.factor * guess + limits.surplus
            if squared:
                spread = max(guess, _variance(run))
                reached = head_and_tail(training.values, 0.1)[1] <= limits.never * spread
                band = limits.squared_factor * guess if reached else limits.never * spread
            if value > band:
                yield _finding(run, graph, loss, value, guess)
                return


def _variance(run: Run) -> float:
    """Of the targets of all batches that were looked at."""
    targets = Batches(run).targets
    examples = sum(batch.shape[0] for batch in targets if batch.shape)
    if not examples:
        return 0.0

    def mean(of: Callable[[dict[str, float]], float]) -> float:
        return sum(of(batch.stats) * batch.shape[0] for batch in targets if batch.shape) / examples

    return mean(lambda s: s.get("mean", 0.0) ** 2 + s.get("std", 0.0) ** 2) - mean(lambda s: s.get("mean", 0.0)) ** 2


def _cosines(graph: Graph, loss: Node) -> bool:
    """Whether the scores are cosines times a factor (margin losses, contrastive learning): large by design."""
    upstream = [graph.node(index) for index in graph.upstream(loss)]
    return any(
        node.op == "cosine_similarity" or (node.op == "normalize" and _of_weights(graph, node)) for node in upstream
    )


def _of_weights(graph: Graph, node: Node) -> bool:
    return any(graph.back(source).role == "parameter" for source in graph.inputs(node))


def _plain(graph: Graph, loss: Node) -> bool:
    """Whether the loss is a plain mean, unweighted."""
    reduction = graph.argument(loss, 6 if loss.op == "cross_entropy" else 4, "reduction", "mean")
    weighted = any(
        isinstance(loss.kwargs.get(name), object) and loss.kwargs.get(name) for name in ("weight", "pos_weight")
    )
    return reduction in (None, "mean") and not weighted and loss.outputs[0].shape == ()


def _finding(run: Run, graph: Graph, loss: Node, value: float, guess: float) -> Finding:
    prediction, target = graph.source(loss, 0, "input"), graph.source(loss, 1, "target")
    like = "predicting the mean target" if loss.op in SQUARED else "guessing"
    message = f"The untrained network's {loss.op} is {decimal(value, 3)}, where {like} gives {decimal(guess, 3)}."
    evidence = {"loss": value, "guess": guess}
    nodes = [node for node in (prediction, loss) if node is not None]
    data = graph.back(target).where if target is not None and loss.op in SQUARED else None
    places = where.distinct([data, *where.lines(run, *nodes)])
    remedy = (
        "Bring inputs and targets to unit scale and start with small scores (initial weights, factors on the logits)."
    )
    fresh = [each for tried in run.every(Untrained) if tried.call == graph.seen.call for each in tried.fresh]
    if fresh:
        evidence["drawn_anew"] = median(fresh)
        usual = evidence["drawn_anew"] < 0.5 * value
        remedy = (
            "Weights as torch draws them start far lower: mend the initialisation or the factors on the scores."
            if usual
            else "Weights as torch draws them start no better: bring inputs and targets to unit scale."
        )
    explains = ("optimisation.update-ratio-off", "optimisation.exploding-gradient", "model.constant-output")
    return Finding(NAME, "warning", message, places[:4], dict(evidence), remedy, explains, 0.6)

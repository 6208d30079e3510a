"""model.saturated-activations: sigmoid or tanh units that sit in their flat parts.

## What it finds
Hidden layers with sigmoid or tanh of which most outputs are next to the bounds, from the first step on.

## Why it harms
There the slope is next to zero: hardly any gradient passes, and the layers before learn slowly or not at all.

## How it is recognised
The share of outputs within 3 % of a bound, in the recorded training steps. Only units that feed further layers
count: the outputs of a network may well be certain. Gates (sigmoids that are multiplied with something) are passed
over. A layer that was open at first and saturates while the loss falls has learnt to decide: that is not named
either.

## What it cannot see
Activations inside of fused recurrent layers.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 16)
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 64)
        self.second = nn.Linear(64, 64)
        self.out = nn.Linear(64, 2)

    def forward(self, x):
        x = torch.tanh(10 * self.first(x))
        x = torch.tanh(10 * self.second(x))
        return self.out(x)


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(5):
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
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 64)
        self.second = nn.Linear(64, 64)
        self.out = nn.Linear(64, 2)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        x = torch.tanh(self.second(x))
        return self.out(x)


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(5):
    for rows in torch.randperm(512).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
With unit-normal inputs about 3.6 % of the outputs of tanh are that near to a bound, with a standard deviation of 3
half of them.

## References
Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from seatrial.events import Node
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules import where
from seatrial.rules.graph import WEIGHT_OPS, Graph
from seatrial.rules.patterns import wants_gradient
from seatrial.rules.scales import BOUNDED, init_lines
from seatrial.rules.series import head_and_tail

NAME = "model.saturated-activations"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """share, late_share: of the outputs within 3 % of a bound, at the first step and at the median of the later half of the recorded
    steps.
    fallen: loss at the end relative to the start, below which a network evidently learns in spite of it."""

    share: float = 0.5
    late_share: float = 0.8
    fallen: float = 0.5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    seen: dict[tuple[str, int, str], list[Node]] = {}
    for graph in map(Graph, run.training_graphs):
        for node in graph.calls(*BOUNDED):
            if "high_share" in node.stats and wants_gradient(node) and feeds_layers(graph, node):
                key = (node.module, node.where.line if node.where else 0, node.op)
                seen.setdefault(key, []).append(node)
    bad = [nodes for nodes in seen.values() if _saturated(run, [share(node) for node in nodes], limits)]
    if bad:
        worst = max(bad, key=lambda nodes: median(share(node) for node in nodes))
        yield _finding(run, worst, len(bad))


def share(node: Node) -> float:
    """The share of outputs next to a bound."""
    return node.stats.get("low_share", 0.0) + node.stats.get("high_share", 0.0)


def feeds_layers(graph: Graph, node: Node) -> bool:
    """Whether outputs go on into weights, and are not gates, probabilities or actions."""
    if any(later.op in ("mul", "lerp", "rsub", "addcmul") for later in graph.consumers(node)):
        return False
    return any(graph.node(index).op in WEIGHT_OPS for index in graph.downstream(node)) and graph.in_network(node)


def _saturated(run: Run, shares: list[float], limits: Thresholds) -> bool:
    if shares[0] >= limits.share and median(shares) >= limits.share:
        return True
    return median(shares[len(shares) // 2 :]) >= limits.late_share and len(shares) > 2 and not _learns(run, limits)


def _learns(run: Run, limits: Thresholds) -> bool:
    call = run.main_call
    if call is None or len(run.losses[call]) < 6:
        return True
    first, last = head_and_tail(run.losses[call].values)
    return last < limits.fallen * first


def _finding(run: Run, nodes: list[Node], layers: int) -> Finding:
    shares = [share(node) for node in nodes]
    message = (
        f"{percent(median(shares))} of the outputs of `{nodes[0].op}` are within 3 % of a bound, where its slope is next to "
        f"zero ({percent(shares[0])} at the first step; {layers} layer{'s' if layers > 1 else ''})."
    )
    evidence = {"saturated_share": median(shares), "saturated_share_at_first": shares[0], "layers": layers}
    places = [*(init_lines(run) if shares[0] >= 0.5 else ()), *where.lines(run, nodes[0])]
    explains = ("optimisation.vanishing-gradient", "optimisation.loss-not-decreasing", "model.constant-output")
    explains += ("optimisation.learning-rate-too-low",)
    remedy = "Bring the inputs to unit scale, start the weights at Xavier's scale, or use another activation."
    return Finding(NAME, "warning", message, where.distinct(places)[:4], dict(evidence), remedy, explains, 0.8)

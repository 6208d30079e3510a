"""An activation on the output keeps it from reaching the targets' range.

## What it finds
A ReLU, sigmoid, tanh, softplus, softmax or clamp as the last step before the loss, where the targets of this run lie outside of the
values that it can give; and a rectifier or a tanh on the logits that go into cross-entropy or binary cross-entropy. The states of a
recurrent layer come out of a tanh, too: they want a linear layer after them.

## Why it harms
What the network cannot say it cannot learn: a ReLU predicts 0 for every negative target and gets no gradient there, a sigmoid never
exceeds 1. Rectified logits can call no class unlikely, and where all of them are 0 no gradient flows.

## How it is recognised
The interval of possible values is followed from the activation through scaling by numbers to the loss, and compared with the
least and greatest target that met it in the recorded steps. For logits the activation itself is enough, unless the range is
wide (soft caps such as `30 * tanh(x / 30)`) or the rectified maps are pooled before the loss, as SqueezeNet does.

## What it cannot see
Targets outside of the range that came in none of the recorded steps.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x[:, :1] - 2 * x[:, 1:2]
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), nn.ReLU())
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
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
y = x[:, :1] - 2 * x[:, 1:2]
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`beyond`: how far targets must lie outside of the range, in standard deviations of the targets; `narrow`: width of a range of logits.

## References
Goodfellow, Bengio, Courville, Deep Learning, 2016, section 6.2.2 (output units).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Place
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.graph import Graph
from seatrial.rules.losses import REGRESSIONS, meetings
from seatrial.rules.patterns import shape, sigmoid_at, softmax_at
from seatrial.rules.ranges import RECURRENT, Range, range_of
from seatrial.rules.where import lines

NAME = "model.output-activation"
EXPLAINS = (
    "model.dead-units",
    "model.saturated-activations",
    "model.constant-output",
    "model.initial-loss-off",
    "optimisation.vanishing-gradient",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
)
_LOGIT_LOSSES = (
    "cross_entropy",
    "binary_cross_entropy_with_logits",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
)
_RECTIFIERS = frozenset(["relu", "relu6", "softplus", "abs", "square", "exp", "gelu", "silu", "pow", "rnn_relu"])


@dataclass(frozen=True)
class Thresholds:
    """beyond: distance of targets from the range, in standard deviations of the targets (noise around a bound stays below).
    narrow: width of a range of logits in nats: with 2 the odds of two classes reach 7 to 1 at most."""

    beyond: float = 0.5
    narrow: float = 2.5


@dataclass
class _Seen:
    """Targets that met predictions of one range at one line."""

    range: Range
    node: Node
    low: float
    high: float
    std: float


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Outputs that cannot reach their targets, once for each activation."""
    met: dict[tuple[Place | None, Place | None, str], _Seen] = {}
    said: set[object] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        _collect(graph, met)
        for finding in _logits(run, graph, limits):
            if finding.where[:1] not in said:
                said.add(finding.where[:1])
                yield finding
    for key, sample in met.items():
        finding = _beyond(run, sample, limits)
        if finding is not None and key[1] not in said:
            said.add(key[1])
            yield finding


def _collect(graph: Graph, met: dict[tuple[Place | None, Place | None, str], _Seen]) -> None:
    for meeting in meetings(graph):
        if meeting.node.op not in REGRESSIONS and meeting.node.op not in ("sub", "rsub"):
            continue
        found, stats = range_of(graph, meeting.prediction), meeting.target.stats
        if found is None or "min" not in stats or not _alike(meeting.prediction, meeting.target):
            continue
        key = (meeting.node.where, found.maker.where, found.maker.module)
        old = met.get(key)
        low, high, std = stats["min"], stats["max"], stats.get("std", 0.0)
        if old is None:
            met[key] = _Seen(found, meeting.node, low, high, std)
        else:
            old.low, old.high, old.std = min(old.low, low), max(old.high, high), max(old.std, std)


def _alike(prediction: Node, target: Node) -> bool:
    """Both hold something about each example: as many elements, but for axes of size one."""
    first, second = shape(prediction), shape(target)
    return math.prod(first) > 1 and [size for size in first if size > 1] == [size for size in second if size > 1]


def _beyond(run: Run, sample: _Seen, limits: Thresholds) -> Finding | None:
    margin = limits.beyond * sample.std
    under, over = sample.range.low - sample.low, sample.high - sample.range.high
    if sample.std == 0.0 or max(under, over) <= margin or not math.isfinite(max(under, over)):
        return None
    maker = sample.range.maker
    message = (
        f"The output comes out of {maker.op} and lies between {_figure(sample.range.low)} and {_figure(sample.range.high)}, "
        f"but targets between {decimal(sample.low, 3)} and {decimal(sample.high, 3)} are to be reached."
    )
    evidence = {
        "activation": maker.op,
        "output_low": _figure(sample.range.low),
        "output_high": _figure(sample.range.high),
        "target_low": sample.low,
        "target_high": sample.high,
        "target_std": sample.std,
    }
    without = f"Put a linear layer after {maker.op}" if maker.op in RECURRENT else f"Leave {maker.op} out on the output"
    remedy = f"{without}, or bring the targets into its range."
    return Finding(NAME, "error", message, lines(run, maker, sample.node), evidence, remedy, EXPLAINS, 0.93)


def _figure(bound: float) -> str:
    return decimal(bound, 3) if math.isfinite(bound) else ("infinity" if bound > 0 else "minus infinity")


def _logits(run: Run, graph: Graph, limits: Thresholds) -> Iterator[Finding]:
    for loss, scores in _logits_of(graph):
        found = range_of(graph, scores, pooled=False)
        if found is None or loss.index not in graph.differentiable or found.maker.op in ("clamp", "log_softmax"):
            continue
        rectified = found.maker.op in _RECTIFIERS and found.low > -0.5 and not math.isfinite(found.high)
        narrow = (
            found.width <= limits.narrow and found.maker.op not in ("sigmoid", "softmax") and _squashed(graph, found)
        )
        if not rectified and not narrow:
            continue
        what = (
            "cannot be negative" if rectified else f"lie between {decimal(found.low, 3)} and {decimal(found.high, 3)}"
        )
        recurs = found.maker.op in RECURRENT
        message = (
            f"The states of {found.maker.op} are given to {loss.op} with no linear layer between: the logits {what}."
            if recurs
            else f"{found.maker.op} stands between the last layer and {loss.op}: the logits {what}."
        )
        evidence = {"activation": found.maker.op, "loss": loss.op} | {
            name: found.maker.stats[name] for name in ("zero_share", "min", "max") if name in found.maker.stats
        }
        remedy = (
            f"Put a linear layer between {found.maker.op} and the loss."
            if recurs
            else f"Give the last layer's output to the loss without {found.maker.op}."
        )
        yield Finding(NAME, "error", message, lines(run, found.maker, loss), evidence, remedy, EXPLAINS, 0.93)


def _squashed(graph: Graph, found: Range) -> bool:
    return sigmoid_at(graph, found.maker) is None and softmax_at(graph, found.maker) is None


def _logits_of(graph: Graph) -> Iterator[tuple[Node, Node]]:
    """Losses with the logits behind them: also behind the softmax or sigmoid that the user takes himself."""
    for loss in graph.calls(*_LOGIT_LOSSES):
        scores = graph.source(loss, 0, "input")
        if scores is not None:
            yield loss, scores
    for loss in graph.calls("nll_loss", "nll_loss_nd", "binary_cross_entropy"):
        given = graph.source(loss, 0, "input")
        inner = graph.back(given) if given is not None else None
        if inner is None:
            continue
        softmax, sigmoid = softmax_at(graph, inner), sigmoid_at(graph, inner)
        if softmax is not None:
            yield loss, softmax.scores
        elif sigmoid is not None:
            yield loss, sigmoid


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The last layer's output as it is."""
    name = finding.evidence.get("activation")
    if name in RECURRENT:
        return None
    lines = {(place.file, place.line) for place in finding.where}
    nodes = [
        node
        for node in graph
        if node.op == name
        and node.where
        and (node.where.file, node.where.line) in lines
        and node.index in graph.differentiable
    ]
    return Mend(f"{name} removed", (Edit(nodes[-1].index, "pass"),)) if nodes else None

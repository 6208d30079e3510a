"""The negative log-likelihood loss is given something other than log-probabilities.

## What it finds
`nn.NLLLoss`, `F.nll_loss` or `F.ctc_loss` that receives raw scores or probabilities; and the same written by hand: the negative
entry of the right class, picked from raw scores.

## Why it harms
The loss only picks the entry of the right class and changes its sign. On raw scores it falls without bound as the scores grow; on
probabilities it is bounded by -1, and its gradient vanishes where the network is most wrong. The loss turns negative, which no
log-likelihood of classes does.

## How it is recognised
Log-probabilities have a log-sum-exp of 0 over the classes. Where that of the loss's input is not 0, and no logarithm was taken
between the last weights and the loss, the input is none. (Scores that were log-probabilities and then weighted, as in a focal
loss, are left alone.)

## What it cannot see
Logarithms of something that is no probability.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4), nn.Softmax(dim=1))
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = criterion(model(x[rows]), y[rows])
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
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4), nn.LogSoftmax(dim=1))
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`tolerance`: greatest log-sum-exp over the classes that counts as 0.

## References
PyTorch documentation of NLLLoss: "The input given through a forward call is expected to contain log-probabilities of each class".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.graph import SHAPE_OPS, WEIGHT_OPS, Graph
from seatrial.rules.losses import terms
from seatrial.rules.patterns import integral, scaled_back, shape, sigmoid_at, softmax_at, wants_gradient
from seatrial.rules.where import lines

NAME = "model.nll-without-log-softmax"
EXPLAINS = (
    "model.initial-loss-off",
    "model.output-activation",
    "optimisation.exploding-gradient",
    "optimisation.non-finite-loss",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
    "optimisation.vanishing-gradient",
)
_LOGARITHMS = frozenset(
    ["log", "log_softmax", "logsigmoid", "logsumexp", "log1p", "log2", "log10", "logcumsumexp", "logaddexp", "log_"]
)


@dataclass(frozen=True)
class Thresholds:
    """tolerance: greatest absolute log-sum-exp (nats) of log-probabilities; smoothing by 1e-3 stays below it."""

    tolerance: float = 0.05


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Losses that expect log-probabilities and get none, once for each line of a loss."""
    said: set[object] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        for loss in graph.calls("nll_loss", "nll_loss_nd", "nll_loss2d", "ctc_loss"):
            given = graph.source(loss, 0, "input" if loss.op != "ctc_loss" else "log_probs")
            if given is None or not wants_gradient(given) or loss.where in said:
                continue
            if _normalised(loss, given, limits) or _logarithm_on_the_way(graph, given):
                continue
            said.add(loss.where)
            yield _finding(run, graph, loss, given)
        picked = _picked(graph)
        if picked is not None and picked[0].where not in said:
            said.add(picked[0].where)
            yield _finding(run, graph, *picked)


def _picked(graph: Graph) -> tuple[Node, Node] | None:
    """A loss written by hand that is nothing but the negative entry of the right class: the call that picks it, and what
    it picks from, where these are the results of the last weights themselves."""
    found = terms(graph)
    if len(found) != 1 or found[0].sign >= 0:
        return None
    source = graph.back(found[0].node)
    given = graph.back(source, SHAPE_OPS | {"gather"}) if source.op == "gather" else source
    later = graph.downstream(given) & graph.differentiable
    picks = [node for node in graph.calls("gather", "getitem") if node.index in later and _by_target(graph, node)]
    return (picks[0], given) if picks and given.op in WEIGHT_OPS and len(shape(given)) > 1 else None


def _by_target(graph: Graph, pick: Node) -> bool:
    indices = [node for node in graph.inputs(pick)[1:] if integral(node)]
    return any(node.role == "target" or graph.back(node).role == "target" for node in indices)


def _normalised(loss: Node, given: Node, limits: Thresholds) -> bool:
    last = loss.op == "ctc_loss" or len(shape(given)) == 1
    value = given.stats.get("logsumexp_absmax" if last else "class_logsumexp_absmax")
    if value is None and len(shape(given)) == 2:
        value = given.stats.get("logsumexp_absmax")
    return value is not None and value <= limits.tolerance


def _logarithm_on_the_way(graph: Graph, given: Node) -> bool:
    """Whether a logarithm lies between the last weights and the loss."""
    nodes = [given, *(graph.node(at) for at in graph.upstream(given, lambda node: node.op in WEIGHT_OPS))]
    return any(node.op in _LOGARITHMS or node.op.startswith("apply:") for node in nodes)


def _finding(run: Run, graph: Graph, loss: Node, given: Node) -> Finding:
    reached, _ = scaled_back(graph, given)
    softmax = softmax_at(graph, reached)
    probabilities = softmax is not None or sigmoid_at(graph, reached) is not None
    what = "probabilities" if probabilities else "scores that are no log-probabilities"
    stats = {f"given_{key}": given.stats[key] for key in ("min", "max", "class_logsumexp_absmax") if key in given.stats}
    figures = (
        f" (they lie between {decimal(stats['given_min'], 3)} and {decimal(stats['given_max'], 3)})"
        if "given_max" in stats
        else ""
    )
    name = loss.op if "loss" in loss.op else "The negative entry of the right class"
    message = f"{name} expects log-probabilities but receives {what}{figures}."
    remedy = (
        "Replace the softmax by log_softmax, or give raw scores to cross-entropy."
        if probabilities
        else "Take log_softmax over the classes first, or use cross-entropy."
    )
    where = lines(run, *([reached, loss] if probabilities else [loss, reached]), callers=not probabilities)
    return Finding(NAME, "error", message, where, {"input": what, **stats}, remedy, EXPLAINS, 0.97)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Log-probabilities given to the loss: of scores their log-softmax, of probabilities the logarithm."""
    edits: list[Edit] = []
    for loss in graph.calls("nll_loss", "nll_loss_nd"):
        given = graph.source(loss, 0, "input")
        if given is None or given.role or _normalised(loss, given, Thresholds()):
            continue
        reached, _ = scaled_back(graph, given)
        makes_probabilities = softmax_at(graph, reached) is not None or sigmoid_at(graph, reached) is not None
        edits.append(Edit(given.index, "log" if makes_probabilities else "normalise"))
    return Mend("log-probabilities given to the loss", tuple(edits)) if edits else None

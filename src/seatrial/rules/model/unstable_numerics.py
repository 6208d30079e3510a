"""A hand-written formula loses precision or has an infinite slope.

## What it finds
The logarithm of a softmax, of a sigmoid or of 1 minus it; log(1 + exp(x)) and exp(x) / sum(exp(x)) without the greatest score taken off;
square roots, powers below one and inverse cosines where their slope is infinite; quotients by zero; a variance as the difference of
two large means; the logarithm of scores or of log-probabilities, as if they were probabilities.

## Why it harms
A probability that is rounded to 0 has the logarithm minus infinity; exp(89) overflows in float32; the slope of a square root at 0 is
infinite, and infinity times zero is NaN in the gradient, after which every weight is NaN.

## How it is recognised
By figures of the recorded steps: an argument that was exactly 0 (or outside of the domain) on the way from the loss to the weights, a
first call that made something non-finite out of finite values. The classic formulas without a guard (no epsilon, no clamp) are a
warning where their arguments came close to the edge or the run ended in non-finite values, and else a note.

## What it cannot see
Values between the recorded steps.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = (x[:, 0] > 0).float()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        p = torch.sigmoid(40 * model(x[rows]).squeeze(1))
        loss = -(y[rows] * torch.log(p) + (1 - y[rows]) * torch.log(1 - p)).mean()
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
y = (x[:, 0] > 0).float()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`near_zero`: a probability so small that rounding to 0 is close; `near_overflow`: an exponent from which exp overflows soon.

## References
Blanchard, Higham, Higham, Accurately computing the log-sum-exp and softmax functions, 2021; Chan, Golub, LeVeque, Algorithms for
computing the sample variance, 1983.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import operands, scalar_operand, sigmoid_at, softmax_at
from seatrial.rules.source import own_lines
from seatrial.rules.where import distinct, lines

NAME = "model.unstable-numerics"
EXPLAINS = ("optimisation.non-finite-loss", "optimisation.exploding-gradient", "optimisation.loss-not-decreasing")
_BREAKING = frozenset(
    [
        "log",
        "log2",
        "log10",
        "log1p",
        "div",
        "rdiv",
        "reciprocal",
        "sqrt",
        "rsqrt",
        "exp",
        "expm1",
        "pow",
        "rpow",
        "std",
        "var",
        "acos",
        "asin",
        "atanh",
        "norm",
        "prod",
    ]
)
_SCORES = frozenset(["linear", "addmm", "conv1d", "conv2d", "conv3d", "log_softmax"])
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Thresholds:
    """near_zero: 1e-12; training makes probabilities smaller by orders of magnitude, and float32 ends at 1e-45.
    near_one: 1 - p is rounded to 0 from p = 1 - 3e-8 on. near_overflow: exp overflows in float32 from 88.7 on.
    cancelled: share of a difference in its terms below which float32 (1e-7) leaves two digits."""

    near_zero: float = 1e-12
    near_one: float = 1e-6
    near_overflow: float = 60.0
    cancelled: float = 1e-5


@dataclass(frozen=True, slots=True)
class Weakness:
    """A call that is numerically weak: what it does, how near to the edge it came, what would mend it, what comes of it."""

    node: Node
    what: str
    remedy: str
    at_edge: bool
    near: bool
    explains: tuple[str, ...] = EXPLAINS


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Numerically weak formulas, once for each line, the worst word that the recorded steps give."""
    broken = _run_broke(run)
    worst: dict[object, Finding] = {}
    for seen in run.training_graphs:
        graph = Graph(seen)
        for node in graph:
            if node.index not in graph.differentiable:
                continue
            weakness = _of_scores(graph, node) or _first_nonfinite(graph, node) or _weakness(graph, node, limits)
            if weakness is None:
                continue
            finding = _finding(run, graph, weakness, broken)
            known = worst.get(node.where)
            if known is None or _ORDER[finding.severity] < _ORDER[known.severity]:
                worst[node.where] = finding
    yield from worst.values()


def _run_broke(run: Run) -> bool:
    """Whether a loss or a gradient of the run became non-finite."""
    losses = any(not math.isfinite(value) for series in run.losses.values() for value in series.values)
    return losses or any(any(look.nonfinite) for look in run.looks)


def _finding(run: Run, graph: Graph, weakness: Weakness, broken: bool) -> Finding:
    node = weakness.node
    source = next((part for part in graph.inputs(node) if part.stats), node)
    evidence = {f"argument_{key}": source.stats[key] for key in ("min", "max") if key in source.stats}
    severity: Severity = "note"
    confidence = 0.6
    if broken and (weakness.at_edge or weakness.near):
        severity, confidence = "error", 0.95 if weakness.at_edge else 0.85
    elif broken:
        severity, confidence = "warning", 0.7
    elif weakness.near or weakness.at_edge:
        severity, confidence = "warning" if weakness.near else "note", 0.75
    message = f"{weakness.what}" + (", and values of this run became non-finite." if broken else ".")
    explains = weakness.explains if severity != "note" else ()
    where = distinct([*own_lines(run, graph, node), *lines(run, node)])
    return Finding(NAME, severity, message, where, evidence, weakness.remedy, explains, confidence)


def _of_scores(graph: Graph, node: Node) -> Weakness | None:
    """The logarithm of what a layer, or a log_softmax, gives as it is: no probabilities, whatever the learning rate."""
    source = graph.source(node, 0, "input") if node.op in ("log", "log2", "log10") else None
    if source is None or not source.stats.get("min", 0.0) < 0:
        return None
    reached = graph.back(source)
    if reached.op == "add" and (parts := scalar_operand(graph, reached)) is not None:
        reached = graph.back(parts[0])
    if reached.op not in _SCORES or not graph.in_network(reached):
        return None
    given = "log-probabilities" if reached.op == "log_softmax" else "a layer's plain scores"
    what = f"The logarithm of {given} is taken, as if they were probabilities; the least was {source.stats['min']:.3g}"
    remedy = "Give scores to cross_entropy and log-probabilities to nll_loss, without another logarithm."
    return Weakness(node, what, remedy, True, True, (*EXPLAINS, "optimisation.learning-rate-too-high"))


def _first_nonfinite(graph: Graph, node: Node) -> Weakness | None:
    """A call that made something non-finite of finite values."""
    if not node.stats.get("nonfinite", 0.0) or node.op not in _BREAKING:
        return None
    if any(source.stats.get("nonfinite", 0.0) for source in graph.inputs(node)):
        return None
    what = f"{node.op} gave {node.stats['nonfinite']:.0f} non-finite values of finite ones"
    return Weakness(
        node, what, "Keep its argument away from the edge of its domain (clamp, or a stable function).", True, True
    )


def _weakness(graph: Graph, node: Node, limits: Thresholds) -> Weakness | None:
    match node.op:
        case "log" | "log2" | "log10":
            return _logarithm(graph, node, limits)
        case "log1p":
            return _log_one_plus(graph, node, graph.source(node, 0, "input"), limits)
        case "sqrt" | "rsqrt" | "pow" | "acos" | "asin" | "atanh":
            return _steep(graph, node)
        case "div":
            return _quotient(graph, node, limits)
        case "sub":
            return _difference(graph, node, limits)
        case _:
            return None


def _logarithm(graph: Graph, node: Node, limits: Thresholds) -> Weakness | None:
    source = graph.source(node, 0, "input")
    if source is None or source.index not in graph.differentiable:
        return None
    reached = graph.back(source)
    low = min(source.stats.get("min", 1.0), reached.stats.get("min", 1.0) if reached.op != "leaf" else 1.0)
    if softmax_at(graph, reached) is not None:
        what = f"The logarithm of a softmax is taken; its least argument was {low:.2g}"
        return Weakness(
            node, what, "Use log_softmax (or cross-entropy on the scores).", low <= 0, low < limits.near_zero
        )
    if sigmoid_at(graph, reached) is not None:
        what = f"The logarithm of a sigmoid is taken; its least argument was {low:.2g}"
        remedy = "Use logsigmoid (or binary_cross_entropy_with_logits)."
        return Weakness(node, what, remedy, low <= 0, low < limits.near_zero)
    if reached.op in ("sub", "rsub"):
        one, part = operands(graph, reached)
        inner = graph.back(part) if isinstance(part, Node) else None
        if (
            one == 1.0
            and inner is not None
            and (sigmoid_at(graph, inner) is not None or softmax_at(graph, inner) is not None)
        ):
            what = f"The logarithm of 1 minus a probability is taken; its least argument was {low:.2g}"
            remedy = "Use logsigmoid(-x) (or binary_cross_entropy_with_logits)."
            return Weakness(node, what, remedy, low <= 0, low < limits.near_one)
    if reached.op == "add":
        parts = scalar_operand(graph, reached)
        if parts is not None and parts[1] == 1.0:
            return _log_one_plus(graph, node, parts[0], limits)
    if reached.op == "sum" and _is_exponential(graph, reached) is not None:
        return _overflowing(graph, node, _is_exponential(graph, reached), "log(sum(exp(x)))", "torch.logsumexp", limits)
    if low <= 0 and source.stats.get("nonfinite", 0.0) == 0:
        return Weakness(
            node, f"The logarithm of {low:.3g} was taken", "Clamp the argument, or add a small number.", True, True
        )
    return None


def _log_one_plus(graph: Graph, node: Node, inner: Node | None, limits: Thresholds) -> Weakness | None:
    if inner is None or inner.op != "exp":
        return None
    return _overflowing(graph, node, graph.source(inner, 0, "input"), "log(1 + exp(x))", "F.softplus", limits)


def _is_exponential(graph: Graph, summed: Node) -> Node | None:
    """The exponents of a sum of exponentials."""
    source = graph.source(summed, 0, "input")
    inner = graph.back(source) if source is not None else None
    return graph.source(inner, 0, "input") if inner is not None and inner.op == "exp" else None


def _overflowing(
    graph: Graph, node: Node, exponents: Node | None, formula: str, instead: str, limits: Thresholds
) -> Weakness | None:
    if exponents is None or _greatest_taken_off(graph, exponents):
        return None
    high = exponents.stats.get("max", math.nan)
    what = f"{formula} is written out" + ("" if math.isnan(high) else f"; its greatest exponent was {high:.3g}")
    return Weakness(node, what, f"Use {instead}.", high > 88.7, high > limits.near_overflow)


def _greatest_taken_off(graph: Graph, exponents: Node) -> bool:
    """Whether a maximum was subtracted from the exponents."""
    if exponents.op != "sub":
        return exponents.stats.get("max", 1.0) <= 0
    _, taken = operands(graph, exponents)
    if not isinstance(taken, Node):
        return False
    return any(graph.node(at).op in ("max", "amax", "logsumexp") for at in {taken.index, *graph.upstream(taken)})


def _steep(graph: Graph, node: Node) -> Weakness | None:
    """Where a slope is infinite: at 0 for roots, at 1 for inverse cosines."""
    source = graph.source(node, 0, "input")
    if source is None or source.index not in graph.differentiable or "min" not in source.stats:
        return None
    low, far = source.stats["min"], source.stats.get("absmax", 0.0)
    if node.op in ("acos", "asin", "atanh"):
        if far < 1.0:
            return None
        return Weakness(
            node,
            f"{node.op} was taken at {far:.3g}, where its slope is infinite",
            "Clamp to within 1 - 1e-6.",
            True,
            True,
        )
    exponent = graph.argument(node, 1, "exponent") if node.op == "pow" else 0.5
    if not isinstance(exponent, (int, float)) or exponent >= 1 or low > 0:
        return None
    name = f"The power {exponent:g}" if node.op == "pow" else f"The {node.op}"
    return Weakness(
        node, f"{name} was taken of {low:.3g}, where its slope is infinite", "Add a small number inside.", True, True
    )


def _quotient(graph: Graph, node: Node, limits: Thresholds) -> Weakness | None:
    if softmax_at(graph, node) is not None:
        found = softmax_at(graph, node)
        scores = found.scores if found is not None else None
        return _overflowing(graph, node, scores, "exp(x) / sum(exp(x))", "torch.softmax", limits)
    _, under = operands(graph, node)
    if not isinstance(under, Node) or under.stats.get("min", 1.0) != 0.0:
        return None
    return Weakness(node, "A quotient was taken by exactly 0", "Add a small number to the denominator.", True, True)


def _difference(graph: Graph, node: Node, limits: Thresholds) -> Weakness | None:
    """Mean of squares minus square of the mean."""
    left, right = operands(graph, node)
    if not isinstance(left, Node) or not isinstance(right, Node) or left.op != "mean":
        return None
    squares = graph.source(left, 0, "input")
    if squares is None or not _squared(graph, squares) or not _squared(graph, right):
        return None
    mean = graph.source(right, 0, "input")
    if mean is None or mean.op != "mean" or graph.source(squares, 0, "input") is not graph.source(mean, 0, "input"):
        return None
    size, low = right.stats.get("absmax", 0.0), node.stats.get("min", 1.0)
    share = abs(low) / size if size else 1.0
    what = f"A variance is taken as a difference of means of up to {size:.3g}; the least was {low:.3g}"
    return Weakness(node, what, "Use var, or subtract the mean first.", low < 0, share < limits.cancelled)


def _squared(graph: Graph, node: Node) -> bool:
    if node.op == "mul":
        sources = graph.inputs(node)
        return len(sources) == 2 and sources[0].index == sources[1].index
    return node.op == "square" or (node.op == "pow" and graph.argument(node, 1, "exponent") in (2, 2.0))

"""Formulas that are numerically weak as they are written, and calls that lost finite values, in a recorded step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.events import Node
from seatrial.numbers import decimal
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import operands, scalar_operand, sigmoid_at, softmax_at

if TYPE_CHECKING:
    from seatrial.rules.model.unstable_numerics import Thresholds

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


@dataclass(frozen=True, slots=True)
class Weakness:
    """A call that is numerically weak: what it does, how near to the edge it came, what would mend it. `also`: findings
    that it explains beside those that every such weakness does."""

    node: Node
    what: str
    remedy: str
    at_edge: bool
    near: bool
    also: tuple[str, ...] = ()


def weakness_of(graph: Graph, node: Node, limits: Thresholds) -> Weakness | None:
    """What is numerically weak in a call, if anything is."""
    return _of_scores(graph, node) or _first_nonfinite(graph, node) or _of_formula(graph, node, limits)


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
    what = f"The logarithm of {given} is taken, as if they were probabilities; the least was {decimal(source.stats['min'], 3)}"
    remedy = "Give scores to cross_entropy and log-probabilities to nll_loss, without another logarithm."
    return Weakness(node, what, remedy, True, True, ("optimisation.learning-rate-too-high",))


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


def _of_formula(graph: Graph, node: Node, limits: Thresholds) -> Weakness | None:
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
        what = f"The logarithm of a softmax is taken; its least argument was {decimal(low, 2)}"
        return Weakness(
            node, what, "Use log_softmax (or cross-entropy on the scores).", low <= 0, low < limits.near_zero
        )
    if sigmoid_at(graph, reached) is not None:
        what = f"The logarithm of a sigmoid is taken; its least argument was {decimal(low, 2)}"
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
            what = f"The logarithm of 1 minus a probability is taken; its least argument was {decimal(low, 2)}"
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
            node,
            f"The logarithm of {decimal(low, 3)} was taken",
            "Clamp the argument, or add a small number.",
            True,
            True,
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
    what = f"{formula} is written out" + ("" if math.isnan(high) else f"; its greatest exponent was {decimal(high, 3)}")
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
            f"{node.op} was taken at {decimal(far, 3)}, where its slope is infinite",
            "Clamp to within 1 - 1e-6.",
            True,
            True,
        )
    exponent = graph.argument(node, 1, "exponent") if node.op == "pow" else 0.5
    if not isinstance(exponent, (int, float)) or exponent >= 1 or low > 0:
        return None
    name = f"The power {decimal(exponent)}" if node.op == "pow" else f"The {node.op}"
    return Weakness(
        node,
        f"{name} was taken of {decimal(low, 3)}, where its slope is infinite",
        "Add a small number inside.",
        True,
        True,
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
    what = f"A variance is taken as a difference of means of up to {decimal(size, 3)}; the least was {decimal(low, 3)}"
    return Weakness(node, what, "Use var, or subtract the mean first.", low < 0, share < limits.cancelled)


def _squared(graph: Graph, node: Node) -> bool:
    if node.op == "mul":
        sources = graph.inputs(node)
        return len(sources) == 2 and sources[0].index == sources[1].index
    return node.op == "square" or (node.op == "pow" and graph.argument(node, 1, "exponent") in (2, 2.0))

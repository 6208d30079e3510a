"""The part of a step that comes after the network: where predictions meet targets, and with which sign terms enter the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Ref
from seatrial.rules.graph import LOSS_OPS, SHAPE_OPS, WEIGHT_OPS, Graph
from seatrial.rules.patterns import operands, shape, wants_gradient

REGRESSIONS = frozenset(["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
_LINEAR = SHAPE_OPS | frozenset(["mean", "sum", "nanmean", "nansum"])


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where a prediction meets a target: a loss function, or a difference written by hand."""

    node: Node
    prediction: Node
    target: Node


@dataclass(frozen=True, slots=True)
class Term:
    """A summand of the loss that is no sum or multiple itself. `sign` is that of its factor; 0 where it is unknown."""

    node: Node
    sign: int


def after_network(graph: Graph) -> set[int]:
    """Indices of nodes from which no further weights are met on the way to the loss."""
    before: set[int] = set()
    for node in reversed(graph.nodes):
        if any(consumer.op in WEIGHT_OPS or consumer.index in before for consumer in graph.consumers(node)):
            before.add(node.index)
    return {node.index for node in graph.nodes} - before


def meetings(graph: Graph) -> list[Meeting]:
    """All meetings of a prediction with a target, in order."""
    late = after_network(graph)
    found: list[Meeting] = []
    for node in graph:
        if node.op in LOSS_OPS:
            found += _functional(graph, node)
        elif node.op in ("sub", "rsub") and node.index in late and node.index in graph.differentiable:
            left, right = operands(graph, node)
            if isinstance(left, Node) and isinstance(right, Node) and wants_gradient(left) != wants_gradient(right):
                pair = (left, right) if wants_gradient(left) else (right, left)
                found.append(Meeting(node, *pair))
    return found


def _functional(graph: Graph, node: Node) -> list[Meeting]:
    first, second = graph.source(node, 0, "input"), graph.source(node, 1, "target")
    if first is None or second is None or node.index not in graph.differentiable:
        return []
    if wants_gradient(second) and not wants_gradient(first):
        first, second = second, first
    return [Meeting(node, first, second)] if wants_gradient(first) and not wants_gradient(second) else []


def terms(graph: Graph) -> list[Term]:
    """The summands of the loss with their signs, walked from the loss through sums, means, and multiples by numbers."""
    found: dict[int, Term] = {}
    todo = [(graph.node(ref), 1) for ref in graph.seen.outputs]
    for _ in range(2000):
        if not todo:
            break
        node, sign = todo.pop()
        if _is_turned_off(graph, node):
            continue
        parts = list(_parts(graph, node, sign)) if not node.role else []
        if parts:
            todo += parts
        elif wants_gradient(node):
            known = found.get(node.index)
            found[node.index] = Term(node, sign if known is None or known.sign == sign else 0)
    return sorted(found.values(), key=lambda term: term.node.index)


def _parts(graph: Graph, node: Node, sign: int) -> Iterator[tuple[Node, int]]:
    """What a linear call is the sum of, with signs; nothing where it is not linear."""
    left, right = operands(graph, node)
    match node.op:
        case "add" | "sub" | "rsub":
            for part, factor in ((left, 1), (right, 1 if node.op == "add" else -1)):
                if isinstance(part, Node):
                    yield part, sign * factor * _alpha(node, part is right)
        case "neg":
            yield from ((source, -sign) for source in graph.inputs(node))
        case "mul" | "div" | "rmul":
            yield from _multiple(node, left, right, sign)
        case op if op in _LINEAR:
            sources = graph.inputs(node)
            yield from ((source, sign) for source in (sources if op in ("cat", "stack") else sources[:1]))
        case _:
            return


def _is_turned_off(graph: Graph, node: Node) -> bool:
    """A term whose factor is the number 0, as an optional part of a loss is by default."""
    return node.op in ("mul", "rmul") and 0.0 in operands(graph, node)


def _alpha(node: Node, right: bool) -> int:
    alpha = node.kwargs.get("alpha", 1)
    return -1 if right and isinstance(alpha, (int, float)) and alpha < 0 else 1


def _multiple(
    node: Node, left: Node | float | None, right: Node | float | None, sign: int
) -> Iterator[tuple[Node, int]]:
    for part, factor in ((left, right), (right, left)):
        if isinstance(part, Node) and isinstance(factor, float):
            yield part, sign * (1 if factor > 0 else -1 if factor < 0 else 0)
            return
    if node.op != "div" and isinstance(right, Node) and isinstance(left, Node):
        number = left if shape(left) == () and not wants_gradient(left) else right
        if shape(number) == () and not wants_gradient(number):
            yield (right if number is left else left), 0
    if node.op == "div" and isinstance(left, Node) and isinstance(right, Node) and not wants_gradient(right):
        yield left, sign


def penalties(graph: Graph) -> list[tuple[Node, float]]:
    """The summands of the loss that depend on nothing but parameters and constants, with the factors they enter by."""
    data: set[int] = set()
    for node in graph:
        if (
            node.role not in ("", "parameter", "constant")
            or node.random
            or any(n.index in data for n in graph.inputs(node))
        ):
            data.add(node.index)
    found: list[tuple[Node, float]] = []
    todo = [(graph.node(ref), 1.0) for ref in graph.seen.outputs]
    for _ in range(2000):
        if not todo:
            break
        node, factor = todo.pop()
        left, right = operands(graph, node)
        if node.index not in data:
            found += [(node, factor)] if wants_gradient(node) and shape(node) == () else []
        elif node.op in ("add", "sub"):
            sign = -1 if node.op == "sub" else 1
            todo += [(part, by) for part, by in ((left, factor), (right, sign * factor)) if isinstance(part, Node)]
        elif node.op in ("mul", "div") and isinstance(left, Node) and isinstance(right, float) and right:
            todo.append((left, factor * (right if node.op == "mul" else 1 / right)))
    return found


def guessing(graph: Graph, loss: Node, examples: int = 16) -> float | None:
    """The loss of an answer that knows nothing: ln(classes), ln 2, or the variance of at least so many targets."""
    prediction, target = graph.source(loss, 0, "input"), graph.source(loss, 1, "target")
    if prediction is None or target is None or prediction.index not in graph.depends_on_parameters:
        return None
    if loss.op in ("cross_entropy", "nll_loss", "nll_loss_nd"):
        size = shape(prediction)
        return math.log(size[1]) if len(size) > 1 and size[1] > 1 else None
    if loss.op in BINARY:
        return math.log(2)
    data = graph.back(target)
    std = data.stats.get("std", 0.0)
    return std * std if data.role == "target" and math.prod(shape(data)) >= examples and std > 0 else None


def is_square_of(graph: Graph, node: Node) -> Node | None:
    """What a node is the square, the absolute value or a norm of."""
    source = graph.source(node, 0, "input")
    if source is None:
        return None
    exponent = graph.argument(node, 1, "exponent")
    if node.op in ("square", "abs", "norm", "vector_norm") or (node.op == "pow" and exponent in (2, 2.0)):
        return source
    if node.op == "mul" and [ref.node for ref in node.args if isinstance(ref, Ref)] == [source.index] * 2:
        return source
    return None

"""Where the weights that a softmax made are used up: the axis over which something is summed with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Ref
from seatrial.rules.graph import SHAPE_OPS, Graph
from seatrial.rules.patterns import DROPOUTS, Softmax, carry, operands, reduced_axes, shape, wants_gradient

_PASSED = SHAPE_OPS | DROPOUTS | frozenset(["mul", "masked_fill", "where", "add", "div", "clamp", "nan_to_num"])
_PRODUCTS = frozenset(["matmul", "mm", "bmm", "baddbmm", "rmatmul", "mv", "dot"])
FARTHEST = 12


@dataclass(frozen=True, slots=True)
class Use:
    """Weights met values at `node`. `axis` is where the softmax axis is there (None: it was squeezed away or lost),
    `summed` the axes over which products are summed. `renormalised`: the weights were divided by a sum of theirs."""

    node: Node
    axis: int | None
    summed: tuple[int, ...]
    renormalised: bool = False

    @property
    def fits(self) -> bool:
        return self.axis is not None and self.axis in self.summed


def uses(graph: Graph, softmax: Softmax) -> list[Use]:
    """All places at which the result of a softmax is summed against something, as far as its axis can be followed."""
    found: list[Use] = []
    todo: list[tuple[Node, int | None, bool, int]] = [(softmax.node, softmax.axis, False, 0)]
    known: set[int] = set()
    while todo:
        node, axis, multiplied, depth = todo.pop()
        for consumer in graph.consumers(node):
            if consumer.index in known or depth > FARTHEST:
                continue
            known.add(consumer.index)
            use = _use(graph, softmax, node, consumer, axis, multiplied)
            if use is not None:
                found.append(use)
            elif consumer.op in _PASSED and wants_gradient(consumer):
                after = None if axis is None else carry(graph, consumer, node, axis)
                todo.append((consumer, after, multiplied or _meets_values(graph, consumer, node), depth + 1))
    return found


def _use(graph: Graph, softmax: Softmax, node: Node, consumer: Node, axis: int | None, multiplied: bool) -> Use | None:
    if consumer.op in _PRODUCTS:
        return Use(consumer, axis, (_product_axis(graph, consumer, node),))
    if consumer.op == "einsum":
        summed = _einsum_axes(graph, consumer, node)
        return Use(consumer, axis, summed) if summed is not None else None
    if consumer.op in ("sum", "mean") and multiplied:
        return Use(consumer, axis, reduced_axes(graph, consumer))
    if consumer.op == "div" and _own_sum(graph, softmax, consumer):
        return Use(consumer, axis, (), renormalised=True)
    return None


def _product_axis(graph: Graph, product: Node, node: Node) -> int:
    left, _ = operands(graph, product)
    dimensions = len(shape(node))
    is_left = isinstance(left, Node) and left.index == node.index
    return dimensions - 1 if is_left or dimensions == 1 else dimensions - 2


def _einsum_axes(graph: Graph, call: Node, node: Node) -> tuple[int, ...] | None:
    equation = call.args[0] if call.args else None
    if not isinstance(equation, str) or "->" not in equation:
        return None
    left, out = equation.replace(" ", "").split("->")
    given = list(_flat(call.args[1:]))
    for terms, ref in zip(left.split(","), given, strict=False):
        if graph.node(ref).index == node.index:
            letters = _letters(terms, len(shape(node)))
            return tuple(place for place, letter in enumerate(letters) if letter not in out)
    return None


def _letters(terms: str, dimensions: int) -> str:
    """Letters of an operand, an ellipsis filled with dots (which stand in the output too)."""
    return terms.replace("...", "." * (dimensions - len(terms.replace("...", ""))))


def _flat(arguments: tuple[object, ...]) -> Iterator[Ref]:
    for argument in arguments:
        if isinstance(argument, Ref):
            yield argument
        elif isinstance(argument, tuple):
            yield from _flat(argument)


def _meets_values(graph: Graph, consumer: Node, node: Node) -> bool:
    """Whether an elementwise product is one with values that are learned or come of the batch, not with a mask."""
    if consumer.op != "mul":
        return False
    others = [other for other in graph.inputs(consumer) if other.index != node.index]
    return any(wants_gradient(other) or other.role in ("input", "target") for other in others)


def _own_sum(graph: Graph, softmax: Softmax, division: Node) -> bool:
    _, under = operands(graph, division)
    if not isinstance(under, Node):
        return False
    return under.index != softmax.node.index and softmax.node.index in {
        under.index,
        *graph.upstream(under, lambda node: node.index <= softmax.node.index),
    }


def is_product_of_activations(graph: Graph, scores: Node) -> bool:
    """Whether scores compare two things that the network made of data: queries with keys."""
    node = scores
    for _ in range(FARTHEST):
        if node.op in _PRODUCTS or node.op == "einsum" or node.op == "cdist":
            parts = [part for part in graph.inputs(node) if wants_gradient(part)]
            made = [part for part in parts if part.role == "" and _of_data(graph, part)]
            return len(made) >= 2
        sources = [part for part in graph.inputs(node) if wants_gradient(part)]
        if node.op not in _PASSED | {"sub", "sum", "neg", "where"} or not sources:
            return False
        node = sources[0]
    return False


def _of_data(graph: Graph, node: Node) -> bool:
    reached = graph.upstream(node)
    return any(graph.node(at).role in ("input", "carried") for at in reached)

"""Recognising what a step computed, however the user spelled it: softmax, sigmoid, differences, and where an axis goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from seatrial.events import Argument, Node, Ref
from seatrial.rules.graph import SHAPE_OPS, Graph

DROPOUTS = frozenset(
    ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "feature_dropout"]
)
# Calls that leave every value where it was and only relabel axes: SHAPE_OPS without those that pick or join.
RELABELLING = SHAPE_OPS - frozenset(
    [
        "getitem",
        "narrow",
        "select",
        "chunk",
        "split",
        "unbind",
        "stack",
        "cat",
        "index_select",
        "masked_select",
        "expand",
        "expand_as",
        "repeat",
        "tile",
    ]
)
_SOFTMAXES = frozenset(["softmax", "log_softmax", "softmin", "gumbel_softmax"])
RESHAPES = frozenset(["view", "reshape", "flatten", "unflatten", "ravel", "view_as", "reshape_as"])
_SAME_AXES = frozenset(
    [
        "clone",
        "contiguous",
        "to",
        "float",
        "double",
        "half",
        "bfloat16",
        "type",
        "type_as",
        "cpu",
        "cuda",
        "identity",
        "requires_grad_",
        "add",
        "sub",
        "rsub",
        "mul",
        "div",
        "masked_fill",
        "where",
        "clamp",
        "clamp_min",
        "clamp_max",
        "log",
        "exp",
        "neg",
        "abs",
        "pow",
        "square",
        "detach",
        "nan_to_num",
        "relu",
        "sigmoid",
        "tanh",
    ]
)


@dataclass(frozen=True, slots=True)
class Softmax:
    """A normalisation by exponentials: the node that holds its result, the node with the scores, the axis (from 0)."""

    node: Node
    scores: Node
    axis: int
    log: bool = False
    implicit: bool = False


def shape(node: Node) -> tuple[int, ...]:
    return node.outputs[0].shape if node.outputs else ()


def wants_gradient(node: Node) -> bool:
    """Whether autograd follows this node: predictions do, targets and what comes of frozen networks do not."""
    return any(out.requires_grad for out in node.outputs)


def integral(node: Node) -> bool:
    """Whether a node's dtype is an integer or bool."""
    return bool(node.outputs) and ("int" in node.outputs[0].dtype or "bool" in node.outputs[0].dtype)


def operands(graph: Graph, node: Node) -> tuple[Node | float | None, Node | float | None]:
    """The two operands of a binary call in the order in which the formula has them: `1 - x` is (1.0, x)."""
    first, second = graph.argument(node, 0, "input"), graph.argument(node, 1, "other")
    if node.op in ("rsub", "rdiv", "rmatmul", "rpow"):
        first, second = second, first
    return _operand(graph, first), _operand(graph, second)


def _operand(graph: Graph, argument: Argument) -> Node | float | None:
    if isinstance(argument, Ref):
        return graph.node(argument)
    return float(argument) if isinstance(argument, (bool, int, float)) else None


def scalar_operand(graph: Graph, node: Node) -> tuple[Node, float] | None:
    """For `x * 3`, `1 - x`, ...: the tensor and the number; None where both operands are tensors."""
    left, right = operands(graph, node)
    if isinstance(left, Node) and isinstance(right, float):
        return left, right
    if isinstance(right, Node) and isinstance(left, float):
        return right, left
    return None


# ---- softmax and sigmoid -----------------------------------------------------------------------------------------


def softmax_at(graph: Graph, node: Node) -> Softmax | None:
    """The softmax whose result a node is, also when it is written `exp(x) / exp(x).sum(dim)`."""
    if node.op in _SOFTMAXES:
        return _called_softmax(graph, node)
    if node.op == "div":
        return _written_softmax(graph, node)
    return None


def _called_softmax(graph: Graph, node: Node) -> Softmax | None:
    scores = graph.source(node, 0, "input")
    if scores is None:
        return None
    dimensions = len(shape(node))
    position = 4 if node.op == "gumbel_softmax" else 1
    axis = graph.argument(node, position, "dim", -1 if position == 4 else None)
    axis = node.kwargs.get("axis") if axis is None else axis
    implicit = not isinstance(axis, int)
    chosen = axis if isinstance(axis, int) else (0 if dimensions in (0, 1, 3) else 1)
    return Softmax(node, scores, chosen % max(dimensions, 1), node.op == "log_softmax", implicit)


def _written_softmax(graph: Graph, node: Node) -> Softmax | None:
    over, under = operands(graph, node)
    if not isinstance(over, Node) or not isinstance(under, Node):
        return None
    under = graph.back(under)
    if under.op != "sum" or graph.back(over).op != "exp":
        return None
    summed, axis = graph.source(under, 0, "input"), reduced_axes(graph, under)
    if summed is None or graph.back(summed).index != graph.back(over).index or len(axis) != 1:
        return None
    scores = graph.source(graph.back(over), 0, "input")
    return None if scores is None else Softmax(node, scores, axis[0])


def sigmoid_at(graph: Graph, node: Node) -> Node | None:
    """The logits behind a sigmoid, also when it is written `1 / (1 + exp(-x))` or `exp(x) / (1 + exp(x))`."""
    if node.op == "sigmoid":
        return graph.source(node, 0, "input")
    under: Node | float | None = None
    if node.op in ("div", "rdiv"):
        over, under = operands(graph, node)
        if isinstance(over, float) and over != 1.0:
            return None
        if isinstance(over, Node) and over.op != "exp":
            return None
    elif node.op == "reciprocal":
        under = graph.source(node, 0, "input")
    if not isinstance(under, Node) or under.op != "add":
        return None
    parts = scalar_operand(graph, under)
    if parts is None or parts[1] != 1.0 or parts[0].op != "exp":
        return None
    inner = graph.source(parts[0], 0, "input")
    return graph.source(inner, 0, "input") if inner is not None and inner.op == "neg" else inner


def reduced_axes(graph: Graph, node: Node) -> tuple[int, ...]:
    """The axes over which a sum, mean, max, ... runs (from 0); all axes where none are given."""
    source = graph.source(node, 0, "input")
    dimensions = len(shape(source)) if source is not None else 0
    axes = graph.argument(node, 1, "dim")
    axes = node.kwargs.get("axis") if axes is None else axes
    if isinstance(axes, bool) or axes is None or isinstance(axes, Ref):
        return tuple(range(dimensions))
    chosen = axes if isinstance(axes, tuple) else (axes,)
    numbers = [axis for axis in chosen if isinstance(axis, int)]
    return tuple(axis % dimensions for axis in numbers) if dimensions and numbers else tuple(range(dimensions))


def is_total(graph: Graph, node: Node) -> bool:
    """Whether a reduction (sum, mean) runs over all axes, or over all that have more than one element."""
    source = graph.source(node, 0, "input")
    if source is None:
        return False
    over = reduced_axes(graph, node)
    return all(size == 1 or axis in over for axis, size in enumerate(shape(source)))


# ---- walking -----------------------------------------------------------------------------------------------------


def scaled_back(graph: Graph, node: Node, also: Iterable[str] = ()) -> tuple[Node, list[Node]]:
    """Walk upstream through relabelling, dropout, scaling by numbers or by data that is not learned (temperature, mask);
    the node that was reached and those that were passed, last one first."""
    passed: list[Node] = []
    through = SHAPE_OPS | DROPOUTS | frozenset(also)
    while True:
        before = _before(graph, node, through)
        if before is None:
            return node, passed
        passed.append(node)
        node = before


def _before(graph: Graph, node: Node, through: frozenset[str]) -> Node | None:
    if node.role:
        return None
    if node.op in through:
        sources = graph.inputs(node)
        learned = [source for source in sources if wants_gradient(source)]
        if node.op in ("cat", "stack") and len({source.index for source in learned}) > 1:
            return None
        return (learned or sources or [None])[0]
    if node.op in ("mul", "div", "add", "sub", "masked_fill", "clamp", "clamp_min", "clamp_max"):
        sources = graph.inputs(node)
        learned = [source for source in sources if source.index in graph.depends_on_parameters]
        return learned[0] if len(learned) == 1 and learned[0] is sources[0] else None
    return None


# ---- where an axis goes ------------------------------------------------------------------------------------------


def carry(graph: Graph, node: Node, source: Node, axis: int) -> int | None:
    """The axis of a call's result that an axis of one of its sources becomes; None where it is lost or unknown."""
    before, after = shape(source), shape(node)
    if axis >= len(before):
        return None
    if node.op in _SAME_AXES or node.op in DROPOUTS:
        shifted = axis + len(after) - len(before)
        return shifted if shifted >= 0 else None
    if node.op in RESHAPES:
        return _reshaped(before, after, axis)
    return _moved(graph, node, before, after, axis)


def merged_into(node: Node, source: Node, axis: int) -> int | None:
    """The axis of a reshaped result within which an axis of its source lies, whole or with others; None where it is divided."""
    before, after = shape(source), shape(node)
    inner = prod(before[axis + 1 :])
    for position in range(len(after)):
        below = prod(after[position + 1 :])
        if inner % below == 0 and (below * after[position]) % (inner * before[axis]) == 0:
            return position
    return None


def _reshaped(before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int | None:
    ahead = prod(before[:axis])
    if before[axis] == 1:
        return axis if axis < len(after) and after[axis] == 1 and prod(after[:axis]) == ahead else None
    for position in range(len(after)):
        if prod(after[:position]) == ahead and after[position] == before[axis]:
            return position
    return None


def _moved(graph: Graph, node: Node, before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int | None:
    count = len(before)
    numbers = [n for n in _numbers(graph, node) if -count - 1 <= n <= count]
    match node.op:
        case "transpose" | "swapaxes" if len(numbers) == 2:
            first, second = numbers[0] % count, numbers[1] % count
            return second if axis == first else first if axis == second else axis
        case "t" | "T" | "mT" if count >= 2:
            return {count - 1: count - 2, count - 2: count - 1}.get(axis, axis)
        case "permute" if len(numbers) == count:
            return [n % count for n in numbers].index(axis)
        case "unsqueeze" if len(numbers) == 1:
            return axis + (axis >= numbers[0] % (count + 1))
        case "squeeze":
            return _squeezed(before, after, axis, numbers)
        case "getitem":
            return _indexed(node, count, axis)
        case "expand" | "expand_as":
            return axis + len(after) - count
        case _:
            return _same_size(before, after, axis)


def _squeezed(before: tuple[int, ...], after: tuple[int, ...], axis: int, numbers: list[int]) -> int | None:
    if before[axis] == 1 and len(after) != len(before):
        return None
    gone = [n % len(before) for n in numbers] or [place for place, size in enumerate(before) if size == 1]
    return axis - sum(place < axis and before[place] == 1 for place in gone)


def _indexed(node: Node, count: int, axis: int) -> int | None:
    """Basic indexing; None where the axis is picked from or indexed by a tensor."""
    index = node.args[1] if len(node.args) > 1 else None
    parts = list(index) if isinstance(index, tuple) else [index]
    named = sum(part is not None and part != "..." for part in parts)
    at = position = 0
    for part in [*parts, "..."]:
        if part is None:
            position += 1
        elif part == "...":
            width = count - named if "..." in parts else count - at
            if at <= axis < at + width:
                return position + axis - at
            at, position = at + width, position + width
        elif isinstance(part, dict):
            if at == axis:
                return position
            at, position = at + 1, position + 1
        elif at == axis or isinstance(part, Ref):
            return None
        else:
            at += 1
    return None


def _same_size(before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int | None:
    """Indexing and the like: an axis is followed where its size tells it from the others."""
    if len(before) == len(after) and before[axis] == after[axis]:
        return axis
    fits = [place for place, size in enumerate(after) if size == before[axis]]
    return fits[0] if len(fits) == 1 and before.count(before[axis]) == 1 else None


def _numbers(graph: Graph, node: Node) -> list[int]:
    found: list[int] = []
    for argument in (*node.args[1:], *node.kwargs.values()):
        for part in argument if isinstance(argument, tuple) else (argument,):
            if isinstance(part, int) and not isinstance(part, bool):
                found.append(part)
    return found

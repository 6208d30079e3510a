"""Which values a call can give whatever its weights are: intervals followed through activations and scaling by numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.rules.graph import SHAPE_OPS, Graph, references
from seatrial.rules.patterns import DROPOUTS, operands, scalar_operand, shape, sigmoid_at, softmax_at

_BOUNDED = {
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "sin": (-1.0, 1.0),
    "cos": (-1.0, 1.0),
    "softplus": (0.0, math.inf),
    "exp": (0.0, math.inf),
    "abs": (0.0, math.inf),
    "square": (0.0, math.inf),
    "logsigmoid": (-math.inf, 0.0),
    "log_softmax": (-math.inf, 0.0),
    "elu": (-1.0, math.inf),
    "celu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
    "gelu": (-0.17, math.inf),
    "silu": (-0.2785, math.inf),
    "mish": (-0.3089, math.inf),
}
# The bounds of what a recurrent layer answers and of its hidden state (its first two outputs; the third is an LSTM's cell state).
RECURRENT = {
    "rnn_tanh": (-1.0, 1.0),
    "rnn_relu": (0.0, math.inf),
    "lstm": (-1.0, 1.0),
    "gru": (-1.0, 1.0),
}
_PASSED = (
    SHAPE_OPS
    | DROPOUTS
    | frozenset(
        ["mean", "max", "amax", "min", "amin", "adaptive_avg_pool2d", "adaptive_avg_pool1d", "avg_pool2d", "max_pool2d"]
    )
)


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds that an activation at `maker` sets to what comes after it."""

    low: float
    high: float
    maker: Node
    exact: bool = True

    @property
    def width(self) -> float:
        return self.high - self.low


def range_of(graph: Graph, node: Node, pooled: bool = True, depth: int = 12) -> Range | None:
    """The range that the nearest activation upstream leaves to a node; None where weights or anything unknown come after.
    `pooled` false: averages and maxima end the walk."""
    if node.role or depth == 0:
        return None
    own = _own_range(graph, node)
    if own is not None:
        return own
    if node.op in (_PASSED if pooled else SHAPE_OPS | DROPOUTS):
        sources = [source for source in graph.inputs(node) if source.index in graph.depends_on_parameters]
        if len({source.index for source in sources}) != 1:
            return None
        if sources[0].op in RECURRENT:
            return _answer_of_recurrence(graph, sources[0], node)
        return range_of(graph, sources[0], pooled, depth - 1)
    return _scaled(graph, node, pooled, depth)


def _own_range(graph: Graph, node: Node) -> Range | None:
    if node.op in _BOUNDED:
        return Range(*_BOUNDED[node.op], node)
    if node.op == "pow" and graph.argument(node, 1, "exponent") in (2, 2.0, 4, 4.0):
        return Range(0.0, math.inf, node)
    if node.op in ("clamp", "clamp_min", "hardtanh"):
        names = ("min", "max") if node.op != "hardtanh" else ("min_val", "max_val")
        default = (-1.0, 1.0) if node.op == "hardtanh" else (None, None)
        low, high = (graph.argument(node, i + 1, names[i], default[i]) for i in range(2))
        return Range(
            float(low) if isinstance(low, (int, float)) else -math.inf,
            float(high) if isinstance(high, (int, float)) else math.inf,
            node,
        )
    softmax = softmax_at(graph, node)
    if softmax is not None:
        return Range(0.0, 1.0, node)
    return Range(0.0, 1.0, node) if sigmoid_at(graph, node) is not None else None


def _answer_of_recurrence(graph: Graph, layer: Node, node: Node) -> Range | None:
    """The range of what a node takes of a recurrent layer's outputs; None of a cell state, of a projection, and of a GRU, which
    mixes its first state into its answers, where that state is none of a layer's and not 0."""
    first = graph.source(layer, 1, "hx")
    if layer.op == "gru" and first is not None and graph.back(first).op not in ("zeros", *RECURRENT):
        return None
    taken = {ref.output for ref in references(node.args) if ref.node == layer.index}
    if layer.op == "lstm":
        weights = [shape(each) for each in graph.inputs(layer) if each.role == "parameter" and len(shape(each)) == 2]
        if len(weights) < 2 or weights[1][0] != 4 * weights[1][1]:
            return None
    return Range(*RECURRENT[layer.op], layer) if taken <= {0, 1} else None


def _scaled(graph: Graph, node: Node, pooled: bool, depth: int) -> Range | None:
    """A range that is stretched or moved by a number."""
    if node.op == "neg":
        inner = range_of(graph, graph.inputs(node)[0], pooled, depth - 1)
        return None if inner is None else Range(-inner.high, -inner.low, inner.maker)
    parts = scalar_operand(graph, node)
    if parts is None or node.op not in ("add", "sub", "rsub", "mul", "div"):
        return None
    inner = range_of(graph, parts[0], pooled, depth - 1)
    if inner is None:
        return None
    number = parts[1]
    left_is_number = isinstance(operands(graph, node)[0], float)
    match node.op:
        case "add":
            ends = (inner.low + number, inner.high + number)
        case "sub" | "rsub":
            ends = (
                (number - inner.high, number - inner.low)
                if left_is_number
                else (inner.low - number, inner.high - number)
            )
        case "mul":
            ends = _times(inner, number)
        case _:
            ends = _times(inner, 1 / number) if number and not left_is_number else (-math.inf, math.inf)
    return Range(*ends, inner.maker, inner.exact)


def _times(inner: Range, number: float) -> tuple[float, float]:
    if number == 0:
        return 0.0, 0.0
    ends = (inner.low * number, inner.high * number)
    return min(ends), max(ends)

"""The scale of initial weights: gains, and the lines that set them."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.events import Node, ParameterInfo, Place
from seatrial.history import Run
from seatrial.rules.graph import SHAPE_OPS, Graph
from seatrial.rules.parameters import Parameters
from seatrial.rules.patterns import shape
from seatrial.rules.uses import lines_calling

LAYERS = frozenset(
    "linear conv1d conv2d conv3d matmul mm addmm bmm lstm gru rnn_tanh rnn_relu lstm_cell gru_cell".split()
)
BOUNDED = frozenset(["tanh", "sigmoid", "hardtanh", "hardsigmoid", "softsign"])
NORMALISING = frozenset("batch_norm layer_norm group_norm instance_norm rms_norm normalize local_response_norm".split())
FILLS = frozenset(
    "normal_ uniform_ trunc_normal_ xavier_normal_ xavier_uniform_ kaiming_normal_ kaiming_uniform_ orthogonal_ "
    "constant_ sparse_ eye_ dirac_ fill_ randn rand mul_ copy_".split()
)


@dataclass(frozen=True, slots=True)
class Gain:
    """A weight as it started: `gain` is std * sqrt(fan in), by which it scales the spread of independent inputs
    (torch's default 0.58, Xavier about 1, Kaiming 1.4). `call` is where it meets activations."""

    parameter: int
    path: str
    gain: float
    std: float
    call: Node


def gains(known: Parameters, graph: Graph) -> list[Gain]:
    """The gains of the weights of a recorded step, in the order in which they are used."""
    found: list[Gain] = []
    for node in graph.calls(*LAYERS):
        for leaf in _weights(graph, node):
            entry = known.first.get(leaf.parameter)
            if entry is None or "std" not in entry[1].stats or len(entry[1].shape) < 2:
                continue
            std = entry[1].stats["std"]
            found.append(Gain(leaf.parameter, entry[1].path, std * math.sqrt(_fan_in(entry[1], node)), std, node))
    return found


def _weights(graph: Graph, node: Node) -> list[Node]:
    sources = [graph.back(source, SHAPE_OPS - {"getitem", "cat", "stack"}) for source in graph.inputs(node)]
    return [source for source in sources if source.role == "parameter" and len(shape(source)) >= 2]


def _fan_in(info: ParameterInfo, node: Node) -> int:
    if node.op in ("matmul", "mm", "addmm", "bmm"):
        return max(1, info.shape[-2])
    return max(1, math.prod(info.shape[1:]))


def normalised(graph: Graph, node: Node) -> bool:
    """Whether a normalisation follows before the next weights, so that the scale of a call's result is taken out. It is
    not behind a function with bounds: what stands at a bound stays there."""
    ends = LAYERS | NORMALISING | BOUNDED
    reached = graph.downstream(node, stop=lambda later: later.op in ends)
    return any(graph.node(index).op in NORMALISING for index in reached)


def init_lines(run: Run, stds: Iterable[float] = ()) -> list[Place]:
    """Lines that fill weights with numbers; those first that name a number which gives one of the stds seen."""
    ranked: list[tuple[int, Place]] = []
    for place, call in lines_calling(run, FILLS):
        text = run.line(place)
        if ("bias" in text and "weight" not in text) or not any(
            word in text for word in ("init.", "weight", "Parameter", ".data", "param", "_(w")
        ):
            continue
        numbers = [number for part in ast.walk(call) if (number := _number(part)) is not None]
        fits = any(_gives(number, std) for number in numbers for std in stds)
        named = "weight" in text or "Parameter" in text
        ranked.append((0 if fits else 1 if named else 2, place))
    return [place for _, place in sorted(ranked, key=lambda item: item[0])]


def _number(part: ast.AST) -> float | None:
    value = part.value if isinstance(part, ast.Constant) else None
    return abs(float(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _gives(number: float, std: float) -> bool:
    """Whether a number is this std, or the bound of a uniform distribution with it."""
    return any(abs(number - value) <= 0.1 * value for value in (std, std * math.sqrt(3))) and number > 0

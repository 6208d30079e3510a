"""How the signal grows through an untrained network, and where."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.events import Node, Place
from seatrial.rules.graph import Graph
from seatrial.rules.parameters import Parameters
from seatrial.rules.scales import LAYERS, NORMALISING, gains
from seatrial.rules.training import Training

_MADE_OF_LAYERS = LAYERS | frozenset(["einsum", "bilinear", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"])


@dataclass(frozen=True, slots=True)
class Growth:
    """`times`: standard deviation of the largest layer's result over that of the data. `nodes`: the layer at which it was
    first larger than asked for, and the largest. `lines`: those at which it grew most."""

    times: float
    nodes: tuple[Node, Node]
    lines: tuple[Place, ...]


@dataclass(frozen=True)
class StartLimits:
    """signal: ratio of standard deviations, where usual layers keep it near 1. first: ratio of norms, gradient to weights,
    where 0.1 is usual. usual_gain: of a weight, std times root of fan-in, above which its initialisation is at fault.
    last_tick: backward calls after which a step is not the start."""

    signal: float = 50.0
    first: float = 30.0
    usual_gain: float = 3.5
    last_tick: int = 2


def input_std(graph: Graph) -> float:
    """Of the data as numbers: words are numbers only behind their embedding."""
    given = [leaf for leaf in graph.leaves("input") if leaf.outputs and "float" in leaf.outputs[0].dtype]
    looked_up = graph.calls("embedding", "embedding_bag")
    return max((node.stats.get("std", 0.0) for node in given or looked_up), default=0.0)


def growth(graph: Graph, least: float) -> Growth | None:
    """Growth to `least` times the data's standard deviation (or times one), in what layers made of activations: masks and
    uninitialised memory are large without being a signal, and what a normalisation takes out again is none."""
    outer = max(1.0, input_std(graph))
    found = [
        node
        for node in graph.calls(*_MADE_OF_LAYERS)
        if graph.in_network(node) and node.index in graph.differentiable and _std(node) > least * outer
    ]
    if not found or any(_normalised(graph, node) for node in found):
        return None
    largest = max(found, key=_std)
    return Growth(_std(largest) / outer, (found[0], found[-1]), _lines(graph, largest))


def grown_from_start(training: Training, limits: StartLimits | None = None) -> tuple[Growth, float] | None:
    """The growth of the signal through the untrained network and the size of the first gradient relative to the weights,
    where usual weights let both be far too large: then no learning rate is at fault."""
    limits = limits or StartLimits()
    graph = next(iter(training.graphs), None)
    if graph is None or graph.seen.tick > limits.last_tick or not training.looks:
        return None
    look = training.looks[0]
    gradient = math.hypot(*(norm for norm in look.gradient_norm if not math.isnan(norm)))
    weight = math.hypot(*look.weight_norm)
    if look.tick > limits.last_tick or not gradient >= limits.first * weight > 0:
        return None
    if any(gain.gain > limits.usual_gain for gain in gains(Parameters(training.run), graph)):
        return None
    grown = growth(graph, limits.signal)
    return (grown, gradient / weight) if grown is not None else None


def _std(node: Node) -> float:
    return node.stats.get("std", 0.0)


def _normalised(graph: Graph, node: Node) -> bool:
    return any(graph.node(at).op in NORMALISING for at in graph.downstream(node))


def _lines(graph: Graph, largest: Node) -> tuple[Place, ...]:
    """The lines on the way, those first at which the standard deviation was multiplied by most."""
    gained: dict[Place, float] = {}
    for at in sorted({largest.index, *graph.upstream(largest)}):
        node = graph.node(at)
        before = max((_std(source) for source in graph.inputs(node) if source.role != "parameter"), default=0.0)
        if node.role or node.where is None or before <= 0 or not _std(node) > 0:
            continue
        gained[node.where] = gained.get(node.where, 0.0) + math.log(_std(node) / before)
    return tuple(sorted((line for line in gained if gained[line] > 0.7), key=lambda line: -gained[line]))

"""Keeps pictures of the weights that see the inputs themselves, where these are pictures."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import torch

from seatrial.events import Filters, GraphSeen, Node
from seatrial.measure.access import local
from seatrial.measure.filters import picture, roughness, shown
from seatrial.rules.graph import SHAPE_OPS, Graph
from seatrial.taps.watch import Watch

MOST_CHANNELS = 4
SMALLEST_SIDE = 2  # pixels: below there are no neighbours
GRAPHS_READ = 3  # of each backward call: the first layers stay the same
SMALLEST_PICTURE = 4  # pixels a side, of inputs to a linear layer


class FilterTap:
    """First layers of the program, and what their weights were at the looks."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._shapes: dict[int, tuple[int, int, int, int]] = {}  # by parameter: count, channels, height, width
        self._seen: dict[int, list[Filters]] = {}
        self._read: Counter[int] = Counter()
        watch.at_finish.append(self.last_words)

    def learn(self, graph: GraphSeen) -> None:
        """Find first layers in a recorded step."""
        if self._read[graph.call] < GRAPHS_READ:
            self._read[graph.call] += 1
            self._shapes |= first_layers(graph)

    def look(self, parameters: list[torch.Tensor], weights: list[torch.Tensor]) -> None:
        """Measure the first layers among an optimizer's parameters; `weights` are their values before its step."""
        for parameter, values in zip(parameters, weights, strict=True):
            number = self.watch.parameters.get(parameter) if self._shapes else None
            if number in self._shapes and values.numel() == math.prod(self._shapes[number]):  # not a shard of them
                seen = self._seen.setdefault(number, [])
                seen.append(self._measured(number, values))
                self.watch.send(seen[0] if len(seen) == 1 else replace(seen[-1], kept=(), pixels=""))

    def _measured(self, number: int, values: torch.Tensor) -> Filters:
        shape = self._shapes[number]
        filters = values.reshape(shape)
        kept = shown(*shape)
        pixels = picture(filters[kept.start : kept.stop : kept.step]) if len(kept) else ""
        return Filters(self.watch.tick, number, shape, *roughness(filters), tuple(kept) if pixels else (), pixels)

    def last_words(self) -> None:
        """Send pictures of the middle and of the end."""
        for number, parameter in self.watch.parameters.living():
            seen = self._seen.get(number, [])
            whole = local(parameter).numel() == math.prod(self._shapes.get(number, ()))
            if not seen or not whole or self.watch.tick <= seen[0].tick + 1:
                continue
            middle = min(seen, key=lambda each: abs(each.tick - self.watch.tick / 2))
            if middle is not seen[0]:
                self.watch.send(middle)
            self.watch.send(self._measured(number, local(parameter)))


def first_layers(graph: GraphSeen) -> dict[int, tuple[int, int, int, int]]:
    """The weights, by number, that meet pictures of up to 4 channels before any other parameter does, and their shapes as
    filters: of convolutions, and of linear layers on inputs whose height and width are known."""
    walk = Graph(graph)
    found: dict[int, tuple[int, int, int, int]] = {}
    for node in walk.calls("conv2d", "linear"):
        source, weight = walk.source(node, 0, "input"), walk.source(node, 1, "weight")
        if source is None or weight is None or weight.role != "parameter" or not weight.outputs:
            continue
        if source.index in walk.depends_on_parameters or not _from_input(walk, source):
            continue
        shape = weight.outputs[0].shape
        filters = _of_convolution(shape) if node.op == "conv2d" else _of_linear(shape, walk, source)
        if filters is not None:
            found[weight.parameter] = filters
    return found


def _from_input(walk: Graph, node: Node) -> bool:
    return node.role == "input" or any(walk.node(at).role == "input" for at in walk.upstream(node))


def _of_convolution(shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    if len(shape) != 4 or shape[1] > MOST_CHANNELS or min(shape[2:]) < SMALLEST_SIDE:
        return None
    return shape[0], shape[1], shape[2], shape[3]


def _of_linear(shape: tuple[int, ...], walk: Graph, source: Node) -> tuple[int, int, int, int] | None:
    """The shape of a linear layer's weights as pictures, by the last shape upstream that is one of pictures."""
    if len(shape) != 2:
        return None
    node = source
    while True:
        for seen in ([node.outputs[0].shape] if node.outputs else []) + _earlier(node):
            picture_shape = _picture(seen, shape[1])
            if picture_shape is not None:
                return shape[0], *picture_shape
        sources = walk.inputs(node)
        if node.op not in SHAPE_OPS or not sources:
            return None
        node = sources[0]


def _picture(shape: tuple[int, ...], size: int) -> tuple[int, int, int] | None:
    """Channels, height and width of a batch's examples where they are pictures of `size` numbers."""
    sides = (1, *shape[1:]) if len(shape) == 3 and shape[1] == shape[2] else shape[1:]
    if len(sides) != 3 or math.prod(sides) != size or sides[0] > MOST_CHANNELS or min(sides[1:]) < SMALLEST_PICTURE:
        return None
    return sides[0], sides[1], sides[2]


def _earlier(node: Node) -> list[tuple[int, ...]]:
    """Shapes that an input had before the program's own code made it flat ("view@16:32x8x8:32x64")."""
    found: list[tuple[int, ...]] = []
    for step in node.origin:
        before = step.split(":")[1:2]
        if before and all(part.isdigit() for part in before[0].split("x")):
            found.append(tuple(map(int, before[0].split("x"))))
    return found

"""The end of a recorded step: the loss as a function of what the network answered."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded
from seatrial.step.replay import NotReplayable, Step, replayed, total


class Tail:
    """`tail(outputs, values)` is the loss where a call of the step gave `outputs`; `values` are those of all leaves of the
    step, in its order. Only what lies between that call and the loss is computed."""

    def __init__(self, step: Step, call: Call) -> None:
        self._graph = fx.Graph()
        self._wanted: list[int] = []
        end = next(node for node in step.graph.nodes if node.meta.get("call") is call)
        self._cut(step.graph, end, _needed(step.graph, end))

    def _cut(self, whole: fx.Graph, end: fx.Node, needed: set[fx.Node]) -> None:
        copies = {end: self._graph.placeholder("outputs")}
        leaves = [node for node in whole.nodes if node.op == "placeholder"]
        for number, node in enumerate(leaves):
            if node in needed:
                copies[node] = self._graph.node_copy(node)
                self._wanted.append(number)
        for node in whole.nodes:
            if node in needed and node not in copies:
                copies[node] = self._graph.node_copy(node, lambda old: copies[old])

    def __call__(self, outputs: torch.Tensor, values: list[torch.Tensor]) -> torch.Tensor:
        given: list[Any] = [outputs, *(values[number].clone() for number in self._wanted)]
        return total(replayed(self._graph, given))


def last_answer(recorded: Recorded) -> Call:
    """The call that made the model's answer.

    Raises:
        NotReplayable: no single answer of a model leads to the loss.
    """
    answers = {id(out.origin): out.origin for out in recorded.answers}
    origin = next(iter(answers.values()), None)
    if len(answers) != 1 or not isinstance(origin, Call) or origin.results != 1:
        raise NotReplayable("the loss does not follow from one answer of one model")
    return origin


def _needed(graph: fx.Graph, end: fx.Node) -> set[fx.Node]:
    """What the outputs of a graph depend on, without what lies before `end`."""
    found: set[fx.Node] = set()
    todo = [node for node in graph.nodes if node.op == "output"]
    while todo:
        node = todo.pop()
        if node in found:
            continue
        found.add(node)
        if node is not end:
            todo.extend(node.all_input_nodes)
    found.discard(end)
    return found

"""Weights that are used again and again in one step, each time on what came of the time before."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Argument, Node, Ref
from seatrial.rules.graph import WEIGHT_OPS, Graph, references

CELLS = frozenset(["lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"])
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Chain:
    """Calls with the same weight, in order. `cuts`: for each call but the first, where the gradient to the call before
    is lost on the way."""

    parameter: int
    calls: tuple[Node, ...]
    cuts: tuple[tuple[Node, ...], ...]


def cut_chains(graph: Graph) -> Iterator[Chain]:
    """Chains of at least three calls of which each depends on the one before, and no gradient passes between any two."""
    for leaf in graph.leaves("parameter"):
        calls = [node for node in graph.consumers(leaf) if node.op in WEIGHT_OPS and _learns(node)]
        if len(calls) < FEWEST:
            continue
        cuts = [_cut(graph, before, after) for before, after in itertools.pairwise(calls)]
        if all(cuts):
            yield Chain(leaf.parameter, tuple(calls), tuple(cuts))


def _learns(node: Node) -> bool:
    return node.grad and any(out.requires_grad for out in node.outputs)


def _cut(graph: Graph, before: Node, after: Node) -> tuple[Node, ...]:
    """The calls that end the gradient on all ways from a call to a later one; none where one way is open, or there is
    no way."""
    found: dict[int, Node] = {}
    seen = {before.index}
    todo = [before]
    while todo:
        node = todo.pop()
        for consumer in graph.consumers(node):
            if consumer.index in seen or consumer.index > after.index:
                continue
            seen.add(consumer.index)
            if consumer is after:
                return ()
            if any(out.requires_grad for out in consumer.outputs):
                todo.append(consumer)
            elif after.index in graph.downstream(consumer, lambda later: later.index >= after.index):
                found[consumer.index] = consumer
    return tuple(found[index] for index in sorted(found))


def states(chain: Chain) -> bool:
    """Whether what is cut is the state of recurrent cells of torch, handed from call to call."""
    cut = {node.index for nodes in chain.cuts for node in nodes}
    return all(node.op in CELLS and _first_of(node, 1) in cut for node in chain.calls[1:])


def _first_of(node: Node, position: int) -> int:
    argument: Argument = node.args[position] if len(node.args) > position else None
    while isinstance(argument, tuple) and argument:
        argument = argument[0]
    return argument.node if isinstance(argument, Ref) else -1


def unheard(graph: Graph, chain: Chain) -> bool:
    """Whether no call but the last reaches the loss by a gradient, although most of them are given data of their own (in a
    fixed-point iteration all get the same)."""
    if any(node.index in graph.differentiable for node in chain.calls[:-1]):
        return False
    keys = _keys(graph)
    later = graph.downstream(chain.calls[0])
    given = [_given(graph, call, later, keys) for call in chain.calls]
    fresh = [mine - before for before, mine in itertools.pairwise(given)]
    return sum(map(bool, fresh)) > len(fresh) / 2


def _keys(graph: Graph) -> dict[int, int]:
    """A number for each node, the same for calls of the same operation on the same values."""
    known: dict[object, int] = {}
    keys: dict[int, int] = {}
    for node in graph:
        if node.role or node.random:
            keys[node.index] = known.setdefault(node.index, len(known))
        else:
            arguments = (*node.args, *sorted(node.kwargs.items()))
            keys[node.index] = known.setdefault((node.op, _named(arguments, keys)), len(known))
    return keys


def _named(argument: object, keys: dict[int, int]) -> str:
    if isinstance(argument, Ref):
        return f"%{keys[argument.node]}.{argument.output}"
    if isinstance(argument, tuple):
        return "(" + ",".join(_named(part, keys) for part in argument) + ")"
    if isinstance(argument, dict):
        return "{" + ",".join(f"{name}:{_named(part, keys)}" for name, part in argument.items()) + "}"
    return repr(argument)


def _given(graph: Graph, call: Node, later: set[int], keys: dict[int, int]) -> set[tuple[int, int]]:
    """What enters the way to a call from beside the chain: values that do not come of its first call."""
    found: set[tuple[int, int]] = set()
    todo, seen = [call], {call.index}
    while todo:
        node = todo.pop()
        for ref in references((*node.args, *node.kwargs.values())):
            source = graph.node(ref)
            if source.index in later:
                if source.index not in seen and source.op not in WEIGHT_OPS:
                    seen.add(source.index)
                    todo.append(source)
            elif source.role != "parameter":
                found.add((keys[source.index], ref.output))
    return found

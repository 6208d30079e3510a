"""Walking a recorded step: producers, consumers, what lies between two nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from seatrial.events import Argument, GraphSeen, Node, Ref

# Calls that only move, copy or relabel values: a walk may pass them without changing what is said.
SHAPE_OPS = frozenset(
    "view reshape squeeze unsqueeze flatten unflatten transpose permute t T mT movedim swapaxes contiguous clone to float "
    "double half bfloat16 type type_as cpu cuda getitem expand expand_as repeat narrow select chunk split unbind stack cat "
    "identity requires_grad_ view_as reshape_as index_select masked_select tile ravel".split()
)
# Calls in which a weight meets activations.
WEIGHT_OPS = frozenset(
    "linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d lstm gru rnn_tanh rnn_relu "
    "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell multi_head_attention_forward embedding embedding_bag matmul mm bmm "
    "addmm baddbmm einsum".split()
)
LOSS_OPS = frozenset(
    "cross_entropy nll_loss nll_loss_nd mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss hinge_embedding_loss margin_ranking_loss "
    "multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss soft_margin_loss cosine_embedding_loss "
    "triplet_margin_loss triplet_margin_with_distance_loss ctc_loss".split()
)


def references(argument: Argument) -> Iterator[Ref]:
    """All references in an argument, however deeply nested."""
    if isinstance(argument, Ref):
        yield argument
    elif isinstance(argument, tuple):
        for part in argument:
            yield from references(part)
    elif isinstance(argument, dict):
        for part in argument.values():
            yield from references(part)


class Graph:
    """A recorded step with its edges in both directions."""

    def __init__(self, seen: GraphSeen) -> None:
        self.seen = seen
        self.nodes = seen.nodes
        self._at = {node.index: node for node in seen.nodes}
        self._parts: dict[Ref, Node] = {}
        self._inputs: dict[int, list[Node]] = {}

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def node(self, at: Ref | int) -> Node:
        """The node; of a reference to another output than the first the node as that output, of which no stats are known."""
        if not isinstance(at, Ref):
            return self._at[at]
        node = self._at[at.node]
        if not 0 < at.output < len(node.outputs):
            return node
        if at not in self._parts:
            self._parts[at] = replace(node, outputs=(node.outputs[at.output],), stats={})
        return self._parts[at]

    def calls(self, *ops: str) -> list[Node]:
        """The nodes of the given canonical operations."""
        return [node for node in self.nodes if node.op in ops]

    def leaves(self, *roles: str) -> list[Node]:
        return [node for node in self.nodes if node.role and (not roles or node.role in roles)]

    def inputs(self, node: Node) -> list[Node]:
        """The nodes whose outputs a node takes, in order of its arguments (args, then kwargs)."""
        known = self._inputs.get(node.index)
        if known is None:
            known = [self._at[ref.node] for ref in references((*node.args, *node.kwargs.values()))]
            self._inputs[node.index] = known
        return known

    @cached_property
    def _consumers(self) -> dict[int, list[Node]]:
        table: dict[int, list[Node]] = {node.index: [] for node in self.nodes}
        for node in self.nodes:
            for source in {source.index for source in self.inputs(node)}:
                table[source].append(node)
        return table

    def consumers(self, node: Node) -> list[Node]:
        return self._consumers[node.index]

    def argument(self, node: Node, position: int, name: str, default: Argument = None) -> Argument:
        """An argument by its position or its name, as Python would bind it."""
        if len(node.args) > position:
            return node.args[position]
        return node.kwargs.get(name, default)

    def source(self, node: Node, position: int, name: str) -> Node | None:
        """The node that an argument comes from, or None where it is no tensor."""
        argument = self.argument(node, position, name)
        return self.node(argument) if isinstance(argument, Ref) else None

    def back(self, node: Node, through: Iterable[str] = SHAPE_OPS) -> Node:
        """The first node upstream (first argument each time) that is not one of the operations to pass through."""
        passed = frozenset(through)
        while node.op in passed:
            sources = self.inputs(node)
            if not sources:
                break
            node = sources[0]
        return node

    def upstream(self, node: Node, stop: Callable[[Node], bool] | None = None) -> set[int]:
        """Indices of all nodes that a node depends on (without itself). Does not go beyond nodes where `stop` holds."""
        return self._reach(node, self.inputs, stop)

    def downstream(self, node: Node, stop: Callable[[Node], bool] | None = None) -> set[int]:
        """Indices of all nodes that depend on a node (without itself)."""
        return self._reach(node, self.consumers, stop)

    def _reach(self, node: Node, step: Callable[[Node], list[Node]], stop: Callable[[Node], bool] | None) -> set[int]:
        found: set[int] = set()
        todo = list(step(node))
        while todo:
            current = todo.pop()
            if current.index in found:
                continue
            found.add(current.index)
            if stop is None or not stop(current):
                todo.extend(step(current))
        return found

    @cached_property
    def depends_on_parameters(self) -> set[int]:
        """Indices of nodes whose values depend on a parameter (also through detach)."""
        found: set[int] = set()
        for node in self.nodes:
            if node.role == "parameter" or any(source.index in found for source in self.inputs(node)):
                found.add(node.index)
        return found

    @cached_property
    def _functional(self) -> bool:
        return not any(node.module for node in self.nodes)

    def in_network(self, node: Node) -> bool:
        """Whether a call was made in a module; any call of a network that is written with functions alone."""
        return bool(node.module) or self._functional

    @cached_property
    def differentiable(self) -> set[int]:
        """Indices of the nodes from which a gradient path leads to an output of the graph: the graph walked back from
        the outputs through nodes whose output requires a gradient."""
        found: set[int] = set()
        todo = [self.node(ref) for ref in self.seen.outputs]
        while todo:
            node = todo.pop()
            if node.index in found or not (node.outputs and any(out.requires_grad for out in node.outputs)):
                continue
            found.add(node.index)
            todo.extend(self.inputs(node))
        return found

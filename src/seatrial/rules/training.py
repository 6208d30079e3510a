"""How a run trained: its loss, its optimizer, its learning rate and the sizes of its updates, as rules ask for them."""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import cached_property

from seatrial.events import Look, OptimizerBuilt, ParameterInfo, Place
from seatrial.history import Run, Series
from seatrial.rules.graph import LOSS_OPS, Graph
from seatrial.rules.series import finite, jump, median
from seatrial.rules.source import origin
from seatrial.rules.where import distinct

# Losses whose smallest value is that of a fitted network, by which progress can be judged.
FITTED = LOSS_OPS - {"poisson_nll_loss", "gaussian_nll_loss", "kl_div", "cosine_embedding_loss"}
CLASSIFICATION = frozenset(
    {"cross_entropy", "nll_loss", "nll_loss_nd", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
)


class Training:
    """The main loss of a run and the optimizer that follows it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.call = run.main_call

    @cached_property
    def loss(self) -> Series:
        """The values of the backward call that has most of them."""
        return self.run.losses[self.call] if self.call is not None else Series((), ())

    @cached_property
    def values(self) -> list[float]:
        return list(self.loss.values)

    @property
    def backward(self) -> Place | None:
        """The line of the backward call."""
        call = self.run.calls.get(self.call) if self.call is not None else None
        return call.where if call is not None else None

    @cached_property
    def plain(self) -> bool:
        """One loss, one optimizer at work: no adversaries or alternation, whose losses may rise and fall at will."""
        others = sum(len(series) for call, series in self.run.losses.items() if call != self.call)
        stepping = {look.optimizer for look in self.run.looks}
        call = self.run.calls.get(self.call) if self.call is not None else None
        return (
            call is not None
            and not call.detail.startswith("grad")
            and others <= 0.05 * len(self.loss)
            and len(stepping) <= 1
        )

    @cached_property
    def optimizer(self) -> OptimizerBuilt | None:
        """The optimizer that holds most parameters of those that stepped (of all, where no step was looked at)."""
        stepping = {look.optimizer for look in self.run.looks}
        known = [each for key, each in self.run.optimizers.items() if key in stepping or not stepping]
        return max(known, key=lambda each: sum(len(group.parameters) for group in each.groups), default=None)

    def setting(self, name: str, group: int = 0, optimizer: OptimizerBuilt | None = None) -> Series:
        """A setting of an optimizer (the main one, unless given) over time; a single value at tick 0 where it never
        changed."""
        optimizer = optimizer or self.optimizer
        if optimizer is None:
            return Series((), ())
        changes = self.run.settings.get((optimizer.optimizer, group, name), Series((), ()))
        start = optimizer.groups[group].settings.get(name) if group < len(optimizer.groups) else None
        if isinstance(start, (int, float)) and (not changes.ticks or changes.ticks[0] > 0):
            return Series((0, *changes.ticks), (float(start), *changes.values))
        return changes

    def at(self, series: Series, tick: int) -> float:
        """The value that a setting has at a tick."""
        found = math.nan
        for when, value in zip(series.ticks, series.values, strict=True):
            if when > tick:
                break
            found = value
        return found

    @cached_property
    def graphs(self) -> list[Graph]:
        """The recorded steps of the main loss."""
        return [Graph(seen) for seen in self.run.training_graphs if seen.call == self.call]

    @cached_property
    def uneven(self) -> bool:
        """Whether steps of the main loss differ so much in size that their losses are of different amounts: a sum over the
        moves of an episode grows with the episode."""
        sizes = [len(graph.nodes) for graph in self.graphs]
        return bool(sizes) and max(sizes) > 2 * min(sizes)

    @cached_property
    def loss_ops(self) -> set[str]:
        """Losses of torch that reach the main loss by a gradient path."""
        return {
            node.op
            for graph in self.graphs[:3]
            for node in graph
            if node.op in LOSS_OPS and node.index in graph.differentiable
        }

    @cached_property
    def supervised(self) -> bool:
        """Whether the loss compares predictions with given targets: not with noise that the step itself drew, and with
        one loss function alone, so that its height tells how good the fit is."""
        if len(self.loss_ops) != 1 or not self.loss_ops <= FITTED or not self.plain:
            return False
        graph = self.graphs[0]
        losses = [node for node in graph.calls(*self.loss_ops) if node.index in graph.differentiable]
        return all(self._given(graph, node.index) for node in losses)

    @staticmethod
    def _given(graph: Graph, at: int) -> bool:
        target = graph.source(graph.node(at), 1, "target")
        if target is None:
            return False
        sources = {target.index, *graph.upstream(target)}
        return not any(graph.node(each).random or graph.node(each).role == "parameter" for each in sources)

    # ---- sizes of updates ----------------------------------------------------------------------------------------

    @cached_property
    def infos(self) -> dict[int, ParameterInfo]:
        """What was first known of each parameter (not of buffers)."""
        found: dict[int, ParameterInfo] = {}
        for model in self.run.models.values():
            for info in model.parameters:
                if not info.is_buffer:
                    found.setdefault(info.parameter, info)
        return found

    @cached_property
    def embeddings(self) -> set[int]:
        """Parameters that are looked up: their updates are sparse."""
        return {
            leaf.parameter
            for graph in self.graphs[:3]
            for leaf in graph.leaves("parameter")
            if any(node.op in ("embedding", "embedding_bag") for node in graph.consumers(leaf))
        }

    @cached_property
    def matrices(self) -> set[int]:
        """Weights of layers: of two or more axes and sensible size, not zero at the start, not looked up."""
        return {
            number
            for number, info in self.infos.items()
            if len(info.shape) >= 2
            and math.prod(info.shape) >= 32
            and info.stats.get("std", 1.0) > 1e-4
            and number not in self.embeddings
        }

    @cached_property
    def looks(self) -> list[Look]:
        """Looks at steps of the main optimizer."""
        number = self.optimizer.optimizer if self.optimizer is not None else -1
        return [look for look in self.run.looks if look.optimizer == number]

    def ratios(self, look: Look, besides: Collection[int] = ()) -> list[float]:
        """Update over weight (norms) of each matrix that had a gradient at a look, `besides` left out."""
        return [
            update / weight
            for number, weight, update, gradient in zip(
                look.parameters, look.weight_norm, look.update_norm, look.gradient_norm, strict=True
            )
            if number in self.matrices
            and number not in besides
            and weight > 0
            and math.isfinite(update / weight)
            and not math.isnan(gradient)
        ]

    @cached_property
    def ratio(self) -> Series:
        """The median over matrices of update over weight, at each look."""
        pairs = [(look.tick, median(self.ratios(look))) for look in self.looks if self.ratios(look)]
        return Series(tuple(tick for tick, _ in pairs), tuple(value for _, value in pairs))

    def rate_places(self) -> tuple[Place, ...]:
        """Where the learning rate is set: the number first, then the optimizer's line."""
        where = self.optimizer.where if self.optimizer is not None else None
        return distinct([*origin(self.run, where, "lr"), where])


def blocks(values: list[float], count: int = 12) -> list[float]:
    """Medians of equally long parts of a curve, without values that are not finite; fewer parts for short curves."""
    size = max(1, len(values) // count)
    parts = [finite(values[start : start + size]) for start in range(0, len(values) - size + 1, size)]
    return [median(part) for part in parts if part]


def deviation(values: list[float], count: int = 12) -> float:
    """How far the median of one block lies from the truth: the jump between neighbouring values over the root of the
    block's length."""
    return 1.25 * 1.05 * jump(finite(values)) / math.sqrt(max(1, len(values) // count))

"""Facts about a run's parameters that many rules need: who owns them, who updates them, which graphs they are in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from seatrial.events import ModelSeen, ModuleInfo, ParameterFate, ParameterInfo, Place
from seatrial.history import Run
from seatrial.rules.graph import Graph


class Parameters:
    """What became of the parameters of a run. Ids are those of the events."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def graphs(self) -> list[Graph]:
        """The recorded training steps."""
        return [Graph(seen) for seen in self.run.training_graphs]

    @cached_property
    def first(self) -> dict[int, tuple[ModelSeen, ParameterInfo]]:
        """Model and parameter as they were when first seen, without buffers."""
        found: dict[int, tuple[ModelSeen, ParameterInfo]] = {}
        for model in self.run.every(ModelSeen):
            for info in model.parameters:
                if not info.is_buffer:
                    found.setdefault(info.parameter, (model, info))
        return found

    @cached_property
    def optimised(self) -> frozenset[int]:
        """Parameters that any optimizer holds."""
        groups = [group for optimizer in self.run.optimizers.values() for group in optimizer.groups]
        return frozenset(parameter for group in groups for parameter in group.parameters)

    @cached_property
    def recorded(self) -> frozenset[int]:
        """Parameters whose values reach a recorded training loss, by whatever path."""
        return frozenset(leaf.parameter for graph in self.graphs for leaf in graph.leaves() if leaf.parameter >= 0)

    @cached_property
    def reached(self) -> frozenset[int]:
        """Parameters to which a gradient path leads from a recorded training loss."""
        found = [
            leaf.parameter
            for graph in self.graphs
            for leaf in graph.leaves()
            if leaf.parameter >= 0 and leaf.index in graph.differentiable
        ]
        return frozenset(found)

    def learnt(self, fate: ParameterFate) -> bool:
        """Whether a parameter ever got a gradient or another value."""
        return fate.had_gradient or fate.changed or fate.parameter in self.reached

    @cached_property
    def idle(self) -> list[ParameterFate]:
        """Parameters that ask for gradients, belong to what trains, and never got one: of a model other parameters of
        which do learn, or held by an optimizer that steps."""
        fates = list(self.run.fates.values())
        learning = {fate.model for fate in fates if self.learnt(fate) and fate.parameter in self.optimised}
        return [
            fate
            for fate in fates
            if fate.requires_grad
            and not self.learnt(fate)
            and not fate.loaded
            and (fate.model in learning or (fate.parameter in self.optimised and fate.optimizers))
        ]

    def module(self, parameter: int) -> ModuleInfo | None:
        """The module that holds a parameter."""
        known = self.first.get(parameter)
        if known is None:
            return None
        model, info = known
        return module_at(model, info.path.rpartition(".")[0])

    def built(self, parameter: int) -> Place | None:
        """The line that constructed the module which holds a parameter, else the whole model."""
        module = self.module(parameter)
        if module is not None and module.where is not None:
            return module.where
        known = self.first.get(parameter)
        return known[0].where if known else None


def module_at(model: ModelSeen, path: str) -> ModuleInfo | None:
    """The module of a model at a path as in `named_modules`."""
    return next((module for module in model.modules if module.path == path), None)


def listed(names: Iterable[str], most: int = 3) -> str:
    """Names as they stand in a sentence: "a, b, c and 4 more"."""
    names = list(dict.fromkeys(names))
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown

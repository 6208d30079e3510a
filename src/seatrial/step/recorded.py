"""A step that was recorded with the values of its leaves, ready for experiments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from seatrial.events import GraphSeen
from seatrial.step.capture import Call, Leaf, Origin, Out
from seatrial.step.replay import Step

_DROPOUTS = frozenset(
    "dropout alpha_dropout feature_alpha_dropout dropout1d dropout2d dropout3d feature_dropout".split()
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The program that a loss depends on, its roots (the losses), the roles of its leaves by id(), the event that tells of
    it, and the outputs of root modules on the way."""

    program: list[Origin]
    roots: list[Out]
    roles: dict[int, str]
    seen: GraphSeen
    predictions: list[Out]

    def leaves(self, role: str) -> list[Leaf]:
        """The leaves of a role, in order."""
        return [leaf for leaf in self.program if isinstance(leaf, Leaf) and self.roles.get(id(leaf)) == role]

    def node_of(self, call: Call) -> int:
        """The index, in the event, of the node that stands for a call (-1 if there is none)."""
        calls = [origin for origin in self.program if isinstance(origin, Call)]
        nodes = [node.index for node in self.seen.nodes if not node.role]
        return nodes[calls.index(call)] if call in calls and len(nodes) >= len(calls) else -1

    def forward(self) -> Step:
        """The step up to the outputs of the model."""
        return Step(self.program, self.predictions, self.roles)


def evaluated(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """For `Step.__call__(substitute=)`: what a call gives in evaluation mode (dropout off, kept statistics in batch
    normalisation); NotImplemented where that is no different."""
    if call.op in _DROPOUTS:
        return args[0] if args else kwargs["input"]
    if call.op == "batch_norm":
        names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
        given: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
        if given.get("running_mean") is not None:
            normalise: Any = torch.nn.functional.batch_norm
            return normalise(**{**given, "training": False})
    if call.op == "multi_head_attention_forward" and "training" in kwargs:
        return call.function(*args, **{**kwargs, "training": False})
    return NotImplemented


def run_evaluated(
    step: Step, values: list[torch.Tensor], seen: Callable[[Call, Any], None] | None = None
) -> tuple[torch.Tensor, ...]:
    """The outputs of a step in evaluation mode, with the random numbers of the script where any are left."""
    return step(values, seen=seen, substitute=evaluated)

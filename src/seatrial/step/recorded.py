"""A step that was recorded with the values of its leaves, ready for experiments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from seatrial.events import GraphSeen
from seatrial.step.capture import Call, Leaf, Origin, Out
from seatrial.step.replay import Step

_DROPOUTS = frozenset(
    "dropout alpha_dropout feature_alpha_dropout dropout1d dropout2d dropout3d feature_dropout".split()
)

# Calls that may draw random numbers to regularise; what else draws is part of what a network does.
_REGULARISING = _DROPOUTS | frozenset(
    "multi_head_attention_forward scaled_dot_product_attention lstm gru rnn_tanh rnn_relu rrelu".split()
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The program that a loss depends on, its roots (the losses), the roles of its leaves by id(), the event that tells of
    it, the outputs of root modules on the way, and the indices of its nodes by id(). `batches`: what its data leaves (those
    that are no state), in order, held in this step and in later ones of the same make."""

    program: list[Origin]
    roots: list[Out]
    roles: dict[int, str]
    seen: GraphSeen
    predictions: list[Out]
    numbers: dict[int, int]
    batches: list[list[torch.Tensor]] = field(default_factory=list[list[torch.Tensor]])

    def data_leaves(self) -> list[Leaf]:
        """The leaves that are no parameter and no buffer, in order."""
        return data_leaves(self.program)

    def at(self, node: int) -> Origin | None:
        """The call or leaf that node `node` of the event stands for (None: it is not part of the step itself)."""
        return next((origin for origin in self.program if self.numbers.get(id(origin)) == node), None)

    def node_of(self, origin: Origin) -> int:
        """The index, in the event, of the node that stands for a call or leaf (-1 if there is none)."""
        return self.numbers.get(id(origin), -1)

    @property
    def answers(self) -> list[Out]:
        """The outputs of root modules that are no single number (a model may return its loss beside its scores)."""
        return [o for o in self.predictions if isinstance(o.origin, Call) and o.origin.outputs[o.number].shape]

    def leaves(self, role: str) -> list[Leaf]:
        """The leaves of a role, in order."""
        return [leaf for leaf in self.program if isinstance(leaf, Leaf) and self.roles.get(id(leaf)) == role]

    @property
    def draws(self) -> bool:
        """Whether random numbers are drawn on the way to the loss, other than to regularise (a latent variable, noise)."""
        return any(isinstance(o, Call) and o.drew and o.op not in _REGULARISING for o in self.program)

    def whole(self) -> Step:
        """The step up to its losses."""
        return Step(self.program, self.roots, self.roles)

    def forward(self) -> Step:
        """The step up to the outputs of the model."""
        return Step(self.program, self.predictions, self.roles)


def data_leaves(program: list[Origin]) -> list[Leaf]:
    """The leaves of a program that are no parameter and no buffer, in order."""
    return [origin for origin in program if isinstance(origin, Leaf) and not origin.state]


def unregularised(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """For `Step.__call__(substitute=)`: what a call gives without dropout; NotImplemented where that is no different."""
    if call.op in _DROPOUTS:
        return args[0] if args else kwargs["input"]
    if call.op == "multi_head_attention_forward" and "training" in kwargs:
        return call.function(*args, **{**kwargs, "training": False})
    return NotImplemented


def evaluated(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """For `Step.__call__(substitute=)`: what a call gives in evaluation mode (dropout off, kept statistics in batch
    normalisation); NotImplemented where that is no different."""
    if call.op == "batch_norm":
        names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
        given: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
        if given.get("running_mean") is not None:
            normalise: Any = torch.nn.functional.batch_norm
            return normalise(**{**given, "training": False})
    return unregularised(call, args, kwargs)


def run_evaluated(
    step: Step, values: list[torch.Tensor], seen: Callable[[Call, Any], None] | None = None
) -> tuple[torch.Tensor, ...]:
    """The outputs of a step in evaluation mode, with the random numbers of the script where any are left."""
    return step(values, seen=seen, substitute=evaluated)

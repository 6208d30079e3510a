"""The arguments and results of a call as they are captured: a reference stands where the user's call had a tensor."""

from __future__ import annotations

from typing import Any

import torch

from seatrial.events import Place
from seatrial.step.capture import Call, Out
from seatrial.step.origins import Origins


class Arguments:
    """The tensors that one call takes, in order, and where each came from. `place` is that of the call."""

    __slots__ = ("_origins", "_place", "references", "tensors")

    def __init__(self, origins: Origins, place: Place | None) -> None:
        self._origins = origins
        self._place = place
        self.tensors: list[torch.Tensor] = []
        self.references: list[Out] = []

    def captured(self, value: Any) -> Any:
        """An argument with references for its tensors; one that was not met before is a leaf."""
        if isinstance(value, torch.Tensor):
            out = self._origins.current(value) or self._origins.leaf(value, self._place)
            self.tensors.append(value)
            self.references.append(out)
            return out
        if isinstance(value, (list, tuple)):
            parts = [self.captured(part) for part in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        if isinstance(value, dict):
            return {key: self.captured(part) for key, part in value.items()}
        if isinstance(value, slice):
            return slice(*(self.captured(end) for end in (value.start, value.stop, value.step)))
        return value

    def frontier(self, value: Any) -> Any:
        """A captured argument with leaves for what user code outside of modules prepared: the batch as it enters the network
        or the loss."""
        if isinstance(value, Out):
            origin = value.origin
            if isinstance(origin, Call) and not origin.stateful and not origin.inside_root:
                at = next(i for i, out in enumerate(self.references) if out is value)
                return self._origins.leaf(self.tensors[at], origin.place, made_by=origin)
            return value
        if isinstance(value, (list, tuple)):
            parts = [self.frontier(part) for part in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        if isinstance(value, dict):
            return {key: self.frontier(part) for key, part in value.items()}
        if isinstance(value, slice):
            return slice(*(self.frontier(end) for end in (value.start, value.stop, value.step)))
        return value


def tensors_in(value: Any) -> list[torch.Tensor]:
    """The tensors in a result, in lists and dicts too."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for part in value for tensor in tensors_in(part)]
    if isinstance(value, dict):
        return [tensor for part in value.values() for tensor in tensors_in(part)]
    return []

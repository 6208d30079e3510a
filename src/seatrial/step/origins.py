"""Where tensors came from: the captured call or leaf of each, as long as it lives, and the calls that wrote to it since."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from seatrial.events import Place, TensorInfo
from seatrial.step.capture import Call, Leaf, Out


class Origins:
    """What a recorder knows of tensors. `modules` are those that run at present, innermost last, with their paths and types.

    `clock` counts the calls and leaves; `carried` are the leaves that came with a graph of their own."""

    def __init__(self, modules: list[tuple[str, str, torch.nn.Module]]) -> None:
        self.clock = 0
        self.carried: list[Leaf] = []
        self.parameter_id: Callable[[torch.Tensor, str], int] = lambda tensor, name: -1
        self.state_names: dict[int, str] = {}
        self._modules = modules
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], Out]] = {}
        self._writers: dict[int, list[Call]] = {}
        self._parameter_at: dict[int, int] = {}  # storage -> id() of a parameter that is a leaf

    def out_of(self, tensor: torch.Tensor) -> Out | None:
        """Where a tensor came from, if it was captured."""
        known = self._known.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def current(self, tensor: torch.Tensor) -> Out | None:
        """As `out_of`; a leaf that was frozen or thawed since it was met is another one."""
        out = self.out_of(tensor)
        if out is None or not isinstance(out.origin, Leaf) or out.origin.carried:
            return out
        return out if out.origin.info.requires_grad == tensor.requires_grad else None

    def taken(self, tensor: torch.Tensor) -> Out:
        """Where a tensor came from that the call which is being captured took."""
        return self._known[id(tensor)][1]

    def remember(self, tensor: torch.Tensor, out: Out) -> None:
        """A tensor is made, or changed, by a call; or met first, as a leaf."""
        key = id(tensor)

        def forget(gone: weakref.ref[torch.Tensor], known: dict[int, Any] = self._known) -> None:
            if known.get(key, (None,))[0] is gone:
                del known[key]

        self._known[key] = (weakref.ref(tensor, forget), out)

    # ---- leaves --------------------------------------------------------------------------------------------------

    def leaf(self, tensor: torch.Tensor, place: Place | None, made_by: Call | None = None) -> Out:
        """A tensor that comes from outside of what is captured, met at a place of the user's program."""
        self.clock += 1
        state, name = self._state_of(tensor)
        carried = made_by is None and not state and tensor.requires_grad and tensor.grad_fn is not None
        inside = self._modules[0][0] if self._modules else ""
        parameter = self.parameter_id(tensor, name) if state == "parameter" else -1
        leaf = Leaf(self.clock, info_of(tensor), state, parameter, {}, None, place, name, carried, inside, made_by)
        if state == "parameter":
            self._parameter_at[_storage(tensor)] = id(tensor)
        if carried:
            leaf.depth = _graph_depth(tensor)
            self.carried.append(leaf)
        out = Out(leaf)
        self.remember(tensor, out)
        return out

    def _state_of(self, tensor: torch.Tensor) -> tuple[str, str]:
        """parameter, buffer or "" (data), and the name."""
        name = self.state_names.get(id(tensor), "")
        if isinstance(tensor, torch.nn.Parameter) or (tensor.requires_grad and tensor.is_leaf):
            return "parameter", name or self._name_in_module(tensor)
        for path, _, module in self._modules:
            for key, buffer in module._buffers.items():
                if buffer is tensor:
                    return "buffer", f"{path}.{key}"
        return ("buffer", name) if name else ("", "")

    def _name_in_module(self, tensor: torch.Tensor) -> str:
        """The name of a parameter that the module which runs at present has as its own, perhaps only while it runs."""
        for path, _, module in self._modules[-1:]:
            for key, parameter in module._parameters.items():
                if parameter is tensor:
                    return f"{path}.{key}"
        return ""

    # ---- writing -------------------------------------------------------------------------------------------------

    def wrote(self, call: Call, tensor: torch.Tensor) -> None:
        """A call has changed the memory of a tensor."""
        self._writers.setdefault(_storage(tensor), []).append(call)

    def written_since(self, tensors: list[torch.Tensor], references: list[Out]) -> tuple[Call, ...]:
        """The calls that wrote to the memory of tensors after these came from where they came from."""
        if not self._writers:
            return ()
        found: list[Call] = []
        for tensor, out in zip(tensors, references, strict=True):
            for writer in self._writers.get(_storage(tensor), ()):
                if writer.order > out.origin.order and writer not in found:
                    found.append(writer)
        return tuple(found)

    def stepped_on(self, tensor: torch.Tensor, call: Call) -> bool:
        """A parameter was overwritten without gradients, as an optimizer does: what comes after is a new step that begins
        with the new value, so that the parameter is a leaf again."""
        key = self._parameter_at.get(_storage(tensor))
        if key is None or call.grad:
            return False
        self._known.pop(key, None)
        return True


def info_of(tensor: torch.Tensor) -> TensorInfo:
    """Shape, dtype, whether gradients are wanted, and device."""
    return TensorInfo(
        tuple(map(int, tensor.shape)),
        str(tensor.dtype).removeprefix("torch."),
        tensor.requires_grad,
        tensor.device.type,
    )


def _graph_depth(tensor: torch.Tensor, most: int = 5000) -> int:
    """How many nodes the graph of a tensor has (counted up to `most`)."""
    todo: list[Any] = [tensor.grad_fn]
    found: set[Any] = set()
    while todo and len(found) < most:
        node = todo.pop()
        if node is not None and node not in found:
            found.add(node)
            todo.extend(parent for parent, _ in node.next_functions)
    return len(found)


def _storage(tensor: torch.Tensor) -> int:
    try:
        return tensor.untyped_storage()._cdata
    except (NotImplementedError, RuntimeError):
        return id(tensor)

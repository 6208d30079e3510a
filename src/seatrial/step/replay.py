"""A captured step as a `torch.fx` graph, and its exact replay on any values of its leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import fx

from seatrial.step.capture import Call, Leaf, Origin, Out


class NotReplayable(Exception):
    """The step cannot be replayed; the message says why."""


class Step:
    """A pure function of its leaves: `step(values)` computes the roots, bit for bit as the script did.

    `leaves` are in the order of the graph's placeholders. Every node of `graph` carries in `meta` the captured call
    ("call": line, module path, gradient mode, state of the random generator) or leaf ("leaf") that it stands for.
    """

    def __init__(self, program: list[Origin], roots: list[Out], roles: dict[int, str] | None = None) -> None:
        self.graph = fx.Graph()
        self.leaves = [origin for origin in program if isinstance(origin, Leaf)]
        self.roles = roles or {}
        self._nodes: dict[int, fx.Node] = {}
        for number, leaf in enumerate(self.leaves):
            node = self.graph.placeholder(f"leaf_{number}")
            node.meta["leaf"] = leaf
            self._nodes[id(leaf)] = node
        for origin in program:
            if isinstance(origin, Call):
                self._add(origin)
        self.graph.output(tuple(self._resolve(root) for root in roots))

    def _add(self, call: Call) -> None:
        args, kwargs = self._translate(call.args), self._translate(call.kwargs)
        node = self.graph.call_function(_named(call.function), args, kwargs)
        node.meta["call"] = call
        self._nodes[id(call)] = node

    def _resolve(self, out: Out) -> fx.Node:
        origin = out.origin
        node = self._nodes[id(origin)]
        if isinstance(origin, Leaf):
            return node
        if out.number >= origin.results:
            return self._resolve(origin.changed[out.number - origin.results])
        if origin.results == 1:
            return node
        picked = self.graph.call_function(_output, (node, out.number))
        picked.meta["call"] = None
        return picked

    def _translate(self, value: Any) -> Any:
        if isinstance(value, Out):
            return self._resolve(value)
        if isinstance(value, tuple):
            parts = [self._translate(part) for part in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if isinstance(value, list):
            return [self._translate(part) for part in value]
        if isinstance(value, dict):
            return {key: self._translate(part) for key, part in value.items()}
        if isinstance(value, slice):
            return slice(self._translate(value.start), self._translate(value.stop), self._translate(value.step))
        return value

    def values(self) -> list[torch.Tensor]:
        """The leaves' recorded values, as fresh tensors that require gradients where the script's did.

        Raises:
            NotReplayable: where values were not kept.
        """
        values: list[torch.Tensor] = []
        for leaf in self.leaves:
            if leaf.value is None:
                raise NotReplayable("the values of its leaves were not kept")
            values.append(leaf.value.clone().requires_grad_(leaf.info.requires_grad))
        return values

    def __call__(
        self,
        values: list[torch.Tensor],
        seen: Callable[[Call, Any], None] | None = None,
        substitute: Callable[[Call, tuple[Any, ...], dict[str, Any]], Any] | None = None,
        same_random_numbers: bool = True,
    ) -> tuple[torch.Tensor, ...]:
        """Compute the roots.

        Args:
            values: one tensor a leaf, in the order of `leaves`. In-place operations of the step change them.
            seen: is told of each call and its result.
            substitute: may return something else than NotImplemented to replace a call's result.
            same_random_numbers: draw what the script drew; else draw anew from torch's global generator.
        """
        return _Replay(self.graph, seen, substitute, same_random_numbers).run(*values)


def total(roots: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The losses of a step as one number that can be differentiated."""
    if len(roots) == 1 and roots[0].numel() == 1:
        return roots[0]
    return torch.stack([root.sum() for root in roots]).sum()


def replayed(graph: fx.Graph, values: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """What a graph made of a step's gives, with the random numbers of the script."""
    return _Replay(graph, None, None, True).run(*values)


class _Replay(fx.Interpreter):
    """Runs the graph node by node in the modes in which the script ran it."""

    def __init__(
        self,
        graph: fx.Graph,
        seen: Callable[[Call, Any], None] | None,
        substitute: Callable[[Call, tuple[Any, ...], dict[str, Any]], Any] | None,
        same_random_numbers: bool,
    ) -> None:
        super().__init__(torch.nn.Module(), graph=graph)
        self.seen = seen
        self.substitute = substitute
        self.same_random_numbers = same_random_numbers

    def run_node(self, n: fx.Node) -> Any:
        call: Call | None = n.meta.get("call")
        if call is None:
            return super().run_node(n)
        with ExitStack() as modes:
            modes.enter_context(torch.set_grad_enabled(call.grad))
            if call.autocast:
                device, dtype = call.autocast.split()
                modes.enter_context(torch.autocast(device, getattr(torch, dtype.removeprefix("torch."))))
            if call.device:
                modes.enter_context(torch.device(call.device))
            if call.generator is not None and self.same_random_numbers:
                call.generator.put_back()
            result = NotImplemented
            if self.substitute is not None:
                args, kwargs = self.fetch_args_kwargs_from_env(n)
                result = self.substitute(call, args, kwargs)
            if result is NotImplemented:
                result = super().run_node(n)
        if call.results == 1 and not isinstance(result, torch.Tensor):
            result = _flat(result)[0]
        if self.seen is not None:
            self.seen(call, result)
        return result


def _named(function: Any) -> Callable[..., Any]:
    """A function that a graph can hold (it wants a module's name, which getters of attributes do not have)."""
    if hasattr(function, "__module__"):
        return function

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def _output(result: Any, number: int) -> torch.Tensor:
    """Tensor `number`, in flat order, of a nested result."""
    return _flat(result)[number]


def _flat(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for part in value for tensor in _flat(part)]
    if isinstance(value, dict):
        return [tensor for part in value.values() for tensor in _flat(part)]
    return []

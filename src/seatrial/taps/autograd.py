"""Hears backward passes (`Tensor.backward`, `torch.autograd.backward`, `torch.autograd.grad` of parameters) and, while a
step is recorded, custom autograd functions, which no function mode sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.compiler import is_compiling
from torch.utils.checkpoint import CheckpointFunction

from seatrial.step.replay import NotReplayable
from seatrial.taps.recording import Recording
from seatrial.taps.watch import Watch


def within_backward() -> bool:
    """Whether this thread is inside a backward pass: what is called there (a checkpointed part that runs again, the backward
    of a custom function) is a part of that pass, not the user's loop."""
    return torch._C._current_graph_task_id() != -1


def _as_many(gradients: Any) -> Sequence[Any]:
    """The gradients with respect to losses, as they may be given: none, one, or one for each."""
    if gradients is None or isinstance(gradients, torch.Tensor):
        return () if gradients is None else (gradients,)
    return tuple(gradients) if isinstance(gradients, Sequence) else ()


def install(watch: Watch, recording: Recording) -> None:
    """Listen. One replacement serves `loss.backward()` too, since that calls `torch.autograd.backward`."""
    # A call that a mode of functions hears is made by torch once more, under the same name.
    running: list[bool] = []

    def make_backward(original: Callable[..., Any]) -> Callable[..., Any]:
        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or running or within_backward() or not watch.trains():
                return original(tensors, *args, **kwargs)
            if not isinstance(tensors, torch.Tensor):
                tensors = tuple(tensors)  # it may be an iterator
            losses = (tensors,) if isinstance(tensors, torch.Tensor) else tensors
            given = args[0] if args else kwargs.get("grad_tensors")
            recording.before_backward(losses, "backward", 1, _as_many(given))
            running.append(True)
            try:
                return original(tensors, *args, **kwargs)
            finally:
                running.pop()
                recording.after_backward(losses)

        return backward

    def make_grad(original: Callable[..., Any]) -> Callable[..., Any]:
        def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or running or recording.in_handler or within_backward() or not watch.hears():
                return original(outputs, inputs, *args, **kwargs)
            if isinstance(inputs, Iterable) and not isinstance(inputs, torch.Tensor):
                inputs = tuple(inputs)
            if not isinstance(outputs, torch.Tensor):
                outputs = tuple(outputs)
            recording.gradient_asked()
            wanted = (inputs,) if isinstance(inputs, torch.Tensor) else inputs
            if not any(isinstance(tensor, torch.nn.Parameter) for tensor in wanted):
                return original(outputs, inputs, *args, **kwargs)
            losses = (outputs,) if isinstance(outputs, torch.Tensor) else outputs
            kind = "grad create_graph" if kwargs.get("create_graph") else "grad"
            recording.before_backward(losses, kind, 1, _as_many(args[0] if args else kwargs.get("grad_outputs")))
            running.append(True)
            try:
                return original(outputs, inputs, *args, **kwargs)
            finally:
                running.pop()
                recording.after_backward(losses)

        return grad

    watch.patches.wrap(torch.autograd.Function, "apply", lambda original: _make_apply(original, watch, recording))
    watch.patches.wrap(torch.autograd, "backward", make_backward)
    watch.patches.wrap(torch.autograd, "grad", make_grad)


def _make_apply(original: Callable[..., Any], watch: Watch, recording: Recording) -> Callable[..., Any]:
    def apply(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            return original(cls, *args, **kwargs)
        recorder = recording.recorder
        if recorder is None or recorder.inert or recorder.depth or not watch.hears():
            return original(cls, *args, **kwargs)
        once = issubclass(cls, CheckpointFunction)
        made = False
        if once:  # it computes with the user's own modules, which a replay is not to touch
            watch.not_looked_at("the inside of a checkpointed part", "checkpoint(use_reentrant=True) hides it")

        def applied(*inner: Any, **named: Any) -> Any:
            nonlocal made
            if once and made:
                raise NotReplayable("it holds a part under checkpoint(use_reentrant=True)")
            made = True
            return original(cls, *inner, **named)

        applied.custom = cls  # pyright: ignore[reportFunctionMemberAccess]  # for experiments on its backward
        name = f"{cls.__module__}.{cls.__qualname__}.apply"
        return recorder.observe(applied, name, f"apply:{cls.__name__}", False, args, kwargs)

    return apply

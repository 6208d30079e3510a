"""Hears backward passes (`Tensor.backward`, `torch.autograd.backward`, `torch.autograd.grad` of parameters) and, while a
step is recorded, custom autograd functions, which no function mode sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from seatrial.taps.recording import Recording
from seatrial.taps.watch import Watch


def install(watch: Watch, recording: Recording) -> None:
    """Listen. One replacement serves `loss.backward()` too, since that calls `torch.autograd.backward`."""

    def make_backward(original: Callable[..., Any]) -> Callable[..., Any]:
        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if not watch.on:
                return original(tensors, *args, **kwargs)
            losses = (tensors,) if isinstance(tensors, torch.Tensor) else tuple(tensors)
            recording.before_backward(losses, "backward", 1)
            try:
                return original(tensors, *args, **kwargs)
            finally:
                recording.after_backward(losses)

        return backward

    def make_grad(original: Callable[..., Any]) -> Callable[..., Any]:
        def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            if not watch.on or recording.in_handler:
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
            recording.before_backward(losses, kind, 1)
            try:
                return original(outputs, inputs, *args, **kwargs)
            finally:
                recording.after_backward(losses)

        return grad

    def make_apply(original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
            recorder = recording.recorder
            if recorder is None or recorder.inert or recorder.depth or torch.compiler.is_compiling():
                return original(cls, *args, **kwargs)

            def applied(*inner: Any, **named: Any) -> Any:
                return original(cls, *inner, **named)

            applied.custom = cls  # pyright: ignore[reportFunctionMemberAccess]  # for experiments on its backward
            name = f"{cls.__module__}.{cls.__qualname__}.apply"
            return recorder.observe(applied, name, f"apply:{cls.__name__}", False, args, kwargs)

        return apply

    watch.patches.wrap(torch.autograd.Function, "apply", make_apply)
    watch.patches.wrap(torch.autograd, "backward", make_backward)
    watch.patches.wrap(torch.autograd, "grad", make_grad)

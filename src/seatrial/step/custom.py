"""Custom autograd functions by their forward pass alone, so that autograd differentiates it in the place of their backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class Context:
    """Stands in for a custom function's `ctx` while its forward runs by itself."""

    def __init__(self, needs_input_grad: tuple[bool, ...] = ()) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()
        self.materialize_grads = True

    def save_for_backward(self, *tensors: Any) -> None:
        self.saved_tensors = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        pass

    def mark_dirty(self, *tensors: Any) -> None:
        pass

    def mark_non_differentiable(self, *tensors: Any) -> None:
        pass

    def mark_shared_storage(self, *pairs: Any) -> None:
        pass

    def set_materialize_grads(self, value: bool) -> None:
        self.materialize_grads = value


def forward_of(function: type[torch.autograd.Function], args: tuple[Any, ...]) -> Any:
    """What `function.apply(*args)` returns, computed by its forward alone: autograd and `vmap` look into it."""
    forward: Callable[..., Any] = function.forward
    if function.setup_context is not torch.autograd.Function.setup_context:
        return forward(*args)
    needs = tuple(isinstance(value, torch.Tensor) and value.requires_grad for value in args)
    return forward(Context(needs), *args)

"""Hears the clipping of gradients: what was given, how many gradients there were, the norm and its bound."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator
from types import FrameType, GeneratorType
from typing import Any

import torch
from torch.nn import utils
from torch.nn.utils import clip_grad

from seatrial.measure.access import kept
from seatrial.taps.guarding import guarded
from seatrial.taps.watch import Watch

# Name of the bound's argument of each function, its position, and what kind of bound it is.
_FUNCTIONS = {
    "clip_grad_norm_": ("max_norm", "norm"),
    "clip_grads_with_norm_": ("max_norm", "norm"),
    "clip_grad_value_": ("clip_value", "value"),
}


def install(watch: Watch) -> None:
    """Listen."""
    tap = _ClipTap(watch)
    for name, (bound, kind) in _FUNCTIONS.items():
        # One replacement for all names of a function: it must stay the same object under each.
        make = functools.cache(functools.partial(tap.make, bound, kind))
        for owner in (clip_grad, utils):
            if name in vars(owner):
                watch.patches.wrap(owner, name, make)


class _ClipTap:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.note = guarded(watch, "a clipping of gradients", self._note)
        self.known: dict[tuple[int, ...], tuple[int, ...]] = {}

    def make(self, bound: str, kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def clip(*args: Any, **kwargs: Any) -> Any:
            if torch.compiler.is_compiling() or not self.watch.hears():
                return original(*args, **kwargs)
            given = args[0] if args else kwargs.get("parameters")
            if isinstance(given, Iterator):
                given = list(given)
                again = _handed_on(args[0] if args else kwargs["parameters"], given)
                if args:
                    args = (again, *args[1:])
                else:
                    kwargs["parameters"] = again
            result = original(*args, **kwargs)
            limit = args[1] if len(args) > 1 else kwargs.get(bound)
            norm = result if result is not None else args[2] if len(args) > 2 else kwargs.get("total_norm")
            self.note(given, kind, limit, norm, sys._getframe(1))
            return result

        return clip

    def _note(self, given: Any, kind: str, limit: Any, norm: Any, frame: FrameType) -> None:
        tensors: list[torch.Tensor] = [given] if isinstance(given, torch.Tensor) else list(given)
        bound = float(limit)
        # Reading the gradient of a tensor that is no leaf would warn.
        with_gradient = sum(tensor.grad is not None for tensor in tensors if tensor.is_leaf or tensor.retains_grad)
        call = self.watch.call("clip", -1, f"{kind} {bound:g}", self.watch.place(frame))
        figure = _kept(norm) if kind == "norm" else math.nan
        self.watch.clip(call, figure, bound, len(tensors), with_gradient, self._numbers(tensors))

    def _numbers(self, tensors: list[torch.Tensor]) -> tuple[int, ...]:
        """Numbers of parameters; remembered, since nearly always the same are clipped."""
        key = tuple(map(id, tensors))
        numbers = self.known.get(key)
        of = self.watch.parameters
        if numbers is None or (tensors and of.get(tensors[0]) != numbers[0]):
            self.known.clear()
            numbers = self.known[key] = tuple(of.of(tensor) for tensor in tensors)
        return numbers


def _handed_on(given: Iterator[Any], kept: list[Any]) -> Any:
    """The parameters as torch would have seen them: it warns of an empty generator, but not of an empty list."""
    return (part for part in kept) if isinstance(given, GeneratorType) else kept


def _kept(norm: Any) -> Any:
    """A norm to be read later, without waiting for a device now."""
    if isinstance(norm, torch.Tensor):
        if type(norm) is not torch.Tensor or norm.numel() != 1:
            return math.nan
        return kept(norm)
    return float(norm)

"""Hears weights that have trained being drawn anew: `reset_parameters()`, `nn.init`, which is what both come to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.compiler import is_compiling
from torch.nn import init

from seatrial.taps.guarding import guarded
from seatrial.taps.models import Models
from seatrial.taps.watch import Watch

# Functions that fill a weight at random. Constants (a bias set to zero) reset nothing by themselves.
_DRAWING = (
    "uniform_",
    "normal_",
    "trunc_normal_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
    "sparse_",
)


def install(watch: Watch, models: Models) -> None:
    """Listen."""

    def drawn(given: Any, frame: FrameType) -> None:
        number = _parameter(watch, given)
        owner = models.owner(number) if number is not None and models.is_trained(number) else None
        if owner is not None:
            watch.call("reset", owner[0], owner[1].rpartition(".")[0], watch.place(frame))

    note = guarded(watch, "weights drawn anew", drawn)

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def fill(*args: Any, **kwargs: Any) -> Any:
            if not is_compiling() and watch.optimizer_steps and watch.hears():
                note(args[0] if args else kwargs.get("tensor"), sys._getframe(1))
            return original(*args, **kwargs)

        return fill

    for name in _DRAWING:
        watch.patches.wrap(init, name, make)


def _parameter(watch: Watch, given: Any) -> int | None:
    """The number of the parameter that is filled, by itself or by its `data`."""
    if not isinstance(given, torch.Tensor):
        return None
    number = watch.parameters.get(given)
    if number is not None or isinstance(given, torch.nn.Parameter) or given.requires_grad or not given.numel():
        return number
    place = given.data_ptr()
    return next((known for known, tensor in watch.parameters.living() if tensor.data_ptr() == place), None)

"""Hears gradient scalers: scale, unscale_, step and update, in the order in which the user's code calls them.

Those that are switched off do nothing, and are not heard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from torch.amp.grad_scaler import GradScaler
from torch.compiler import is_compiling
from torch.optim import Optimizer

from seatrial.taps.guarding import guarded
from seatrial.taps.watch import Watch

_NAMES = {"scale": "scale", "unscale_": "unscale", "step": "step", "update": "update"}


def install(watch: Watch) -> None:
    """Listen. `torch.cuda.amp.GradScaler` and its like inherit these methods."""
    running: list[str] = []

    def heard(name: str, given: Any, frame: FrameType) -> None:
        subject = watch.optimizer(given) if isinstance(given, Optimizer) else -1
        watch.call("scaler", subject, name, watch.place(frame))

    note = guarded(watch, "a call of a gradient scaler", heard)

    def make_for(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def method(scaler: Any, *args: Any, **kwargs: Any) -> Any:
                # A step unscales by itself where the user has not: that is no call of the user's.
                if is_compiling() or not watch.hears() or running or not scaler.is_enabled():
                    return original(scaler, *args, **kwargs)
                given = next((value for value in (*args, *kwargs.values())), None)
                note(name, given, sys._getframe(1))
                running.append(name)
                try:
                    return original(scaler, *args, **kwargs)
                finally:
                    running.pop()

            return method

        return make

    for method, name in _NAMES.items():
        watch.patches.wrap(GradScaler, method, make_for(name))

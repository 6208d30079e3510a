"""Stands aside while TorchScript compiles: it reads the source of the functions that a model calls, which ours hide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from seatrial.taps.watch import Watch


def install(watch: Watch) -> None:
    """Listen (to nothing: only make room)."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        unpatched = watch.patches.without(original)

        def script(*args: Any, **kwargs: Any) -> Any:
            # Names are looked up in a frame so many levels up, and there are two of ours more.
            return unpatched(*args, **kwargs | {"_frames_up": kwargs.get("_frames_up", 0) + 2})

        return script

    watch.patches.wrap(torch.jit, "script", make)

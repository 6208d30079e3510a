"""Ends a watched program after some steps of its optimizers, as Ctrl-C would."""

from __future__ import annotations

from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

from seatrial.errors import Enough


def stop_after(steps: int) -> None:
    """Raise Enough from the optimizer's step after so many of them, once: a program that goes on is let go on."""
    left = [steps]

    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] <= 0:
            handle.remove()
            raise Enough(f"seatrial has seen {steps} steps")

    handle = register_optimizer_step_post_hook(count)

"""What every tap's own part runs in: its failures never reach the user, and what it does with tensors is not heard."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

from seatrial.step.unheard import Unheard
from seatrial.taps.watch import Watch


def guarded(watch: Watch, what: str, listener: Callable[..., None]) -> Callable[..., None]:
    """A listener that tells of its failure as something that was not looked at."""

    def safely(*args: Any) -> None:
        try:
            with Unheard():
                listener(*args)
        except Exception as error:
            watch.not_looked_at(what, f"{type(error).__name__}: {error}")

    return safely


def constructor_caller(frame: FrameType | None, thing: Any) -> FrameType | None:
    """The frame that constructs `thing`: past the `__init__` of subclasses that call the one of their base."""
    while frame is not None and frame.f_code.co_name == "__init__":
        names = frame.f_code.co_varnames
        if not names or frame.f_locals.get(names[0]) is not thing:
            break
        frame = frame.f_back
    return frame


def is_torchs(frame: FrameType | None) -> bool:
    """Whether a frame runs code of torch itself."""
    return frame is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == "torch"

"""Warnings name the line that they would name without us: a call that is heard has frames of ours between it and its caller,
and one of those would be named, and counted as the place that has warned already, in its stead."""

from __future__ import annotations

import inspect
import os
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch.overrides

from seatrial.step.recorder import Recorder
from seatrial.taps.watch import Watch

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OVERRIDES = torch.overrides.__file__


def install(watch: Watch) -> None:
    """Listen to what is about to be shown. Costs nothing where nothing warns."""
    watch.patches.wrap(warnings, "_showwarnmsg", _make)


def _make(original: Callable[[Any], None]) -> Callable[[Any], None]:
    own = threading.local()

    def show(message: Any) -> None:
        place = None if getattr(own, "telling", False) else _place(message, sys._getframe(1))
        if place is None:
            original(message)
            return
        own.telling = True
        try:
            _tell(message, *place)
        finally:
            own.telling = False

    return show


def _tell(message: Any, named: FrameType, meant: FrameType) -> None:
    """Warn anew from the frame that is meant: filters that name modules, and the list of what was warned of before, are its."""
    said = (str(message.message), message.category)
    for line in (named.f_lineno, 0):  # 0: of a filter "module"
        named.f_globals.get("__warningregistry__", {}).pop((*said, line), None)
    warnings.onceregistry.pop(said, None)  # pyright: ignore[reportAttributeAccessIssue]
    warnings.warn_explicit(
        message.message,
        message.category,
        meant.f_code.co_filename,
        meant.f_lineno,
        meant.f_globals.get("__name__"),
        meant.f_globals.setdefault("__warningregistry__", {}),
        source=message.source,
    )


def _place(message: Any, frame: FrameType | None) -> tuple[FrameType, FrameType] | None:
    """The frame that a warning names and the one that it would name without us; None where they are the same."""
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    at = next((i for i, each in enumerate(frames) if _is_named(each, message)), None)
    if at is None:
        return None
    counted = sum(not _is_internal(each) for each in frames[:at])
    theirs = _without_ours(frames)
    if counted >= len(theirs) or theirs[counted] is frames[at]:
        return None
    return frames[at], theirs[counted]


def _is_named(frame: FrameType, message: Any) -> bool:
    return frame.f_lineno == message.lineno and frame.f_code.co_filename == message.filename


def _is_internal(frame: FrameType) -> bool:
    """Whether Python passes over a frame when it counts."""
    return "importlib" in frame.f_code.co_filename and "_bootstrap" in frame.f_code.co_filename


def _without_ours(frames: list[FrameType]) -> list[FrameType]:
    """The frames, innermost first, that there would be without us: without ours, and without those of a torch function in
    Python that hands itself over to us and is called by us once more."""
    kept: list[FrameType] = []
    handed: Any = None
    for frame in frames:
        if frame.f_code is Recorder.observe.__code__:
            handed = getattr(inspect.unwrap(frame.f_locals["func"]), "__code__", None)
        if frame.f_code.co_filename.startswith(_OURS) or _is_internal(frame):
            continue
        if handed is not None and frame.f_code.co_filename == _OVERRIDES:
            continue
        if handed is not None and frame.f_code is handed:
            handed = None
            continue
        kept.append(frame)
    return kept

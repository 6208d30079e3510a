"""Puts recorders on torch's stack of function modes, and takes them off it."""

from __future__ import annotations

from threading import get_ident

import torch
from torch.overrides import (
    _pop_mode,  # pyright: ignore[reportPrivateUsage]
    _push_mode,  # pyright: ignore[reportPrivateUsage]
)
from torch.utils._device import DeviceContext

from seatrial.step.recorder import Recorder


class ModeStack:
    """Knows the recorders that could not be taken off: while a call that one hears is being made, torch keeps it elsewhere and
    puts it back at its end; another thread's stack cannot be reached at all."""

    def __init__(self) -> None:
        self._left: dict[int, Recorder] = {}  # by thread

    def enter(self, recorder: Recorder) -> Recorder:
        """Let a new recorder listen in this thread. Returns the one that does: it may be one that torch is about to put back,
        which begins anew as the given one."""
        left = self._left.pop(get_ident(), None)
        if left is not None and not _taken_off(left):
            vars(left).update(vars(recorder), thread=left.thread)
            return left
        recorder.thread = get_ident()
        _put_below(recorder)
        return recorder

    def leave(self, recorder: Recorder) -> None:
        """Let a recorder listen no longer, as far as it can be taken off by now."""
        if not _taken_off(recorder):
            self._left[recorder.thread] = recorder

    def tidy(self) -> None:
        """Take off what could not be taken off earlier."""
        left = self._left.get(get_ident()) if self._left else None
        if left is not None and _taken_off(left):
            del self._left[left.thread]


def _put_below(recorder: Recorder) -> None:
    """Put a recorder below all modes of the program's own (but for the default device, which lies at the bottom): whichever of
    them ends first takes itself away, not us. We hear what they make of a call."""
    others = [_pop_mode() for _ in range(torch._C._len_torch_function_stack())]
    while others and isinstance(others[-1], DeviceContext):
        _push_mode(others.pop())
    for mode in (recorder, *reversed(others)):
        _push_mode(mode)


def _taken_off(recorder: Recorder) -> bool:
    """Take a recorder off this thread's stack. Returns whether it was there."""
    modes = [_pop_mode() for _ in range(torch._C._len_torch_function_stack())]
    for mode in reversed(modes):
        if mode is not recorder:
            _push_mode(mode)
    return recorder in modes

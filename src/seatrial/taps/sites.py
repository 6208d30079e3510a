"""From which of the user's lines is a call made? Looked for once for each way to get there, then remembered."""

from __future__ import annotations

import sys
from types import CodeType, FrameType

from seatrial.places import is_users, place_of
from seatrial.taps.watch import Watch

# So many ways are remembered, with their code.
MOST_SITES = 20_000


class Sites:
    """The lines from which one kind of call is made.

    A way is known by its two ends: the instruction that calls us, and that of the user's nearest line, so many frames
    further out. A trainer's steps lie some thirty frames within the user's call of it: asking Python for that frame alone
    takes a quarter of the time that it takes to look at each one on the way.
    """

    def __init__(self, watch: Watch, kind: str) -> None:
        self._watch = watch
        self._kind = kind
        # By the instruction, the subject and the detail: code of the instruction, number of frames to the user's, its code and
        # instruction, and the call.
        self._known: dict[tuple[int, int, int, str], tuple[CodeType, int, CodeType, int, int]] = {}

    def note(self, subject: int, detail: str, up: int) -> int:
        """Note a call in the turn that is going on, at the nearest line of user code; returns its id.

        Args:
            up: number of frames from the caller of this method out to the first that may be the user's.
        """
        frame = sys._getframe(up + 1)
        code = frame.f_code
        known = self._known.get((id(code), frame.f_lasti, subject, detail))
        if known is None or known[0] is not code:
            return self._look(subject, detail, frame)
        _, more, far_code, far_instruction, call = known
        if more:
            try:
                frame = sys._getframe(up + 1 + more)
            except ValueError:
                return self._look(subject, detail, frame)
            if frame.f_code is not far_code or frame.f_lasti != far_instruction:
                return self._look(subject, detail, sys._getframe(up + 1))
        self._watch.turns.note(call)
        return call

    def _look(self, subject: int, detail: str, near: FrameType) -> int:
        frame: FrameType | None = near
        more = 0
        while frame is not None and not is_users(frame.f_code.co_filename):
            frame, more = frame.f_back, more + 1
        call = self._watch.call(self._kind, subject, detail, place_of(frame))
        key = (id(near.f_code), near.f_lasti, subject, detail)
        if frame is not None and (len(self._known) < MOST_SITES or key in self._known):
            self._known[key] = (near.f_code, more, frame.f_code, frame.f_lasti, call)
        return call

"""How a program ended, and showing its exception as Python would, without our frames."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from seatrial.events import Place
from seatrial.places import is_users

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@dataclass(frozen=True, slots=True)
class Ending:
    """`status`: completed | failed | interrupted | exited."""

    status: str
    code: int
    exception: str = ""
    where: Place | None = None


def peel(error: BaseException, known: set[int] | None = None) -> None:
    """Take our frames out of the traceback of an exception and of those that it came from."""
    known = known if known is not None else set()
    if id(error) in known:
        return
    known.add(id(error))
    error.__traceback__ = _without_ours(error.__traceback__)
    for other in (error.__cause__, error.__context__):
        if other is not None:
            peel(other, known)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OWN):
            kept.append(trace)
        trace = trace.tb_next
    head: TracebackType | None = None
    for part in reversed(kept):
        head = TracebackType(head, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return head


def of(error: BaseException | None) -> Ending:
    """What an exception that reached the top means (None: none did). Shows it as Python would."""
    if error is None:
        return Ending("completed", 0)
    if isinstance(error, SystemExit):
        return Ending("exited", _exit_code(error.code))
    peel(error)
    last = traceback.format_exception_only(type(error), error)[-1].strip()
    where = _place(error.__traceback__)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as own:  # a script's own excepthook may fail; Python then shows both
        sys.__excepthook__(type(own), own, own.__traceback__)
    interrupted = isinstance(error, KeyboardInterrupt)
    return Ending("interrupted" if interrupted else "failed", 130 if interrupted else 1, last, where)


def _exit_code(code: Any) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1


def _place(trace: TracebackType | None) -> Place | None:
    """The innermost line of the user's own."""
    found = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if is_users(code.co_filename):
            found = Place(os.path.abspath(code.co_filename), trace.tb_lineno, code.co_name)
        trace = trace.tb_next
    return found

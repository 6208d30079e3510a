"""How a program ended; showing its exception and going through what Python does at its end, as Python does it."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import traceback
from dataclasses import dataclass
from types import TracebackType

from seatrial.errors import Enough
from seatrial.events import Place
from seatrial.places import called, is_users

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
INTERRUPTED = 130  # what a shell shows of a process that SIGINT ended


@dataclass(frozen=True, slots=True)
class Ending:
    """`status`: completed | failed | interrupted | exited."""

    status: str
    code: int
    exception: str = ""
    where: Place | None = None


def of(error: BaseException | None) -> Ending:
    """What an exception that reached the top means (None: none did). Shows it as Python would."""
    if error is None:
        return Ending("completed", 0)
    if isinstance(error, SystemExit):
        return Ending("exited", _exit_code(error))
    if isinstance(error, Enough):  # ours: nothing is shown of it
        return Ending("interrupted", INTERRUPTED)
    peel(error)
    last = traceback.format_exception_only(type(error), error)[-1].strip()
    where = users_place(error.__traceback__)
    code = _show(error)
    if isinstance(error, KeyboardInterrupt):
        return Ending("interrupted", INTERRUPTED, last, where)
    return Ending("failed", code, last, where)


def conclude() -> None:
    """What Python does when a program has ended: wait for its threads, call what it registered with atexit.

    Both are Python's own functions; when the interpreter comes to them itself, nothing is left to do."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
    except KeyboardInterrupt as impatient:  # Python says so, waits no longer and goes on
        trace = _without_ours(impatient.__traceback__)
        sys.unraisablehook(sys.UnraisableHookArgs((KeyboardInterrupt, impatient, trace, None, threading)))  # pyright: ignore
    atexit._run_exitfuncs()


# ---- exceptions --------------------------------------------------------------------------------------------------


def _exit_code(asked: SystemExit) -> int:
    if asked.code is None:
        return 0
    if isinstance(asked.code, int):
        return asked.code
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]  # a process without a console has none
        with contextlib.suppress(Exception):
            print(asked.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> int:
    """Hand an exception to the script's or Python's own excepthook (after CPython's PyErr_PrintEx).

    Returns the exit status."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    failed: BaseException | None = None
    if not hasattr(sys, "excepthook"):
        print("sys.excepthook is missing", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)
        return 1
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as asked:
        return _exit_code(asked)
    except BaseException as own:
        failed = own
    if failed is not None:
        peel(failed)
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(failed), failed, failed.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)
    return 1


def peel(error: BaseException, known: set[int] | None = None) -> None:
    """Take our frames out of the tracebacks of an exception and of those that it came from or holds."""
    known = known if known is not None else set()
    if id(error) in known:
        return
    known.add(id(error))
    error.__traceback__ = _without_ours(error.__traceback__)
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (error.__cause__, error.__context__, *inner):
        if other is not None:
            peel(other, known)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    handed = False
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(_OWN):
            # A torch function in Python hands itself over to whoever listens, who calls it once more.
            if kept and kept[-1].tb_frame.f_code.co_name == "handle_torch_function":
                kept.pop()
                handed = True
        else:
            if handed and kept and kept[-1].tb_frame.f_code is code:
                kept.pop()
            handed = False
            kept.append(trace)
        trace = trace.tb_next
    head: TracebackType | None = None
    for part in reversed(kept):
        head = TracebackType(head, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return head


def users_place(trace: TracebackType | None) -> Place | None:
    """The innermost line of the user's own in a traceback."""
    found = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if is_users(code.co_filename):
            found = Place(called(code.co_filename), trace.tb_lineno, code.co_name)
        trace = trace.tb_next
    return found

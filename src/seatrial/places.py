"""Where in the user's own code are we? Frames of torch, of installed packages and of Python itself are passed over."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from types import FrameType

from seatrial.events import Place

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_FOREIGN = tuple(
    {
        os.path.join(path, "")
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_paths().get(key))
    }
    | {os.path.join(path, "") for path in (*site.getsitepackages(), site.getusersitepackages())}
)
_is_users: dict[str, bool] = {}
_absolute: dict[str, str] = {}
_places: dict[tuple[str, int, str], Place] = {}


def is_users(file: str) -> bool:
    """Whether a code object's file name is the user's own code."""
    known = _is_users.get(file)
    if known is None:
        path = os.path.abspath(file)
        known = not file.startswith("<") and not path.startswith(_OWN_FOLDER) and not path.startswith(_FOREIGN)
        _is_users[file] = known
        _absolute[file] = path
    return known


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, from `frame` outwards, that is user code."""
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def place_of(frame: FrameType | None) -> Place | None:
    """The place at which the nearest user frame stands; equal places are the same object."""
    frame = user_frame(frame)
    if frame is None:
        return None
    code = frame.f_code
    key = (code.co_filename, frame.f_lineno, code.co_name)
    place = _places.get(key)
    if place is None:
        place = _places[key] = Place(_absolute[key[0]], key[1], key[2])
    return place


def here() -> Place | None:
    """The user's line from which the caller was reached."""
    return place_of(sys._getframe(1))


def chain(frame: FrameType | None, limit: int = 8) -> tuple[Place, ...]:
    """The user's lines on the stack, innermost first."""
    found: list[Place] = []
    while frame is not None and len(found) < limit:
        place = place_of(frame)
        frame = user_frame(frame)
        if place is None or frame is None:
            break
        found.append(place)
        frame = frame.f_back
    return tuple(found)

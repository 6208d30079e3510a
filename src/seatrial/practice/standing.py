"""What seatrial does for a task is seen to happen in the line of the user's that asked for it.

A finding has to point at a line that a person can change; the training loop of a task is ours. So each of its calls is made
from a stand-in for the line in which the task says what is called, as template engines do it for their templates.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from itertools import islice
from linecache import checkcache, getlines
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar

from seatrial.events import Place
from seatrial.places import place_of, user_frame

T = TypeVar("T")
# As a function's name this is shown nowhere (see report.terminal), but tells evaluation from training.
_NAMES = {"validation": "<validation>"}
_OTHER = "<task>"


def argument_places(frame: FrameType | None, positional: Sequence[str]) -> dict[str, Place]:
    """Where the arguments of the user's call are written, by name; the line of the call itself under "".

    Args:
        frame: from which the user's call is looked for, outwards.
        positional: names of its positional arguments.
    """
    frame = user_frame(frame)
    call = place_of(frame)
    if frame is None or call is None:
        return {}
    places = {"": call}
    node = _call_at(frame)
    if node is not None:
        named = [*zip(positional, node.args, strict=False), *((each.arg, each) for each in node.keywords if each.arg)]
        places |= {str(name): Place(call.file, each.lineno, call.function) for name, each in named}
    return places


def _call_at(frame: FrameType) -> ast.Call | None:
    """The call at which a frame stands, in its source."""
    at = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    checkcache(frame.f_code.co_filename)  # it may have been edited since it was read last
    try:
        tree = ast.parse("".join(getlines(frame.f_code.co_filename)))
    except (SyntaxError, ValueError):
        return None
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return next((n for n in calls if (n.lineno, n.end_lineno, n.col_offset, n.end_col_offset) == at), None)


class Standing:
    """Makes calls from the lines in which the arguments of a task are written."""

    def __init__(self, places: dict[str, Place]) -> None:
        self._places = places
        self._stands: dict[str, Callable[..., Any]] = {}

    def __call__(self, argument: str, call: Callable[[], T]) -> T:
        """Make a call from the line of an argument."""
        stand = self._stands.get(argument)
        if stand is None:
            stand = self._stands[argument] = _stand(self._places.get(argument, self._places.get("")), argument)
        return stand(call)


def _no_stand(call: Callable[[], Any]) -> Any:
    return call()


def _stand(place: Place | None, argument: str) -> Callable[..., Any]:
    """A function that calls what it is given, and whose code says that it stands at a place."""
    if place is None:
        return _no_stand
    tree = ast.parse("def stand(call):\n    return call()")
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.arg)):
            node.lineno = node.end_lineno = place.line
            node.col_offset = node.end_col_offset = 0
    outer = compile(tree, place.file, "exec")
    code = next(each for each in outer.co_consts if isinstance(each, CodeType))
    return FunctionType(code.replace(co_name=_NAMES.get(argument, _OTHER)), {})

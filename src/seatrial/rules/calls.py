"""Which of the user's functions a call runs, and which calls run a function; with what is known of one evaluation pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from seatrial.events import EvaluationPass
from seatrial.rules.expressions import bindings
from seatrial.rules.gathering import class_of
from seatrial.rules.spots import Frame
from seatrial.rules.syntax import File, Function, spans, tail

# A pass keeps so many callers: further ones are not known.
KNOWN_CALLERS = 5


class Calls:
    """Answers for the files of a run."""

    def __init__(self, files: list[File]) -> None:
        self.files = files

    def called(self, file: File, call: ast.Call) -> list[tuple[File, Function, bool]]:
        """The user's functions that a call may run; the flag says whether the first parameter is the object."""
        name = tail(call.func)
        found = [
            (other, function, _is_method(other, function))
            for other in self.files
            for function in other.functions.get(name, [])
        ]
        if isinstance(call.func, ast.Name):
            found = [each for each in found if not each[2]]
        for owner in self.instances(file, call) if not found else ():
            for other in self.files:
                for function in other.functions.get("__call__", []):
                    around = class_of(other, function)
                    if isinstance(around, ast.ClassDef) and around.name == owner:
                        found.append((other, function, True))
        return found

    def instances(self, file: File, call: ast.Call) -> set[str]:
        """The user's classes whose object is called: `stopper(loss)` after `stopper = EarlyStopping()`."""
        values: list[ast.expr | None] = []
        if isinstance(call.func, ast.Name):
            values = [each.value for each in bindings(file, call.func)]
        elif isinstance(call.func, ast.Attribute):
            values = [each.value for _, each in file.attributes.get(call.func.attr, [])]
        made = {tail(value) for value in values if isinstance(value, ast.Call)}
        return {name for name in made if any(name in other.classes for other in self.files)}

    def callers(self, file: File, function: Function) -> Iterator[tuple[File, ast.Call, bool]]:
        """Calls that may run a function, each with its file; the flag says whether the first parameter is the object."""
        owner = file.class_around(function)
        name = getattr(function, "name", "")
        method = owner is not None and file.parents.get(function) is owner
        for other in self.files:
            for call in other.calls:
                if tail(call.func) == name and name != "forward":
                    yield other, call, method
                elif method and owner is not None and name in ("__init__", "__call__"):
                    constructs = tail(call.func) == owner.name
                    if constructs if name == "__init__" else owner.name in self.instances(other, call):
                        yield other, call, True


def _is_method(file: File, function: Function) -> bool:
    return isinstance(file.parents.get(function), ast.ClassDef)


def agree(stack: tuple[Frame, ...], each: EvaluationPass) -> bool:
    """Whether a pass was made through the calls of a stack, as far as its callers are known."""
    if not each.callers or len(each.callers) >= KNOWN_CALLERS:
        return True
    return all(_is_caller(frame.file, frame.call, each) for frame in stack)


def callers_of(
    each: EvaluationPass | None, file: File, function: Function, calls: list[tuple[File, ast.Call, bool]]
) -> list[tuple[File, ast.Call, bool]]:
    """Those of the calls of a function through which a pass was made. All of them where that is not known, and where the
    function was over before the pass (a constructor that kept its arguments)."""
    if each is None or not is_on_stack(file, function, each):
        return calls
    own = [call for call in calls if _is_caller(call[0], call[1], each)]
    return calls if not own and len(each.callers) >= KNOWN_CALLERS else own


def is_on_stack(file: File, function: Function, each: EvaluationPass) -> bool:
    """Whether a pass was made while a function ran, by the lines that are known."""
    places = [place for place in (each.where, *each.callers) if place is not None]
    return any(place.file == file.name and spans(function, place.line) for place in places)


def _is_caller(file: File, call: ast.Call, each: EvaluationPass) -> bool:
    if not each.callers:
        return True
    return any(place.file == file.name and spans(call, place.line) for place in each.callers)

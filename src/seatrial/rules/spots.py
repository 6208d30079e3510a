"""Where the way back from a value stands: an expression, the calls that led to it, and what names have said on the way."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from seatrial.rules.syntax import File, Function, Path


@dataclass(frozen=True, slots=True)
class Frame:
    """A call by which the way went into a function."""

    function: Function
    file: File
    call: ast.Call
    method: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """An expression on the way.

    stack     calls through which the way has gone into functions, outermost first
    label     what the first name in the frame of the question (or, after it was left for a caller, in the caller's) says
              of the data; `inner` what names elsewhere say
    level     how often a function was left
    gathered  statements by which values were collected into a container on the way
    given     calls by which the value was handed to the function that asks
    curve     the way went through a curve over all thresholds"""

    file: File
    node: ast.AST
    path: Path = ()
    stack: tuple[Frame, ...] = ()
    label: str = ""
    inner: str = ""
    level: int = 0
    gathered: tuple[tuple[File, ast.AST], ...] = ()
    given: tuple[tuple[File, ast.AST], ...] = ()
    curve: bool = False

    def to(self, node: ast.AST, path: Path = ()) -> Spot:
        return replace(self, node=node, path=path)

    def named(self, part: str) -> Spot:
        """With what a name says, unless an earlier one said something."""
        if not part or self.label:
            return self
        if self.stack:
            return replace(self, inner=self.inner or part)
        return replace(self, label=part)

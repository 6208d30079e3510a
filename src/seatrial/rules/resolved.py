"""What resolving gives: an expression that a value comes from, and the way to it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TypeAlias

from seatrial.rules.syntax import File

Step: TypeAlias = "tuple[File, ast.AST]"
Trail: TypeAlias = "tuple[Step, ...]"


@dataclass(frozen=True, slots=True)
class Value:
    """An expression that a value comes from; `trail` is what was passed on the way to it, nearest to the use first."""

    file: File
    node: ast.AST
    trail: Trail = ()

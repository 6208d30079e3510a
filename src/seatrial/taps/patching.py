"""Putting our functions in the place of torch's, so that nobody can tell, and taking them away again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class Patches:
    """All replacements that are in force. A replacement keeps name, docstring and signature of what it replaces."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any]] = []

    def wrap(self, owner: Any, name: str, make: Callable[[Any], Callable[..., Any]]) -> None:
        """Replace `owner.name` (an attribute of a module or class) by `make(original)`."""
        original = vars(owner)[name]
        replacement: Any
        if isinstance(original, (staticmethod, classmethod)):
            kind = type(original)  # pyright: ignore[reportUnknownVariableType]
            function: Any = original.__func__
            replacement = kind(functools.wraps(function)(make(function)))
        else:
            replacement = functools.wraps(original)(make(original))
        self._undo.append((owner, name, original))
        setattr(owner, name, replacement)

    def restore(self) -> None:
        """Undo all, the last first."""
        while self._undo:
            owner, name, original = self._undo.pop()
            setattr(owner, name, original)

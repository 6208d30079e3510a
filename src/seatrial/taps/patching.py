"""Putting our functions in the place of torch's, so that nobody can tell, and taking them away again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

# `warnings.warn(..., stacklevel=...)` passes over frames of files with these two words in their names (they are meant
# for Python's own import system). With them a warning of torch's names the user's line, as it does without us.
_PASSED_OVER = " <importlib._bootstrap>"


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
            replacement = kind(functools.wraps(function)(_passed_over(make(function))))
        else:
            replacement = functools.wraps(original)(_passed_over(make(original)))
        self._undo.append((owner, name, original))
        setattr(owner, name, replacement)

    @property
    def in_force(self) -> bool:
        """Whether there are any."""
        return bool(self._undo)

    def restore(self) -> None:
        """Undo all, the last first."""
        while self._undo:
            owner, name, original = self._undo.pop()
            setattr(owner, name, original)

    def without(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """A function that runs `original` while no replacement is in force."""

        def call(*args: Any, **kwargs: Any) -> Any:
            ours = [(owner, name, vars(owner)[name]) for owner, name, _ in self._undo]
            for owner, name, theirs in reversed(self._undo):
                setattr(owner, name, theirs)
            try:
                return original(*args, **kwargs)
            finally:
                for owner, name, our in ours:
                    setattr(owner, name, our)

        return call


def _passed_over(replacement: Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(replacement, FunctionType):
        code = replacement.__code__
        replacement.__code__ = code.replace(co_filename=code.co_filename + _PASSED_OVER)
    return replacement

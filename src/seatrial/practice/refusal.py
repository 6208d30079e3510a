"""How a task is refused: what was expected, what was found, what to do."""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Any

import torch

from seatrial.errors import UsageProblem
from seatrial.launch.ending import users_place


def refused(expected: str, found: str, slug: str, hint: str) -> UsageProblem:
    """The problem in the form that all of them have."""
    return UsageProblem(f"Expected {expected}, found {found}.", slug, hint)


def failed(doing: str, error: BaseException, hint: str) -> UsageProblem:
    """The user's own code has failed while we called it: with its message and its line."""
    place = users_place(error.__traceback__)
    at = f" ({Path(place.file).name}:{place.line})" if place is not None else ""
    said = " ".join(str(error).split()).rstrip(".")
    found = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return UsageProblem(f"{doing} failed{at}: {found}.", "task-failed", hint)


def shown(value: Any) -> str:
    """A value as a message shows it: its type and, where it is short, itself."""
    if isinstance(value, torch.Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        return f"a tensor of shape {tuple(value.shape)}, {kind}" if value.ndim else f"a tensor without axes, {kind}"
    if isinstance(value, torch.nn.Module):
        return f"the module {type(value).__name__}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None:
        return "None"
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    if isinstance(value, (tuple, list)):
        parts = ", ".join(map(shown, value[:3])) + (", ..." if len(value) > 3 else "")
        return f"a {type(value).__name__} of {len(value)} ({parts})" if value else f"an empty {type(value).__name__}"
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(repr, list(value)[:4])) or 'nothing in it'}"
    if type(value).__repr__ is object.__repr__:
        return f"a {type(value).__name__}"
    return f"{type(value).__name__} {reprlib.repr(value)}"

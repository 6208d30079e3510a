"""Rewrites a recorded step: the edits of a mend as replacements of calls during its replay."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch

from seatrial.findings import Edit
from seatrial.step.capture import Call
from seatrial.step.custom import forward_of
from seatrial.step.recorded import Recorded
from seatrial.step.replay import NotReplayable

Substitute = Callable[[Call, tuple[Any, ...], dict[str, Any]], Any]


def substitution(step: Recorded, edits: Iterable[Edit]) -> Substitute:
    """For `Step.__call__(substitute=)`: what edited calls give; NotImplemented for all others.

    Raises:
        NotReplayable: an edit names a node that is no call of the step.
    """
    table: dict[int, Edit] = {}
    for edit in edits:
        if edit.how == "standardise":
            continue
        call = step.at(edit.node)
        if not isinstance(call, Call):
            raise NotReplayable(f"node {edit.node} of the step is no call that can be changed")
        table[id(call)] = edit

    def substitute(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        edit = table.get(id(call))
        return NotImplemented if edit is None else _HOW[edit.how](edit, call, args, kwargs)

    return substitute


def standardised(step: Recorded, edits: Iterable[Edit]) -> set[int]:
    """Leaves, by id(), that an edit asks to standardise."""
    return {id(step.at(edit.node)) for edit in edits if edit.how == "standardise"}


def standardise(value: torch.Tensor) -> torch.Tensor:
    """A batch with mean 0 and standard deviation 1 for each feature (a channel where there are more than two axes)."""
    if not value.is_floating_point() or value.ndim < 2:
        return value
    axes = (0,) if value.ndim == 2 else (0, *range(2, value.ndim))
    spread = value.std(axes, keepdim=True)
    return (value - value.mean(axes, keepdim=True)) / torch.where(spread > 0, spread, 1.0)


# ---- what each edit gives ----------------------------------------------------------------------------------------


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    values: list[Any] = [*args, *kwargs.values()]
    return next(value for value in values if isinstance(value, torch.Tensor))


def _pass(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _first(args, kwargs)


def _set(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        bound = inspect.signature(call.function).bind(*args, **kwargs)
    except (TypeError, ValueError):  # built in: its first arguments are a tensor and then an axis
        rest = args[2:] if edit.name == "dim" and "dim" not in kwargs else args[1:]
        return call.function(args[0], *rest, **{**kwargs, edit.name: edit.value})
    bound.arguments[edit.name] = edit.value
    return call.function(*bound.args, **bound.kwargs)


def _graph(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    with torch.enable_grad():
        return _first(args, kwargs) if call.op in ("detach", "data") else call.function(*args, **kwargs)


def _open(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    function: Any = getattr(call.function, "custom", None)
    if function is None:
        raise NotReplayable(f"{call.op} is no custom function")
    return forward_of(function, args)


def _reshape(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    given = [*args, *(kwargs.pop(name) for name in ("input", "target", "other") if name in kwargs)]
    at = int(edit.value or 0)
    given[at] = given[at].reshape(given[1 - at].shape)
    return call.function(*given, **kwargs)


def _log(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return call.function(*args, **kwargs).clamp_min(1e-12).log()


def _scale(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return call.function(*args, **kwargs) * float(edit.value or 0)


def _normalise(edit: Edit, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return torch.log_softmax(call.function(*args, **kwargs), 1)


_HOW: dict[str, Callable[[Edit, Call, tuple[Any, ...], dict[str, Any]], Any]] = {
    "pass": _pass,
    "set": _set,
    "graph": _graph,
    "open": _open,
    "reshape": _reshape,
    "log": _log,
    "scale": _scale,
    "normalise": _normalise,
}

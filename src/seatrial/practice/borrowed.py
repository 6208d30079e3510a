"""What reading a data set changes in it, put back: the generators it draws from, its counters, what it keeps.

A data set may hold a generator of its own, count its reads, or keep what it has read. None of it shall be otherwise after a
look at the data: everything that its attributes lead to is remembered before, and put back after.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, cast

import numpy as np
import torch

# So many objects are looked at, and lists and dicts of at most so many entries are looked into: data themselves are large.
MOST_OBJECTS = 20_000
LONGEST = 1_000
_WHOLE = (
    str,
    bytes,
    int,
    float,
    complex,
    bool,
    type(None),
    type,
    ModuleType,
    BuiltinFunctionType,
    torch.dtype,
    torch.device,
)


@contextmanager
def borrowed(*things: Any) -> Generator[None]:
    """After it, what the things' attributes lead to is what it was: states of generators, attributes, short lists, dicts and
    sets. Tensors and arrays that are written into in place are not copied, and an iterator cannot be turned back."""
    undo = list(_undoing(things))
    try:
        yield
    finally:
        for each in undo:
            each()


def _undoing(things: tuple[Any, ...]) -> Generator[Callable[[], None]]:
    seen: set[int] = set()
    waiting: list[Any] = list(things)
    while waiting and len(seen) < MOST_OBJECTS:
        thing = waiting.pop()
        if isinstance(thing, _WHOLE) or id(thing) in seen:
            continue
        seen.add(id(thing))
        undo = _generator(thing) or _container(thing, waiting) or _attributes(thing, waiting)
        if undo is not None:
            yield undo


def _generator(thing: Any) -> Callable[[], None] | None:
    if isinstance(thing, torch.Generator):
        state = thing.get_state()
        return lambda: cast("None", thing.set_state(state))
    if isinstance(thing, random.Random):
        known = thing.getstate()
        return lambda: thing.setstate(known)
    if isinstance(thing, np.random.RandomState):
        numbers = thing.get_state()
        return lambda: thing.set_state(numbers)
    if isinstance(thing, np.random.Generator):
        bits, where = thing.bit_generator, thing.bit_generator.state
        return lambda: setattr(bits, "state", where)
    return None


def _container(thing: Any, waiting: list[Any]) -> Callable[[], None] | None:
    if isinstance(thing, list):
        items = list(cast("list[Any]", thing))
        if len(items) > LONGEST:
            del cast("list[Any]", thing)[len(items) :]
            return None
        waiting += items
        return lambda: cast("list[Any]", thing).__setitem__(slice(None), items)
    if isinstance(thing, (dict, set)):
        known: Any = thing.copy()
        if len(known) <= LONGEST:
            waiting += cast("dict[Any, Any]", known).values() if isinstance(known, dict) else known
            return lambda: _refill(thing, known)
        return None
    if isinstance(thing, (tuple, frozenset)) and len(cast("tuple[Any, ...]", thing)) <= LONGEST:
        waiting += list(cast("tuple[Any, ...]", thing))
    return None


def _refill(thing: Any, known: Any) -> None:
    thing.clear()
    thing.update(known)


def _attributes(thing: Any, waiting: list[Any]) -> Callable[[], None] | None:
    if isinstance(thing, MethodType):
        waiting.append(thing.__self__)
        return None
    if isinstance(thing, FunctionType):  # what a function closes over
        waiting += [cell.cell_contents for cell in thing.__closure__ or () if _filled(cell)]
        return None
    if isinstance(thing, (torch.Tensor, np.ndarray)):
        return None
    try:
        own = vars(thing)
    except TypeError:
        return None
    known = dict(own)
    waiting += known.values()
    return lambda: (
        _refill(own, known) if any(own.get(key, own) is not known.get(key, own) for key in {*own, *known}) else None
    )


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True

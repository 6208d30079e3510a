"""Small numbers for objects, in order of appearance, without keeping the objects alive."""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Noted(Generic[T]):
    """What is noted of objects, by identity, while they live. Nothing of theirs is called: a class may define its own hash
    or equality, and an object may not be complete yet."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], T]] = {}

    def note(self, thing: Any, value: T) -> None:
        key = id(thing)

        def forget(gone: weakref.ref[Any], known: dict[int, tuple[weakref.ref[Any], T]] = self._known) -> None:
            if known.get(key, (None,))[0] is gone:
                del known[key]

        self._known[key] = (weakref.ref(thing, forget), value)

    def of(self, thing: Any, default: T) -> T:
        """What was noted of an object."""
        known = self._known.get(id(thing))
        return known[1] if known is not None and known[0]() is thing else default


class Ids:
    """Numbers for objects of one kind. Compares by identity (tensors compare elementwise, so no dict of them)."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._next = 0

    def of(self, thing: Any) -> int:
        """The number of an object; a new one at first sight."""
        known = self._known.get(id(thing))
        if known is not None and known[0]() is thing:
            return known[1]
        number, self._next = self._next, self._next + 1
        self._known[id(thing)] = (weakref.ref(thing), number)
        return number

    def get(self, thing: Any) -> int | None:
        """The number of an object, None if it has none yet."""
        known = self._known.get(id(thing))
        return known[1] if known is not None and known[0]() is thing else None

    def living(self) -> list[tuple[int, Any]]:
        """Numbered objects that are still alive."""
        found = [(number, reference()) for reference, number in self._known.values()]
        return sorted(((number, thing) for number, thing in found if thing is not None), key=lambda pair: pair[0])

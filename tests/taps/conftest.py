"""Listening with single taps, a plain list as the way out for events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from seatrial.events import CallSeen, Event, NotLookedAt
from seatrial.taps.watch import Watch


class Heard:
    """A watch and what it has sent."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.watch = Watch(self.events.append)

    def all(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type) -> Any:
        (event,) = self.all(kind)
        return event

    def calls(self, kind: str) -> list[tuple[str, int]]:
        """Detail and number of the calls of a kind, in the order of their first appearance."""
        self.watch.flush()
        seen = [event for event in self.all(CallSeen) if event.kind == kind]
        counts = self.watch.turns.now
        return [(event.detail, counts.get(event.call, 0)) for event in seen]


@pytest.fixture
def listen() -> Iterator[Callable[..., Heard]]:
    """Install taps; they are taken away after the test, and must not have failed."""
    opened: list[Heard] = []

    def start(*taps: Callable[[Watch], None]) -> Heard:
        heard = Heard()
        opened.append(heard)
        for install in taps:
            install(heard.watch)
        return heard

    yield start
    for heard in opened:
        heard.watch.finish()
        assert heard.all(NotLookedAt) == []

"""The user's line is found through a trainer's frames, again and again, and never that of another call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seatrial import places
from seatrial.events import CallSeen
from seatrial.taps.sites import Sites

LIBRARY = """
def step(levels, note):
    return step(levels - 1, note) if levels else note(0, "", 0)
"""


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`step(levels, note)`: notes a call within so many further frames that are no user's."""
    monkeypatch.setitem(places._is_users, "library.py", False)
    space: dict[str, Any] = {}
    exec(compile(LIBRARY, "library.py", "exec"), space)
    return space["step"]


def test_packages_of_another_interpreter_are_no_users() -> None:
    """Which a path file or PYTHONPATH may bring in."""
    assert not places.is_users("/elsewhere/lib/python3.12/site-packages/trainer/loop.py")
    assert places.is_users("/elsewhere/my-site-packages/loop.py")


def test_a_line_is_found_through_any_number_of_frames(listen: Any, step: Callable[..., Any]) -> None:
    """A trainer's step is reached from every call of the trainer; only the user's line tells them apart."""
    heard = listen()
    note = Sites(heard.watch, "step").note

    def one(levels: int) -> int:
        return step(levels, note)

    def other(levels: int) -> int:
        return step(levels, note)

    first, second = one(3), other(3)
    assert first != second
    for levels in (3, 3, 0, 7, 3, 40, 7):
        assert (one(levels), other(levels)) == (first, second)
    assert [event.where.function for event in heard.all(CallSeen)] == ["one", "other"]


def test_two_calls_in_one_line_are_of_one_place(listen: Any, step: Callable[..., Any]) -> None:
    heard = listen()
    note = Sites(heard.watch, "step").note
    assert len({step(2, note), step(2, note), step(5, note)}) == 1
    assert note(0, "", 0) != note(1, "", 0) != note(1, "other", 0)
    assert [(event.subject, event.detail) for event in heard.all(CallSeen)][1:] == [(0, ""), (1, ""), (1, "other")]

"""What the log of turns sends is the calls that were made, whatever their order and number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.events import Event, Turns
from seatrial.taps import turns
from seatrial.taps.turns import TurnLog

TURN = st.lists(st.integers(0, 3), max_size=9)


@given(st.lists(st.tuples(TURN, st.integers(1, 6), st.booleans()), max_size=8))
def test_all_calls_are_sent_in_their_order(loop: list[tuple[list[int], int, bool]]) -> None:
    """Turns of a few kinds, each repeated, some of them flushed in between; too long are those of more than 5 runs."""
    sent: list[Event] = []
    made: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "LONGEST_TURN", 5)
        log = TurnLog(sent.append, lambda: len(made))
        for calls, repeats, flushed in loop:
            for _ in range(repeats):
                for call in calls:
                    made.append(call)
                    log.note(call)
                log.end()
            if flushed:
                log.flush()
        log.finish()
        log.flush()
    told: list[int] = []
    for turn in sent:
        assert isinstance(turn, Turns)
        assert turn.first == len(told) or not turn.calls
        assert all(one != other for one, other in zip(turn.calls, turn.calls[1:], strict=False))
        assert len(turn.calls) <= 6
        for _ in range(turn.repeats):
            told += [call for call, count in zip(turn.calls, turn.counts, strict=True) for _ in range(count)]
    assert told == made
    assert sum(turn.repeats for turn in sent if isinstance(turn, Turns) and turn.complete) == sum(n for _, n, _ in loop)


def test_equal_turns_are_one_event() -> None:
    sent: list[Event] = []
    log = TurnLog(sent.append, lambda: 0)
    for _ in range(1000):
        for call in (1, 2, 2, 3):
            log.note(call)
        log.end()
    log.flush()
    assert sent == [Turns(0, 1000, (1, 2, 3), (1, 2, 1))]

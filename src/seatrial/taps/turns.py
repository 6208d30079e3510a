"""The calls of a loop's turns in run-length code, where a turn that repeats the one before costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.events import Event, Turns

# A turn that was sent so often is only counted from then on (the order of such turns is then no longer kept).
MOST_EQUAL_TURNS = 300
# A turn (see events.Turns) with more different calls than this is sent in parts.
LONGEST_TURN = 400

_Coded = tuple[tuple[int, ...], tuple[int, ...]]


class TurnLog:
    """Calls are only gathered until a turn ends; one that equals the last is counted, any other is coded first."""

    def __init__(self, send: Callable[[Event], None], tick: Callable[[], int]) -> None:
        self._send = send
        self._tick = tick
        self._gathered: list[int] = []  # calls of this turn that are not coded yet
        self._room = LONGEST_TURN  # so many can be gathered before the turn might be too long
        self._calls: list[int] = []  # of this turn, coded: calls and how often in a row each
        self._counts: list[int] = []
        self._first = 0
        self._last_gathered: list[int] | None = None  # of the last turn, as it was before it was coded
        self._last_calls: list[int] = []  # of the last turn, which was made `_repeats` times by now (0: was sent)
        self._last_counts: list[int] = []
        self._last_first = 0
        self._repeats = 0
        self._sent: dict[_Coded, int] = {}
        self._folded: dict[_Coded, tuple[int, int]] = {}

    def note(self, call: int) -> None:
        """A call, by the id of its kind, in the turn that is going on."""
        gathered = self._gathered
        gathered.append(call)
        if len(gathered) > self._room:
            self._code()

    def end(self) -> None:
        """The turn is over."""
        gathered = self._gathered
        if gathered == self._last_gathered and self._repeats and not self._calls:
            self._repeats += 1
            gathered.clear()
        else:
            whole = not self._calls
            self._code()
            self._end()
            self._last_gathered = gathered if whole else None
        self._first = self._tick()

    @property
    def now(self) -> dict[int, int]:
        """How often each call was made in the turn that is going on, in the order of their last appearance."""
        self._code()
        found: dict[int, int] = {}
        for call, count in zip(self._calls, self._counts, strict=True):
            found[call] = found.pop(call, 0) + count
        return found

    def flush(self) -> None:
        """Send what has been kept back of turns that are over."""
        self._send_last()
        for turn, (first, repeats) in self._folded.items():
            self._send(Turns(first, repeats, *turn, folded=True))
        self._folded.clear()

    def finish(self) -> None:
        """The run is over, within a turn or after one."""
        self._code()
        if self._calls:
            self._end(complete=False)
            self._first = self._tick()

    # ---- coding --------------------------------------------------------------------------------------------------

    def _code(self) -> None:
        gathered, self._gathered = self._gathered, []
        for call in gathered:
            if self._calls and self._calls[-1] == call:
                self._counts[-1] += 1
                continue
            self._calls.append(call)
            self._counts.append(1)
            if len(self._calls) > LONGEST_TURN:
                self._end(complete=False)
                self._first = self._tick()
        self._room = LONGEST_TURN - len(self._calls)

    def _end(self, complete: bool = True) -> None:
        """What is coded of this turn becomes the last turn, or one more of its kind."""
        if complete and self._calls == self._last_calls and self._counts == self._last_counts and self._repeats:
            self._repeats += 1
        else:
            self._send_last()
            self._last_calls, self._last_counts = self._calls, self._counts
            self._last_first, self._repeats = self._first, 1
            self._last_gathered = None
            if not complete:
                self._send_last(complete=False)
        self._calls, self._counts = [], []
        self._room = LONGEST_TURN

    def _send_last(self, complete: bool = True) -> None:
        if self._repeats:
            turn = (tuple(self._last_calls), tuple(self._last_counts))
            sent = self._sent.get(turn, 0)
            self._sent[turn] = sent + 1
            if sent < MOST_EQUAL_TURNS:
                self._send(Turns(self._last_first, self._repeats, *turn, complete=complete))
            else:
                first, repeats = self._folded.get(turn, (self._last_first, 0))
                self._folded[turn] = (first, repeats + self._repeats)
        self._repeats = 0

"""How much of a run may be spent on looking closely, and when the next close look is due."""

from __future__ import annotations

import time

# Close looks may cost this share of the time that has gone by, and this much at once at the start.
SHARE = 0.01
ALLOWANCE_SECONDS = 0.25
# After the first steps each close look comes at this multiple of the step of the one before.
GROWTH = 1.3
DENSE = 3
# A look that cannot be afforded is asked for again after this share of the turns until now: asking costs time, too.
ASKED_AGAIN = 0.01
# When the program begins something new, so many turns are looked at closely, for so much time more; so often in a run.
DENSE_ANEW = 2
SECONDS_ANEW = 0.06
MOST_ANEW = 5


class Budget:
    """Close looks: dense at the start, then ever rarer, never beyond the share of time allowed.

    What they cost is counted in CPU time of the thread (a busy machine must not make them rarer), what has gone by in wall
    time, or in CPU time of the process where that is less (nor may a busy machine make them cost a larger share)."""

    def __init__(self, allowance_seconds: float = ALLOWANCE_SECONDS, share: float | None = None) -> None:
        self.allowance_seconds = allowance_seconds
        self.share = SHARE if share is None else share
        self._started = (time.perf_counter(), time.process_time())
        self.spent = 0.0
        self.next_turn = 0
        self._dense_until = DENSE
        self._anew = 0

    def _gone_by(self) -> float:
        wall, used = self._started
        return min(time.perf_counter() - wall, time.process_time() - used)

    def affords(self, seconds: float = 0.0) -> bool:
        """Whether there is time left to spend."""
        return self.spent + seconds <= self.share * self._gone_by() + self.allowance_seconds

    def is_due(self, turn: int) -> bool:
        """Whether the turn that begins now is to be looked at closely."""
        if turn < self.next_turn:
            return False
        if not self.affords():
            self.next_turn = turn + 1 + int(turn * ASKED_AGAIN)
            return False
        return True

    def took(self, turn: int, seconds: float) -> None:
        """A close look at a turn has cost so much."""
        self.spent += seconds
        self.next_turn = turn + 1 if turn < self._dense_until else max(turn + 1, int(turn * GROWTH))

    def anew(self, turn: int) -> bool:
        """The program begins something new in this turn: whether it is to be looked at closely, whatever was spent."""
        if self._anew >= MOST_ANEW:
            return False
        self._anew += 1
        spent = self.spent - self.share * self._gone_by()
        self.allowance_seconds = max(self.allowance_seconds, spent) + SECONDS_ANEW
        self.next_turn, self._dense_until = turn, max(self._dense_until, turn + DENSE_ANEW)
        return True

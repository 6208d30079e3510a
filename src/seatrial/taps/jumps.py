"""Which losses jump: a program that begins to diverge is worth a close look there."""

from __future__ import annotations

import math

# A loss of so many times its running mean (or none at all) is worth a close look, so many times in a run.
JUMP = 5.0
MOST_JUMPS = 6


class Jumps:
    """The running mean of the size of each line's loss, and how many jumps were met."""

    def __init__(self) -> None:
        self._usual: dict[int, float] = {}
        self._met = 0

    def notice(self, call: int, value: float) -> bool:
        """The next loss of a backward call: whether it jumps, or is no longer finite, and is worth a close look."""
        size, usual = abs(value), self._usual.get(call)
        if usual is None:
            if size < math.inf:
                self._usual[call] = size
            return False
        if size <= JUMP * usual:
            self._usual[call] = 0.9 * usual + 0.1 * size
            return False
        if size < math.inf:
            self._usual[call] = 0.9 * usual + 0.1 * size
        self._met += 1
        return self._met <= MOST_JUMPS

"""The lines of the program that call backward: in which order they come, and whose step was not captured yet."""

from __future__ import annotations


class BackwardLines:
    """By the ids of their calls. `last` is the line that was called last (-1: none yet)."""

    def __init__(self) -> None:
        self.last = -1
        self.unseen: set[int] = set()  # those of which no step was captured yet
        self._captured: dict[int, int] = {}  # how many steps of each were captured
        self._before: dict[int, int] = {}  # the line that was called before each, the first time

    def called(self, call: int) -> None:
        """Another line than the last one calls backward."""
        if call not in self._captured:
            self._captured[call] = 0
            self.unseen.add(call)
            self._before[call] = self.last
        self.last = call

    def unseen_next(self) -> bool:
        """Whether the line that was called last is the one that came before an unseen one."""
        return any(self._before.get(call) == self.last for call in self.unseen)

    def captured(self, call: int) -> int:
        """A step of this line was captured. Returns how many by now."""
        self._captured[call] += 1
        self.unseen.discard(call)
        return self._captured[call]

    def give_up(self, call: int) -> None:
        """The step of this line cannot be captured."""
        self.unseen.discard(call)

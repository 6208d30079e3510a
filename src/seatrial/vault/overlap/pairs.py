"""What is found of overlap, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Two examples that are the same or nearly so, by their numbers in the source; `distance` 0 for the same."""

    training: int
    test: int
    distance: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """What stands on both sides of a split.

    same     pairs with equal inputs: for each such test example the first training example that equals it.
    near     pairs that are nearly equal, nearest first, without those in `same`.
    groups   values of the group column with examples on both sides.
    looked   in words, what was compared and by which measure ("64 numbers", "pictures of 28 x 28 under shifts of up to 2 pixels"),
             or why near ones were not looked for.
    coincidences   how many test examples equal a training example where there are as many equal ones as columns of few values make
             anyway: no leak, and not in `same`.
    """

    same: tuple[Pair, ...]
    near: tuple[Pair, ...]
    groups: tuple[str, ...]
    looked: str
    coincidences: int = 0

    @property
    def found(self) -> bool:
        """Whether anything stands on both sides."""
        return bool(self.same or self.near or self.groups)

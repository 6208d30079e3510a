"""What all formats have in common: how data is refused, that a file stays the same while it is read, the usual targets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seatrial.errors import UsageProblem
from seatrial.vault.sources.source import Mask

# What a column, an array or a key is called that is taken for the target where none is named.
USUAL_TARGETS = ("target", "label", "labels", "y", "class")


def refused(expected: str, found: str, slug: str, hint: str) -> UsageProblem:
    """The problem in the form that all of them have."""
    return UsageProblem(f"Expected {expected}, found {found}.", slug, hint)


def listed(names: Sequence[str]) -> str:
    """Names as a message shows them."""
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def target_among(names: Sequence[str], target: str | None, what: str) -> str | None:
    """The target that was named, else the one with a usual name, else None. `what` the names are: "column", "array".

    Raises:
        UsageProblem: the named one is not there.
    """
    if target is None:
        return next((name for name in USUAL_TARGETS if name in names), None)
    if target not in names:
        raise unknown(target, names, what)
    return target


def unknown(name: str, names: Sequence[str], what: str) -> UsageProblem:
    """There is no column, array or key of that name."""
    return refused(f"a name among {listed(names)}", f"{name!r}", f"no-such-{what}", f"Name a {what} that is there.")


def checked(chosen: Mask, examples: int) -> Mask:
    """The choice, one truth value an example.

    Raises:
        ValueError: it is of another length: the caller's mistake, not the user's.
    """
    if chosen.shape != (examples,) or chosen.dtype != np.bool_:
        raise ValueError(f"{examples} examples are chosen among by a {chosen.dtype} array of shape {chosen.shape}")
    return chosen


class Unchanging:
    """A file that is read several times and must be the same each time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = self._now()

    def _now(self) -> tuple[int, int, int]:
        state = os.stat(self.path)
        return state.st_ino, state.st_size, state.st_mtime_ns

    @property
    def size(self) -> int:
        """Its bytes when it was first looked at."""
        return self._state[1]

    def check(self) -> None:
        """To be called when a pass over the file ends.

        Raises:
            UsageProblem: it was changed since it was first looked at.
        """
        if self._now() != self._state:
            raise refused(
                f"{self.path} to stay as it is while it is read",
                "that something has written to it",
                "data-changed",
                "Let nothing write to the data and begin again.",
            )

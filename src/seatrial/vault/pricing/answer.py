"""What the vault says when it is opened, whichever mechanism says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from seatrial.evaluation.intervals.interval import Interval

Mechanism = Literal["exact", "ladder", "parameter-free ladder", "thresholdout"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the vault.

    mechanism   what it came through
    value       a mean over the test examples; a loss (smaller is better) where it came through a Ladder. None where the
                mechanism answers no more: its budget is spent.
    improved    whether a Ladder answers with a new best value
    looks       openings until now, this one among them
    interval    for models that were chosen without the vault's earlier answers; None where no method yields one
    worst       for models that may have been chosen by them; None where nothing is proven or there were none
    left        how many answers may still be drawn from the test set (Thresholdout)
    sentence    what a report prints: how often the vault was opened, and what that does to the claim
    """

    mechanism: Mechanism
    value: float | None
    looks: int
    sentence: str
    improved: bool = False
    interval: Interval | None = None
    worst: Interval | None = None
    left: int | None = None

    @property
    def spent(self) -> bool:
        """Whether the vault refused to answer because what it may tell has been told."""
        return self.value is None


def read_answer(values: Mapping[str, Any]) -> Answer:
    """An answer that was written as JSON (by `dataclasses.asdict`)."""
    found = dict(values)
    for name in ("interval", "worst"):
        found[name] = Interval(**found[name]) if found[name] else None
    return Answer(**found)

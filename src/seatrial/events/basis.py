"""What every event is made of: plain values and places in the user's code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's own code (never torch's): absolute file name, line from 1, name of the function."""

    file: str
    line: int
    function: str = ""

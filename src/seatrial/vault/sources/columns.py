"""Columns of text as values: whole numbers, numbers, or strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What stands for a missing value, as pandas reads it.
_MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))
_KINDS = ("int", "float", "str")
_LONGEST = 100
_TELLS_APART = 2**53


def kind_of(texts: Sequence[str], kind: str) -> str:
    """Which of "int", "float", "str" these texts are, where those before them were `kind`: it never gets narrower again."""
    while kind != "str":
        try:
            as_array(texts, kind)
        except (ValueError, OverflowError):
            kind = _KINDS[_KINDS.index(kind) + 1]
        else:
            break
    return kind


def as_array(texts: Sequence[str], kind: str) -> NDArray[Any]:
    """(n,) int64, float64 (missing values are nan) or strings.

    Raises:
        ValueError, OverflowError: a text is no such number.
    """
    if kind == "str":
        # One long text would make all others as wide as itself.
        return np.array(texts, np.str_ if max(map(len, texts), default=0) <= _LONGEST else np.object_)
    # Python would read "1_000" as a number; in a table it is a name.
    if "_" in "".join(texts):
        raise ValueError("an underscore")
    if kind == "int":
        numbers: NDArray[Any] = np.array(list(map(int, texts)), np.int64)
    else:
        try:
            numbers = np.array(list(map(float, texts)), np.float64)
        except ValueError:
            numbers = np.array([np.nan if text.strip() in _MISSING else float(text) for text in texts], np.float64)
    # Whole numbers that float64 cannot tell apart are names too: identifiers of many digits.
    for at in np.flatnonzero(np.abs(numbers) > _TELLS_APART).tolist():
        if texts[at].strip().lstrip("+-").isdigit():
            raise ValueError("too many digits")
    return numbers

"""Values per example as a caller hands them over, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal

Values = NDArray[np.float64]


def checked(values: ArrayLike, unit: bool = False) -> Values:
    """One finite number an example, shape (n,).

    Args:
        unit: whether they must lie in [0, 1], as the bounds of the mechanisms ask.

    Raises:
        UsageProblem: they are not that, or there are none.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size:
        raise _refused("one value for each test example", f"an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise _refused("finite values", f"{int((~np.isfinite(array)).sum())} that are not, of {array.size}")
    if unit and (array.min() < 0 or array.max() > 1):
        raise _refused("losses between 0 and 1", f"values from {decimal(array.min())} to {decimal(array.max())}")
    return array


def share(name: str, value: float) -> float:
    """A number strictly between 0 and 1: a level, a risk, a step.

    Raises:
        UsageProblem: it is not.
    """
    if not 0 < value < 1:
        raise _refused(f"a {name} between 0 and 1", decimal(value))
    return value


def count(name: str, value: int, least: int = 1) -> int:
    """A whole number that is large enough.

    Raises:
        UsageProblem: it is not.
    """
    if value < least:
        raise _refused(f"at least {least} {name}", str(value))
    return value


def _refused(expected: str, found: str) -> UsageProblem:
    hint = "A loss without bounds can be clipped: the share of wrong answers lies in [0, 1] as it is."
    return UsageProblem(f"Expected {expected}, found {found}.", "no-such-values", hint if "losses" in expected else "")

"""Figures as a caller hands them over, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.errors import UsageProblem

Values = NDArray[np.float64]


def refused(expected: str, found: str, slug: str, hint: str = "") -> UsageProblem:
    """The problem in the form that all of them have."""
    return UsageProblem(f"Expected {expected}, found {found}.", slug, hint)


def finite(values: ArrayLike, shape: tuple[int | None, ...], what: str) -> Values:
    """Finite numbers of a shape; None stands for any length of at least 1.

    Raises:
        UsageProblem: they are something else.
    """
    array = np.asarray(values, dtype=np.float64)
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or not array.size:
        wanted = tuple("n" if each is None else each for each in shape)
        raise refused(f"{what} of shape ({', '.join(map(str, wanted))})", f"shape {array.shape}", "comparison-shapes")
    bad = int((~np.isfinite(array)).sum())
    if bad:
        hint = "A training that diverged has no figure: leave it out, and say so."
        raise refused(f"finite {what}", f"{bad} of {array.size} that are not", "comparison-not-finite", hint)
    return array


def of_groups(groups: ArrayLike | None, count: int) -> NDArray[np.int64]:
    """(count,) the number of the group of each example, from 0; each its own where there are none.

    Raises:
        UsageProblem: there is not one for each example.
    """
    if groups is None:
        return np.arange(count)
    names = np.asarray(groups)
    if names.shape != (count,):
        raise refused(f"a group for each of {count} examples", f"shape {names.shape}", "comparison-shapes")
    return np.unique(names, return_inverse=True)[1].astype(np.int64)

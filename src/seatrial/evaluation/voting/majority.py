"""What a majority of independent classifiers would get wrong (Condorcet 1785; Hansen and Salamon 1990): what an ensemble is held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem

Ties = Literal["wrong", "half", "right"]


def majority_error(error: float, members: int, ties: Ties = "right") -> float:
    """How often the majority is wrong of so many independent classifiers that are wrong with the same probability:

        sum over k > members/2 of  C(members, k) error^k (1 - error)^(members - k)

    and, of an even number, as much of the term k = members/2 as `ties` says. With 0.42 and 20, 32 and 70 members the formula as it
    stands, ties "right", gives 17.0 %, 13.7 % and 7.1 %; a coin for each tie ("half") gives 23.8 %, 18.3 % and 9.0 %.

    With two classes this is what a hard vote would do. With more of them the right class may win with fewer than half of the
    votes: it is then the most that independent members would get wrong.

    Raises:
        UsageProblem: the error is no probability, or there is no member.
    """
    if members < 1:
        raise UsageProblem(f"Expected at least one member, found {members}.", "vote-members", "Give a larger number.")
    return majority_error_of([error] * members, ties)


def majority_error_of(errors: Sequence[float] | NDArray[Any], ties: Ties = "right") -> float:
    """The same where each member is wrong with a probability of its own (the Poisson binomial distribution).

    Raises:
        UsageProblem: one of them is no probability, or there are none.
    """
    values = np.asarray(errors, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not ((values >= 0) & (values <= 1)).all():
        raise UsageProblem(f"Expected errors from 0 to 1, found {values.tolist()}.", "vote-errors", "Give shares.")
    counts = np.ones(1)  # counts[k]: the probability that k of the members so far are wrong
    for each in values:
        counts = np.convolve(counts, [1 - each, each])
    members = len(values)
    wrong = float(counts[members // 2 + 1 :].sum())
    tie = float(counts[members // 2]) if members % 2 == 0 else 0.0
    return wrong + tie * {"wrong": 1.0, "half": 0.5, "right": 0.0}[ties]

"""How independent the members' errors are, by the measures that Kuncheva and Whitaker compare ("Measures of Diversity in Classifier
Ensembles and Their Relationship with the Ensemble Accuracy", Machine Learning 51, 2003)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES, together


@dataclass(frozen=True, slots=True)
class Pair:
    """Two members by number. a: both right, b: only the first, c: only the second, d: both wrong; shares of the examples.

    disagreement  b + c: exactly one of them is right (Skalak 1996).
    q             (ad - bc) / (ad + bc), Yule's; 0 for independent errors, 1 where they make the same ones; nan where
                  it is not defined.
    correlation   of their errors (phi); nan where one is always right or always wrong.
    double_fault  d: where no vote of the two can help (Giacinto and Roli 2001).
    """

    first: int
    second: int
    disagreement: float
    q: float
    correlation: float
    double_fault: float


@dataclass(frozen=True, slots=True)
class Diversity:
    """pairs         all of them.
    disagreement, q, correlation   means over the pairs for which they are defined.
    kappa         interrater agreement of being right, beyond chance (eq. 15; Fleiss's): 0 for independent errors.
    effective     so many independent members have a mean that varies as much: L / (1 + (L - 1) correlation) (Kish 1965).
    """

    members: int
    pairs: tuple[Pair, ...]
    disagreement: float
    q: float
    correlation: float
    kappa: float
    effective: float


def diversity(members: Sequence[Predictions]) -> Diversity:
    """How independent the errors of members are that answer with classes; of several labels, each label of each example counts.
    Of a regression only the correlation of the errors (residuals) is known, and what follows from it.

    Raises:
        UsageProblem: there are fewer than two, or they are not of the same examples.
    """
    if len(members) < 2:
        raise UsageProblem(f"Expected two members at least, found {len(members)}.", "vote-members", "Give another one.")
    found = together(members)
    if found[0].kind in CLASSES:
        return diversity_of(np.stack([(each.labels == each.targets).reshape(-1) for each in found]))
    residuals = np.stack([(each.scores - each.targets).reshape(-1) for each in found])
    nothing = float("nan")
    pairs = tuple(
        Pair(first, second, nothing, nothing, _correlation(residuals[first], residuals[second]), nothing)
        for first, second in combinations(range(len(found)), 2)
    )
    correlation = _mean([each.correlation for each in pairs])
    return Diversity(len(found), pairs, nothing, nothing, correlation, nothing, _effective(len(found), correlation))


def diversity_of(right: NDArray[np.bool_]) -> Diversity:
    """The same from (members, n): where each member is right."""
    members = len(right)
    pairs = tuple(_pair(right, first, second) for first, second in combinations(range(members), 2))
    correlation = _mean([each.correlation for each in pairs])
    return Diversity(
        members,
        pairs,
        _mean([each.disagreement for each in pairs]),
        _mean([each.q for each in pairs]),
        correlation,
        _kappa(right),
        _effective(members, correlation),
    )


# ---- inner steps -------------------------------------------------------------------------------------------------


def _pair(right: NDArray[np.bool_], first: int, second: int) -> Pair:
    one, other = right[first], right[second]
    a, b = float((one & other).mean()), float((one & ~other).mean())
    c, d = float((~one & other).mean()), float((~one & ~other).mean())
    q = (a * d - b * c) / (a * d + b * c) if a * d + b * c > 0 else float("nan")
    return Pair(first, second, b + c, q, _correlation(one.astype(float), other.astype(float)), d)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else float("nan")


def _kappa(right: NDArray[np.bool_]) -> float:
    """1 - (1/L) sum over examples of l (L - l) / (n (L - 1) p (1 - p)); l members are right of an example, a share p of all answers."""
    members, count = right.shape
    p = float(right.mean())
    if p in (0.0, 1.0):
        return float("nan")
    agreeing = right.sum(axis=0)
    split = float((agreeing * (members - agreeing)).sum()) / members
    return 1 - split / (count * (members - 1) * p * (1 - p))


def _effective(members: int, correlation: float) -> float:
    spread = 1 + (members - 1) * correlation
    return members / spread if spread > 0 else float("nan")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")

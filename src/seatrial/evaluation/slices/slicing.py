"""Slices whose error is higher than chance would have it, all that were looked at counted.

The hypothesis of each slice: its examples are a random part of all. For 0 and 1 errors its p-value is exact (hypergeometric, Fisher's
one-sided test) and Holm's step-down procedure counts the slices (S. Holm, Scand. J. Statist. 6, 1979). For errors of any size errors are permuted
among examples and the largest of all slices' deviations is the yardstick (P. Westfall and S. Young, Resampling-Based Multiple Testing, 1993).
With groups of dependent examples neither holds: there Student's t of the difference with errors summed over groups, and Holm.
Both hold the chance of any false slice below 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.comparison.many import holm
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.slices.parts import Part, parts

PERMUTATIONS = 2_000
MOST_PERMUTED = 20_000  # examples; of more the deviations are normal
AT_ONCE = 2_000_000  # numbers in memory
FEWEST_GROUPS = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """Examples whose `column` has `value`, their mean error, that of all others, and the chance (adjusted p) of a deviation as large."""

    column: str
    value: str
    examples: int
    error: float
    others: float
    chance: float


@dataclass(frozen=True, slots=True)
class Slices:
    """error: what is meant by it; overall: its mean; tried: how many slices were looked at; worse: those that do worse, the worst first."""

    error: str
    overall: float
    tried: int
    worse: tuple[Slice, ...]


def slices(
    trainings: Sequence[Predictions], columns: Mapping[str, Any], level: float = 0.95, seed: int = 0
) -> Slices | None:
    """The slices that do worse, among the classes, the groups and columns (n,) by name. None where there is none to look at.

    Args:
        trainings: of the same examples in the same order; an example's error is the mean of theirs.
    """
    first = trainings[0]
    name, errors = errors_of(first)[0], np.mean([errors_of(each)[1] for each in trainings], axis=0)
    known = parts(first, columns, alone=len(trainings) == 1)
    if not known:
        return None
    tested = [each for each in known if first.groups is None or _is_testable(each, first.groups)]
    chances = _chances(errors, tested, first.groups, seed)
    worse = [
        _slice(each, errors, float(chance)) for each, chance in zip(tested, chances, strict=True) if chance < 1 - level
    ]
    worse.sort(key=lambda each: (each.chance, each.others - each.error))
    return Slices(name, float(errors.mean()), len(tested), tuple(worse))


def errors_of(of: Predictions) -> tuple[str, NDArray[np.float64]]:
    """What an error is, and that of each example (n,)."""
    if of.kind in ("binary", "multiclass"):
        return "share of wrong answers", (~of.right).astype(np.float64)
    if of.kind == "multilabel":
        return "share of wrong labels", (of.labels != of.targets).mean(axis=1)
    if of.kind == "regression":
        return "absolute error", np.abs(of.scores - of.targets).reshape(len(of), -1).mean(axis=1)
    right = np.einsum("ncc->n", of.scores)
    return "share of wrong pixels", 1 - right / of.scores.sum(axis=(1, 2)).clip(1)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _slice(part: Part, errors: NDArray[np.float64], chance: float) -> Slice:
    inside, outside = errors[part.rows], errors[~part.rows]
    return Slice(part.column, part.value, len(inside), float(inside.mean()), float(outside.mean()), chance)


def _is_testable(part: Part, groups: NDArray[Any]) -> bool:
    """Whether enough groups are on both sides; single groups are held against chance as if their examples were independent."""
    if part.column == "group":
        return True
    return min(len(np.unique(groups[part.rows])), len(np.unique(groups[~part.rows]))) >= FEWEST_GROUPS


def _chances(
    errors: NDArray[np.float64], known: Sequence[Part], groups: NDArray[Any] | None, seed: int
) -> NDArray[np.float64]:
    """The adjusted p-value of each part."""
    counted = bool(np.isin(errors, (0, 1)).all())
    if not known:
        return np.zeros(0)
    if groups is None and not counted:
        return _permuted(errors, known, seed)
    alone = _of_counts if counted else _of_sums
    return holm(
        [
            alone(errors, each.rows)
            if groups is None or each.column == "group"
            else _of_groups(errors, each.rows, groups)
            for each in known
        ]
    )


def _of_counts(errors: NDArray[np.float64], rows: NDArray[np.bool_]) -> float:
    """The chance that as many errors of 0 and 1 are among so many examples drawn from all."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(errors[rows].sum() - 1, len(errors), int(errors.sum()), int(rows.sum())))


def _of_sums(errors: NDArray[np.float64], rows: NDArray[np.bool_]) -> float:
    """The chance of a sum as large, as of a normal variable."""
    from scipy.stats import norm

    return float(norm.sf(_deviation(errors[rows].sum(), int(rows.sum()), errors)))


def _deviation(total: Any, size: Any, errors: NDArray[np.float64]) -> Any:
    """How far the sum of `size` errors is above its mean, in standard deviations over draws without replacement."""
    count = len(errors)
    spread = np.sqrt(errors.var() * size * (count - size) / (count - 1))
    return (total - size * errors.mean()) / (spread if errors.var() > 0 else np.inf)


def _permuted(errors: NDArray[np.float64], known: Sequence[Part], seed: int) -> NDArray[np.float64]:
    sizes = np.array([each.rows.sum() for each in known], dtype=np.float64)
    seen = _deviation(np.array([errors[each.rows].sum() for each in known]), sizes, errors)
    if len(errors) > MOST_PERMUTED:
        from scipy.stats import norm

        return holm(norm.sf(seen).tolist())
    generator = np.random.default_rng(seed)
    member = np.stack([each.rows for each in known], axis=1).astype(np.float64)
    largest: list[NDArray[np.float64]] = []
    step = max(1, AT_ONCE // len(errors))
    for start in range(0, PERMUTATIONS, step):
        order = np.broadcast_to(errors, (min(step, PERMUTATIONS - start), len(errors)))
        largest.append(_deviation(generator.permuted(order, axis=1) @ member, sizes, errors).max(axis=1))
    return (1 + (np.concatenate(largest)[:, None] >= seen - 1e-12).sum(axis=0)) / (1 + PERMUTATIONS)


def _of_groups(errors: NDArray[np.float64], rows: NDArray[np.bool_], groups: NDArray[Any]) -> float:
    """Student's t of the difference between slice and others, one-sided, with the scatter of groups (as means of clusters are
    compared; the freedom is that of the side with fewer groups)."""
    from scipy.stats import t

    inside, outside = errors[rows], errors[~rows]
    codes = np.unique(groups, return_inverse=True)[1]
    influence = np.where(rows, (errors - inside.mean()) / len(inside), -(errors - outside.mean()) / len(outside))
    sums = np.bincount(codes, influence)
    fewest = min(len(np.unique(codes[rows])), len(np.unique(codes[~rows])))
    error = math.sqrt(fewest / (fewest - 1) * float((sums**2).sum()))
    difference = float(inside.mean() - outside.mean())
    if error == 0:
        return 0.0 if difference > 0 else 1.0
    return float(t.sf(difference / error, fewest - 1))

"""The folds of some data: each class with its share in each, groups never divided; drawn by a seed, so that methods share them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.numbers import decimal
from seatrial.practice.refusal import refused

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One division: numbers of the examples that are trained on (`rest`), and of those that are tested on."""

    repeat: int
    number: int
    rest: Numbers
    test: Numbers

    @property
    def ratio(self) -> float:
        """Test examples over training examples."""
        return len(self.test) / len(self.rest)


def folds(
    count: int,
    k: int,
    *,
    repeats: int = 1,
    seed: int = 0,
    classes: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> list[Fold]:
    """Divide examples into k folds, `repeats` times.

    Args:
        count: of examples.
        classes: (count,) each has the same share in all folds (scikit-learn's StratifiedKFold).
        groups: (count,) none stands in two folds (GroupKFold; with classes too StratifiedGroupKFold).

    Raises:
        UsageProblem: fewer than 2 folds, or fewer examples, groups or examples of a class than folds.
    """
    _check(count, k, repeats, classes, groups)
    return [
        Fold(repeat, number, rest, test)
        for repeat in range(repeats)
        for number, (rest, test) in enumerate(_divided(count, k, seed + 1000 * repeat, classes, groups))
    ]


def held_out(
    among: Numbers, share: float, seed: int, classes: NDArray[Any] | None, groups: NDArray[Any] | None
) -> tuple[Numbers, Numbers]:
    """Divide the examples of a training into those that it learns from and those by which its best epoch is chosen: one fold of as
    many as the share asks for, by classes and groups where there are enough of them.

    Raises:
        UsageProblem: there are fewer than two examples or groups.
    """
    k = max(2, round(1 / share))
    inner_groups = None if groups is None else groups[among]
    inner_classes = None if classes is None else classes[among]
    units = len(among) if inner_groups is None else len(np.unique(inner_groups))
    k = min(k, units)
    if inner_classes is not None and np.unique(inner_classes, return_counts=True)[1].min() < k:
        inner_classes = None
    _check(len(among), k, 1, inner_classes, inner_groups)
    learnt, chosen_by = next(iter(_divided(len(among), k, seed, inner_classes, inner_groups)))
    return among[learnt], among[chosen_by]


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _divided(
    count: int, k: int, seed: int, classes: NDArray[Any] | None, groups: NDArray[Any] | None
) -> list[tuple[Numbers, Numbers]]:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    if groups is not None:
        splitter = GroupKFold if classes is None else StratifiedGroupKFold
    else:
        splitter = KFold if classes is None else StratifiedKFold
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # in StratifiedGroupKFold: told apart by groups
        return list(splitter(k, shuffle=True, random_state=seed).split(np.zeros(count), classes, groups))


def _check(count: int, k: int, repeats: int, classes: NDArray[Any] | None, groups: NDArray[Any] | None) -> None:
    if k < 2 or repeats < 1:
        raise refused(
            "at least 2 folds, and once", f"{k} folds, {repeats} times", "folds-number", "5 and 10 are usual."
        )
    units, what = (count, "examples") if groups is None else (len(np.unique(groups)), "groups")
    if units < k:
        raise refused(f"at least {k} {what} for {k} folds", str(units), "folds-few", "Take fewer folds.")
    if classes is not None and groups is None:
        names, sizes = np.unique(classes, return_counts=True)
        if sizes.min() < k:
            found = f"{sizes.min()} of class {decimal(names[sizes.argmin()])}"
            hint = "Take fewer folds, or collect more of it: a fold without a class says nothing of it."
            raise refused(f"at least {k} examples of each class for {k} folds", found, "folds-few", hint)

"""What one model says of a set of examples: the one table from which metrics, intervals, calibration and comparisons follow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal

Kind: TypeAlias = Literal["binary", "multiclass", "multilabel", "regression", "segmentation"]
KINDS: tuple[Kind, ...] = ("binary", "multiclass", "multilabel", "regression", "segmentation")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers of one model, one training of it, for n examples.

    kind     what is predicted; `targets` and `scores` are shaped by it:
               binary        targets (n,) 0 or 1, scores (n,) probability of class 1
               multiclass    targets (n,) class indexes, scores (n, classes) probabilities
               multilabel    targets (n, labels) 0 or 1, scores (n, labels) probabilities
               regression    targets and scores (n,) or (n, outputs)
               segmentation  scores (n, classes, classes) counts of pixels (or tokens) by true class, then by predicted class;
                             targets (n, classes) counts of true ones
    ids      (n,) which example of the data each row is: predictions of two models are matched by it.
    groups   (n,) examples of one group (a patient, a speaker) are not independent; None where all are.
    classes  their names; of labels and outputs too. "" where nothing is known.
    model, seed, data   whose predictions they are: the method's name, the seed of its training, the data set's name.

    Raises:
        UsageProblem: the arrays do not fit together.
    """

    kind: Kind
    targets: NDArray[Any]
    scores: NDArray[Any]
    ids: NDArray[Any]
    groups: NDArray[Any] | None = None
    classes: tuple[str, ...] = ()
    model: str = ""
    seed: int = 0
    data: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise _unfit(f"a kind of predictions ({', '.join(KINDS)})", repr(self.kind))
        count = len(self.targets)
        parts = {"scores": self.scores, "ids": self.ids}
        if self.groups is not None:
            parts["groups"] = self.groups
        for name, array in parts.items():
            if len(array) != count:
                raise _unfit(f"{name} for each of {count} examples", f"{len(array)}")
        if not count:
            raise _unfit("predictions of at least one example", "none")
        again = _occurring_again(self.ids)
        if again:
            raise _unfit("one row for each example", f"{again} ids that occur again")
        _check_shapes(self.kind, self.targets, self.scores)
        if not self.classes:
            object.__setattr__(self, "classes", _numbered(self.kind, self.targets, self.scores))

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def labels(self) -> NDArray[Any]:
        """What is answered: class indexes (n,), labels (n, labels) of 0 and 1, or the values of a regression.

        Raises:
            UsageProblem: of segmentation only counts are known.
        """
        if self.kind == "segmentation":
            raise _unfit("one answer an example", "counts of pixels")
        if self.kind == "multiclass":
            return self.scores.argmax(axis=1)
        return (self.scores >= 0.5).astype(np.int64) if self.kind in ("binary", "multilabel") else self.scores

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, classes), of binary predictions too."""
        if self.kind == "binary":
            return np.stack([1 - self.scores, self.scores], axis=1)
        return self.scores

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """(n,) whether the class is the right one.

        Raises:
            UsageProblem: an answer is not one class.
        """
        if self.kind not in ("binary", "multiclass"):
            raise _unfit("predictions of one class an example", self.kind)
        return np.asarray(self.labels == self.targets)

    @property
    def graded(self) -> bool:
        """Whether the scores say how sure the model is, and not only what it answers."""
        return self.kind in ("binary", "multiclass", "multilabel") and not bool(np.isin(self.scores, (0, 1)).all())

    @cached_property
    def examples_hash(self) -> str:
        """Of the examples and their targets, in no particular order: the same for all models tested on the same data."""
        order = in_order(self.ids)
        digest = hashlib.sha256("\n".join(map(str, self.ids[order])).encode())
        digest.update(np.ascontiguousarray(self.targets[order], dtype=np.float64).tobytes())
        return digest.hexdigest()

    def at(self, rows: NDArray[Any]) -> Predictions:
        """Some of the rows, by number or by a mask."""
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, targets=self.targets[rows], scores=self.scores[rows], ids=self.ids[rows], groups=groups)

    def with_scores(self, scores: NDArray[Any], model: str = "") -> Predictions:
        """Other answers for the same examples, e.g. recalibrated ones, or those of an ensemble."""
        return replace(self, scores=scores, model=model or self.model)

    @staticmethod
    def read(path: str | Path) -> Predictions:
        """Predictions from a file: .npz as `write` makes it, or .csv (see `seatrial.evaluation.tables`).

        Raises:
            UsageProblem: there is no such file, or it holds something else.
        """
        from seatrial.evaluation.tables import read

        return read(Path(path))

    def write(self, path: str | Path) -> None:
        """To a file, .npz or .csv; as a whole or not at all."""
        from seatrial.evaluation.tables import write

        write(self, Path(path))


def in_order(ids: NDArray[Any]) -> NDArray[np.intp]:
    """(n,) rows in the order of their ids as words: numbers and their texts, as a .csv has them, are in the same order."""
    return np.argsort(ids.astype(str), kind="stable")


def matched(all_of: Sequence[Predictions]) -> list[Predictions]:
    """The same with their rows in the same order.

    Raises:
        UsageProblem: they are not of the same examples.
    """
    first = all_of[0]
    order = in_order(first.ids)
    found: list[Predictions] = []
    for each in all_of:
        if each.kind != first.kind or each.examples_hash != first.examples_hash:
            raise UsageProblem(
                f"Expected predictions for the same examples with the same targets, found {_named(first)} ({first.kind}, "
                f"{len(first)} examples) and {_named(each)} ({each.kind}, {len(each)} examples) that differ.",
                "predictions-differ",
                "Let all models predict the same data, in a table with the same ids.",
            )
        rows = np.empty(len(order), dtype=np.int64)
        rows[order] = in_order(each.ids)
        found.append(each.at(rows))
    return found


# ---- inner steps -------------------------------------------------------------------------------------------------


def _check_shapes(kind: Kind, targets: NDArray[Any], scores: NDArray[Any]) -> None:
    wanted = {
        "binary": targets.ndim == 1 == scores.ndim,
        "multiclass": targets.ndim == 1 and scores.ndim == 2,
        "multilabel": targets.ndim == 2 and targets.shape == scores.shape,
        "regression": targets.ndim in (1, 2) and targets.shape == scores.shape,
        "segmentation": targets.ndim == 2 and scores.shape == (*targets.shape, targets.shape[1]),
    }
    if not wanted[kind]:
        raise _unfit(f"targets and scores of {kind} predictions", f"shapes {targets.shape} and {scores.shape}")
    if targets.dtype.kind not in "biuf" or scores.dtype.kind not in "biuf":
        raise _unfit("targets and scores that are numbers", f"{targets.dtype} and {scores.dtype}")
    for name, array in (("targets", targets), ("scores", scores)):
        bad = int((~np.isfinite(array)).sum())
        if bad:
            raise _unfit(f"finite {name}", f"{bad} of {array.size} that are nan or infinite")
    if kind in ("binary", "multilabel") and not np.isin(targets, (0, 1)).all():
        raise _unfit("targets of 0 and 1", f"{targets.min()} to {targets.max()}")
    if kind == "multiclass" and not (
        np.equal(np.mod(targets, 1), 0).all() and 0 <= targets.min() <= targets.max() < scores.shape[1]
    ):
        raise _unfit(
            f"class indexes from 0 to {scores.shape[1] - 1}", f"targets from {targets.min()} to {targets.max()}"
        )
    if kind in ("binary", "multiclass", "multilabel") and (scores.min() < -1e-6 or scores.max() > 1 + 1e-6):
        raise _unfit("probabilities from 0 to 1", f"scores from {decimal(scores.min())} to {decimal(scores.max())}")


def _occurring_again(ids: NDArray[Any]) -> int:
    if ids.dtype.kind in "iu" and bool((ids[1:] > ids[:-1]).all()):  # in order: nothing needs to be looked up
        return 0
    return len(ids) - len(np.unique(ids))


def _numbered(kind: Kind, targets: NDArray[Any], scores: NDArray[Any]) -> tuple[str, ...]:
    if kind == "binary":
        return ("0", "1")
    columns = scores if kind == "multiclass" else targets
    return tuple(map(str, range(columns.shape[1]))) if columns.ndim > 1 else ()


def _named(of: Predictions) -> str:
    return f"{of.model or 'one'} on {of.data}" if of.data else of.model or "one"


def _unfit(expected: str, found: str) -> UsageProblem:
    return UsageProblem(
        f"Expected {expected}, found {found}.", "predictions", "See seatrial.evaluation.predictions.Predictions."
    )

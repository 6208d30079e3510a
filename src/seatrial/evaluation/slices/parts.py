"""Which parts of the data are looked at: the values of named columns, numbers cut into quarters."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.numbers import decimal

FEWEST = 10  # examples in a part, and outside of it
MOST_VALUES = 200  # of a column; one with more values than that which are no numbers names examples, not parts
FEW_NUMBERS = 10  # different numbers up to which each is a part of its own
QUARTERS = (0.25, 0.5, 0.75)
CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the examples: where `column` has `value`, which is where its codes (n,) are `code`."""

    column: str
    value: str
    codes: NDArray[Any]
    code: Any

    @property
    def rows(self) -> NDArray[np.bool_]:
        """(n,) which examples; made anew each time, since many parts of many examples would not fit in memory."""
        return np.asarray(self.codes == self.code)


def parts(of: Predictions, columns: Mapping[str, Any], alone: bool = True) -> list[Part]:
    """All parts of at least ten examples, of the classes, the groups and the columns given.

    Args:
        alone: whether these are all predictions, so that what they answer makes parts too.

    Raises:
        UsageProblem: a column does not fit the examples.
    """
    found = _of_classes(of, alone)
    groups = {} if of.groups is None else {"group": of.groups.astype(str)}
    for name, values in {**groups, **columns}.items():
        given = _confidence(of) if values is None and name == CONFIDENCE else np.asarray(values)
        if given.shape != (len(of),):
            raise UsageProblem(
                f"Expected a column {name!r} of {len(of)} values, found an array of shape {given.shape}.",
                "evaluate-column",
                "Give a number or a word for each example, in the order of the predictions.",
            )
        found += _of_column(name, given)
    return [each for each in found if FEWEST <= each.rows.sum() <= len(of) - FEWEST]


def _of_classes(of: Predictions, alone: bool) -> list[Part]:
    if of.kind not in ("binary", "multiclass") or len(of.classes) > MOST_VALUES:
        return []
    known = {"true class": of.targets} | ({"answered class": of.labels} if alone else {})
    return [Part(column, name, codes, at) for column, codes in known.items() for at, name in enumerate(of.classes)]


def _confidence(of: Predictions) -> NDArray[np.float64]:
    """How sure the model is of its answer."""
    if of.kind not in ("binary", "multiclass"):
        raise UsageProblem(f"Expected one class an example for its confidence, found {of.kind}.", "evaluate-column")
    return of.probabilities.max(axis=1)


def _of_column(name: str, values: NDArray[Any]) -> list[Part]:
    if values.dtype.kind in "iuf":
        known = np.isfinite(values)
        different = np.unique(values[known])
        if len(different) > FEW_NUMBERS:
            return _quarters(name, values, known)
        return [Part(name, decimal(float(each)), values, each) for each in different]
    words, codes = np.unique(values.astype(str), return_inverse=True)
    return [Part(name, str(word), codes, at) for at, word in enumerate(words)] if len(words) <= MOST_VALUES else []


def _quarters(name: str, values: NDArray[Any], known: NDArray[np.bool_]) -> list[Part]:
    cuts = np.unique(np.quantile(values[known], QUARTERS))
    codes = np.where(known, np.searchsorted(cuts, values, side="right"), -1)
    names = [f"below {decimal(float(cuts[0]))}"]
    names += [f"{decimal(float(a))} to {decimal(float(b))}" for a, b in itertools.pairwise(cuts)]
    names.append(f"from {decimal(float(cuts[-1]))} on")
    return [Part(name, word, codes, at) for at, word in enumerate(names)]

"""Several labels an example, each present or not: exact match, Hamming loss, F1 over all and over labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.metrics import overlap
from seatrial.evaluation.metrics.sums import Named, Sums, ratio
from seatrial.evaluation.predictions import Predictions


def overall(of: Predictions) -> Sums:
    """Exact match (all labels of an example right), Hamming loss (share of wrong labels), micro and macro F1."""
    count = of.targets.shape[1]
    codes, table = _counted(of)
    commonest = float((of.targets == (of.targets.mean(axis=0) >= 0.5)).all(axis=1).mean())
    rare = np.minimum(of.targets.mean(axis=0), 1 - of.targets.mean(axis=0))
    named = (
        Named(
            "exact match", baseline=commonest, against="each label's commoner value", share=(3 * count, 3 * count + 1)
        ),
        Named("Hamming loss", False, float(rare.mean()), "each label's commoner value"),
        Named("micro F1"),
        Named("macro F1"),
    )

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        h, t, c = _parts(sums, count)
        wrong = (t + c - 2 * h).sum(-1) / (count * sums[:, -1])
        micro = overlap.f1(h.sum(-1), t.sum(-1), c.sum(-1))
        return np.stack([ratio(sums[:, -2], sums[:, -1]), wrong, micro, overlap.macro_f1(h, t, c)], axis=1)

    return Sums(named, function, codes, table)


def by_label(of: Predictions) -> Sums:
    """Recall, precision and F1 of each label, one after the other."""
    count = of.targets.shape[1]
    codes, table = _counted(of)
    named: list[Named] = []
    for at, name in enumerate(of.classes):
        named += [
            Named(f"recall of {name}", share=(at, count + at)),
            Named(f"precision of {name}", share=(at, 2 * count + at)),
            Named(f"F1 of {name}"),
        ]

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        h, t, c = _parts(sums, count)
        found = np.stack([overlap.recall(h, t), overlap.precision(h, c), overlap.f1(h, t, c)], axis=2)
        return found.reshape(len(sums), -1)

    return Sums(tuple(named), function, codes, table)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _parts(
    sums: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    return sums[:, :count], sums[:, count : 2 * count], sums[:, 2 * count : 3 * count]


def _counted(of: Predictions) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Examples with the same truth and the same answers are one kind."""
    true, called = of.targets.astype(bool), of.labels.astype(bool)
    packed = np.packbits(np.concatenate([true, called], axis=1), axis=1)
    _, first, codes = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    t, c = true[first], called[first]
    exact = (t == c).all(axis=1)
    table = np.column_stack([t & c, t, c, exact, np.ones(len(first))]).astype(np.float64)
    return codes.reshape(-1), table

"""Binary and multi-class answers: accuracy and its relatives, overall and for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.metrics import overlap
from seatrial.evaluation.metrics.sums import Named, Sums, ratio
from seatrial.evaluation.predictions import Predictions

DENSE = 5_000_000  # numbers of a table that is not kept sparse
ALWAYS_LARGEST = "always answering the largest class"


def overall(of: Predictions) -> Sums:
    """Accuracy, balanced accuracy, F1, Matthews' correlation; of two classes precision, recall and specificity too.

    F1, precision and recall of two classes are those of the second one; F1 of more is the mean over classes.
    """
    count = len(of.classes)
    codes, table = _counted(of.targets.astype(np.int64), of.labels, count)
    hits, true, called, right, total = _columns(count)
    baseline = np.bincount(of.targets.astype(np.int64), minlength=count) / len(of)
    named = [
        Named("accuracy", baseline=float(baseline.max()), against=ALWAYS_LARGEST, share=(right, total)),
        Named("balanced accuracy", baseline=1 / max(1, int((baseline > 0).sum())), against="any constant answer"),
        Named("F1" if count == 2 else "macro F1"),
        Named("Matthews correlation", baseline=0.0, against="any constant answer"),
    ]
    if count == 2:
        named += [
            Named("precision", share=(hits.stop - 1, called.stop - 1)),
            Named("recall", share=(hits.stop - 1, true.stop - 1)),
            Named("specificity", share=(hits.start, true.start)),
        ]

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        h, t, c = sums[:, hits], sums[:, true], sums[:, called]
        f1 = overlap.f1(h[:, 1], t[:, 1], c[:, 1]) if count == 2 else overlap.macro_f1(h, t, c)
        found = [sums[:, right] / sums[:, total], overlap.balanced_accuracy(h, t), f1, overlap.matthews(h, t, c)]
        if count == 2:
            found += [ratio(h[:, 1], c[:, 1]), ratio(h[:, 1], t[:, 1]), ratio(h[:, 0], t[:, 0])]
        return np.stack(found, axis=1)

    return Sums(tuple(named), function, codes, table)


def by_class(of: Predictions) -> Sums:
    """Recall, precision and F1 of each class, one after the other."""
    count = len(of.classes)
    codes, table = _counted(of.targets.astype(np.int64), of.labels, count)
    hits, true, called, _, _ = _columns(count)
    named: list[Named] = []
    for at, name in enumerate(of.classes):
        named += [
            Named(f"recall of {name}", share=(hits.start + at, true.start + at)),
            Named(f"precision of {name}", share=(hits.start + at, called.start + at)),
            Named(f"F1 of {name}"),
        ]

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        h, t, c = sums[:, hits], sums[:, true], sums[:, called]
        found = np.stack([overlap.recall(h, t), overlap.precision(h, c), overlap.f1(h, t, c)], axis=2)
        return found.reshape(len(sums), -1)

    return Sums(tuple(named), function, codes, table)


def top(of: Predictions, among: Sequence[int]) -> Sums:
    """Accuracy where the right class is among the k likeliest; of equally likely ones the first counts first, as in `labels`."""
    targets = of.targets.astype(np.int64)
    own = np.take_along_axis(of.scores, targets[:, None], axis=1)
    before = np.arange(of.scores.shape[1]) < targets[:, None]
    rank = ((of.scores > own) | ((of.scores == own) & before)).sum(axis=1)
    largest = np.sort(np.bincount(targets, minlength=of.scores.shape[1]))[::-1].cumsum() / len(of)
    codes = np.searchsorted(sorted(among), rank, side="right")
    table = np.array([[*(at <= place for place in range(len(among))), 1.0] for at in range(len(among) + 1)])
    named = tuple(
        Named(
            f"top-{k} accuracy",
            baseline=float(largest[k - 1]),
            against=f"always the {k} largest classes",
            share=(at, len(among)),
        )
        for at, k in enumerate(sorted(among))
    )
    return Sums(named, lambda sums: sums[:, :-1] / sums[:, -1:], codes, table)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _columns(count: int) -> tuple[slice, slice, slice, int, int]:
    """Where hits, true and called of each class, all that is right, and all, stand among the sums."""
    return slice(0, count), slice(count, 2 * count), slice(2 * count, 3 * count), 3 * count, 3 * count + 1


def _counted(targets: NDArray[np.int64], labels: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], Any]:
    """The pair of classes of each example, and what each pair that occurs adds to the sums."""
    from scipy import sparse

    codes = targets * count + labels
    found = np.flatnonzero(np.bincount(codes, minlength=count * count))
    place = np.zeros(count * count, dtype=np.int64)
    place[found] = np.arange(len(found))
    true, called = found // count, found % count
    right = np.flatnonzero(true == called)
    rows = np.concatenate([right, np.arange(len(found)), np.arange(len(found)), right, np.arange(len(found))])
    columns = np.concatenate(
        [
            true[right],
            count + true,
            2 * count + called,
            np.full(len(right), 3 * count),
            np.full(len(found), 3 * count + 1),
        ]
    )
    table = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(found), 3 * count + 2))
    return place[codes], table.toarray() if len(found) * (3 * count + 2) <= DENSE else table

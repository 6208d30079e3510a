"""Examples by what a metric knows of them, so that a million of them are resampled as a few hundred kinds.

Most metrics are a function of sums over examples: accuracy of (right, all), F1 of (true positives, positives, called positive),
the area under the ROC curve of the counts of both classes at each score. Examples with the same summands are then one cell, and
drawing n examples with replacement is drawing how many come from each cell: one multinomial draw, the bootstrap itself and no
approximation of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Cells:
    """What is resampled: `counts` (k,) units of each of k kinds, `rows` (k, s) what one unit of a kind adds to s sums.

    A unit is an example, or a group of examples that are not independent (see `groups` below): then groups are drawn, not examples
    (A. C. Davison and D. V. Hinkley, Bootstrap Methods, 1997, section 3.8). `rows` may be a scipy.sparse array.
    """

    rows: Any
    counts: NDArray[np.int64]
    grouped: bool = False

    @staticmethod
    def of(summands: NDArray[Any], groups: NDArray[Any] | None = None) -> Cells:
        """Of summands (n, s), a row for each example; groups (n,)."""
        summands = np.asarray(summands, dtype=np.float64)
        if groups is None:
            return Cells(summands, np.ones(len(summands), dtype=np.int64))
        return _grouped(np.arange(len(summands)), summands, groups)

    @staticmethod
    def coded(codes: NDArray[np.integer[Any]], table: Any, groups: NDArray[Any] | None = None) -> Cells:
        """Of kinds: `codes` (n,) the kind of each example, `table` (k, s) the summands of each kind, dense or sparse."""
        if groups is not None:
            return _grouped(codes, table, groups)
        counts = np.bincount(codes, minlength=table.shape[0])
        found = np.flatnonzero(counts)
        return Cells(table if len(found) == len(counts) else table[found], counts[found])

    @property
    def units(self) -> int:
        """How many are drawn each time."""
        return int(self.counts.sum())

    @property
    def totals(self) -> NDArray[np.float64]:
        """(s,) the sums over all examples."""
        return np.asarray(self.counts @ self.rows, dtype=np.float64)

    def summed(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """(r, s) the sums of r other draws, (r, k)."""
        weights = counts.astype(np.float64)
        return weights @ self.rows if isinstance(self.rows, np.ndarray) else np.asarray((self.rows.T @ weights.T).T)

    def dense(self, at: slice) -> NDArray[np.float64]:
        """(some, s) rows as an array."""
        part = self.rows[at]
        return part if isinstance(part, np.ndarray) else part.toarray()


def joined(codes: list[NDArray[np.integer[Any]]], tables: list[Any]) -> tuple[NDArray[np.int64], Any]:
    """Several codings of the same examples as one, its table's columns side by side: so that all are resampled together."""
    from scipy import sparse

    together = codes[0].astype(np.int64)
    for each, table in zip(codes[1:], tables[1:], strict=True):
        _, together = np.unique(together * table.shape[0] + each, return_inverse=True)
    if len(codes) == 1:
        return together, tables[0]
    _, first, together = np.unique(together, return_index=True, return_inverse=True)
    rows = [table[each[first]] for each, table in zip(codes, tables, strict=True)]
    if all(isinstance(each, np.ndarray) for each in rows):
        return together, np.hstack(rows)
    return together, sparse.hstack([sparse.csr_array(each) for each in rows], format="csr")


def _grouped(codes: NDArray[np.integer[Any]], table: Any, groups: NDArray[Any]) -> Cells:
    """A row for each group: the sums over its examples."""
    from scipy import sparse

    names, group = np.unique(groups, return_inverse=True)
    shape = (len(names), table.shape[0])
    members = sparse.csr_array((np.ones(len(codes)), (group, codes)), shape=shape)
    return Cells(members @ table, np.ones(len(names), dtype=np.int64), grouped=True)

"""Windows cut from one series that share a stretch of it: one example is the other, moved along its columns.

Each example keeps the smallest few of the hashes of its runs of 8 values (Broder 1997: two sets share their smallest hash as often as they share
an element; Schleimer et al., SIGMOD 2003, for runs of text), with their places. Two examples with a common run at different places are compared
in full: all values that the shift lays over each other must be equal, which no coincidence does for so many.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.overlap.blocks import Blocks, compared, hashed, numbered
from seatrial.vault.overlap.numbers import flat
from seatrial.vault.overlap.pairs import Pair

RUN = 8
LEAST_COLUMNS = 2 * RUN
_COLUMNS_LOOKED_AT = 1024
_HASHES_KEPT = 8
_NOTHING = np.uint64(2**64 - 1)


def overlapping_windows(blocks: Blocks, test: NDArray[np.bool_], passed: NDArray[np.bool_]) -> list[Pair]:
    """Test examples that share at least a quarter of their columns with a training example, at another place.

    Args:
        test: (n,) True for test examples.
        passed: (n,) True for test examples that are found already.

    Returns:
        One pair for each such test example; its distance is the share of the columns that they do not share.
    """
    hashes, places = _sketches(blocks, len(test))
    ours, theirs, moved = _common_runs(hashes, places, test, test & ~passed)
    if not len(ours):
        return []
    shares = compared(
        blocks,
        ours,
        theirs,
        lambda block, inside: flat(block)[inside][:, :_COLUMNS_LOOKED_AT],
        lambda mine, other, pairs: _share(mine, other, moved[pairs]),
    )
    best: dict[int, Pair] = {}
    for example, other, share in zip(ours.tolist(), theirs.tolist(), shares.tolist(), strict=True):
        if share >= 0.25 and (example not in best or 1 - share < best[example].distance):
            best[example] = Pair(other, example, 1 - share)
    return list(best.values())


def _sketches(blocks: Blocks, count: int) -> tuple[NDArray[np.uint64], NDArray[np.int16]]:
    """(n, 8) smallest hashes of the runs of each example, and where they begin."""
    hashes = np.full((count, _HASHES_KEPT), _NOTHING)
    places = np.zeros((count, _HASHES_KEPT), np.int16)
    for start, block in numbered(blocks):
        values = flat(block)[:, :_COLUMNS_LOOKED_AT]
        runs = np.where(_telling(values), _hashes(values), _NOTHING)
        order = np.argsort(runs, axis=1, kind="stable")[:, :_HASHES_KEPT]
        inside = slice(start, start + len(values))
        hashes[inside, : order.shape[1]] = np.take_along_axis(runs, order, 1)
        places[inside, : order.shape[1]] = order
    return hashes, places


def _hashes(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(n, columns - 7) one of each run of 8 values."""
    bits = (values + np.float32(0)).view(np.uint32).astype(np.uint64)
    width = values.shape[1] - RUN + 1
    runs = np.zeros((len(values), width), np.uint64)
    for offset in range(RUN):
        runs = runs * np.uint64(0x100000001B3) + bits[:, offset : offset + width]
    return hashed(runs)


def _telling(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n, columns - 7) whether a run could hardly occur twice by chance: 8 different values that do not rise evenly."""
    width = values.shape[1] - RUN + 1
    telling = np.ones((len(values), width), bool)
    for one in range(RUN):
        for other in range(one + 1, RUN):
            telling &= values[:, one : one + width] != values[:, other : other + width]
    steps = np.diff(values, axis=1)
    even = np.ones_like(telling)
    for offset in range(1, RUN - 1):
        even &= steps[:, offset : offset + width] == steps[:, :width]
    return telling & ~even


def _common_runs(
    hashes: NDArray[np.uint64], places: NDArray[np.int16], test: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (test, training, shift) with a run in common at different places: for each run of a test example the first training example."""
    training, asked = np.flatnonzero(~test), np.flatnonzero(wanted)
    known = hashes[training].reshape(-1)
    order = np.argsort(known, kind="stable")
    known = known[order]
    keys = hashes[asked].reshape(-1)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    hits = np.flatnonzero((known[at] == keys) & (keys != _NOTHING)) if len(known) else np.zeros(0, np.int64)
    entry = order[at[hits]]
    theirs, ours = training[entry // _HASHES_KEPT], asked[hits // _HASHES_KEPT]
    moved = places[asked].reshape(-1)[hits].astype(np.int64) - places[training].reshape(-1)[entry]
    pairs = np.unique(np.stack([ours, theirs, moved], axis=1)[moved != 0], axis=0)
    return pairs[:, 0], pairs[:, 1], pairs[:, 2]


def _share(mine: NDArray[np.float32], other: NDArray[np.float32], moved: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of the columns that lie over each other after the shift if all of these are equal, otherwise 0."""
    width = mine.shape[1]
    shares = np.zeros(len(mine))
    for row, shift in enumerate(moved.tolist()):
        left = mine[row, max(0, shift) : width + min(0, shift)]
        right = other[row, max(0, -shift) : width - max(0, shift)]
        if np.array_equal(left, right, equal_nan=True):
            shares[row] = len(left) / width
    return shares

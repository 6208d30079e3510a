"""Near duplicates among examples that are numbers: columns in units of their standard deviation, at most 48 of them kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.overlap.blocks import Blocks, first_equal, hashed, numbered
from seatrial.vault.overlap.coincidence import natural
from seatrial.vault.overlap.neighbours import affordable, nearest
from seatrial.vault.overlap.null import nearer_than_chance, neighbours_wanted
from seatrial.vault.overlap.pairs import Pair
from seatrial.vault.sources.source import Block

KEPT = 48
"""Numbers kept of an example: 192 bytes. A random projection to so many leaves a distance within 10 % (standard deviation; Johnson & Lindenstrauss)."""
_SEED = 20_240_229


def near_numbers(blocks: Blocks, test: NDArray[np.bool_], passed: NDArray[np.bool_]) -> tuple[list[Pair], str]:
    """Test examples that are nearer to a training example than chance makes them.

    Args:
        test: (n,) True for test examples.
        passed: (n,) True for test examples that are found already.

    Returns:
        The pairs, and what was compared.
    """
    rows, columns = _sketches(blocks, len(test))
    training = np.flatnonzero(~test)
    equal = first_equal(_as_keys(rows), test)
    pairs = []
    # Equal numbers under different digests: rounded away, or told apart by something that is no number.
    if np.any(alike := (equal >= 0) & ~passed) and not natural(blocks, len(test), digests=False):
        pairs = [Pair(int(equal[i]), int(i), 0.0) for i in np.flatnonzero(alike)]
    wanted = neighbours_wanted(len(training))
    looked = f"{columns} numbers of an example, each in units of its standard deviation"
    if not wanted:
        return pairs, f"equal examples only: {len(training)} training examples are too few to tell what is near"
    queries = np.flatnonzero(test & ~passed & (equal < 0))
    most = affordable(len(training), len(queries), rows.shape[1])
    if most < len(queries):
        looked += f"; {most} of {len(queries)} test examples, drawn at random, were compared with all training examples"
        queries = np.sort(np.random.default_rng(_SEED).choice(queries, most, replace=False))
    distances, places = nearest(rows[training], rows[queries], wanted)
    nearest_ones = training[places[:, 0]] if len(queries) else np.zeros(0, np.int64)
    differing = np.sum(rows[queries] != rows[nearest_ones], axis=1) if columns <= KEPT else None
    found = np.flatnonzero(nearer_than_chance(distances, differing=differing))
    length = np.sqrt(columns)
    pairs += [Pair(int(nearest_ones[i]), int(queries[i]), float(distances[i, 0] / length)) for i in found]
    return pairs, looked


def _sketches(blocks: Blocks, count: int) -> tuple[NDArray[np.float32], int]:
    """What is kept of all examples, and how many columns there are. Columns that never change are left out."""
    mean, deviation = _moments(blocks)
    changing = np.flatnonzero(deviation > 0)
    columns = len(changing)
    project = None
    if columns > KEPT:
        signs = np.random.default_rng(_SEED).standard_normal((columns, KEPT), dtype=np.float32)
        project = signs / np.float32(np.sqrt(KEPT))
    kept = np.zeros((count, max(1, min(columns, KEPT))), np.float32)
    for start, block in numbered(blocks):
        values = flat(block)[:, changing]
        if not columns:
            continue
        values = (values - mean[changing]) / deviation[changing]
        # A value that is missing stands where the mean stands.
        scaled = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
        kept[start : start + len(values)] = scaled if project is None else scaled @ project
    return kept, columns


def _moments(blocks: Blocks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of every column, over its finite values (merged block by block: Chan et al. 1979)."""
    count = mean = squares = np.zeros(0)
    for _, block in numbered(blocks):
        values = flat(block).astype(np.float64)
        finite = np.isfinite(values)
        values[~finite] = 0
        if not len(count):
            count, mean, squares = (np.zeros(values.shape[1]) for _ in range(3))
        seen = finite.sum(0)
        middle = values.sum(0) / np.maximum(seen, 1)
        spread = np.where(finite, (values - middle) ** 2, 0).sum(0)
        total = np.maximum(count + seen, 1)
        squares = squares + spread + (middle - mean) ** 2 * count * seen / total
        mean = mean + (middle - mean) * seen / total
        count = count + seen
    deviation = np.sqrt(squares / np.maximum(count, 1))
    # What is left of a constant column is rounding.
    return mean, np.where(deviation > 1e-12 * np.abs(mean), deviation, 0)


def flat(block: Block) -> NDArray[np.float32]:
    """(n, columns) the numbers of the examples of a block; pictures too small to be compared as such are numbers too."""
    values = block.numbers if block.numbers is not None else block.images
    assert values is not None
    return values.reshape(len(values), -1)


def _as_keys(rows: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(n,) a hash of each row."""
    keys = np.zeros(len(rows), np.uint64)
    for column in rows.T:  # one at a time: all of them as 64 bits would take twice the memory of the rows
        bits = (column + np.float32(0)).view(np.uint32)
        keys = hashed(keys ^ hashed(bits.astype(np.uint64)))
    return keys

"""Passes over the blocks of a data set: what is kept of an example, and examples that are compared with each other in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.sources.source import Block

Blocks = Callable[[], Iterator[Block]]
Rows = Callable[[Block, NDArray[np.int64]], NDArray[np.float32]]
Likeness = Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]
_PAIRS_AT_ONCE = 256


def numbered(blocks: Blocks) -> Iterator[tuple[int, Block]]:
    """Each block with the number of its first example."""
    start = 0
    for block in blocks():
        yield start, block
        start += len(block.digests)


def compared(
    blocks: Blocks, test: NDArray[np.int64], training: NDArray[np.int64], rows: Rows, likeness: Likeness
) -> NDArray[np.float64]:
    """Compare pairs of examples in full. Two passes: the test examples are held in memory, the training ones go by.

    Args:
        test, training: (pairs,) numbers of the two examples of each pair.
        rows: of a block and positions in it, what is compared: (positions, ...) of one shape.
        likeness: of the rows of some pairs, test and training, and the numbers of the pairs: one figure each.

    Returns:
        (pairs,) the figures.
    """
    figures = np.full(len(test), np.inf)
    held, kept = np.unique(test), dict[int, NDArray[np.float32]]()
    for start, block in numbered(blocks):
        inside = held[slice(*np.searchsorted(held, (start, start + len(block.digests))))]
        if len(inside):
            kept.update(zip(inside.tolist(), rows(block, inside - start), strict=True))
    order = np.argsort(training, kind="stable")
    arranged = training[order]
    for start, block in numbered(blocks):
        bounds = np.searchsorted(arranged, (start, start + len(block.digests)))
        for at in range(bounds[0], bounds[1], _PAIRS_AT_ONCE):
            pairs = order[at : min(at + _PAIRS_AT_ONCE, bounds[1])]
            ours = np.stack([kept[number] for number in test[pairs].tolist()])
            figures[pairs] = likeness(ours, rows(block, training[pairs] - start), pairs)
    return figures


def first_equal(keys: NDArray[Any], test: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) for each test example the first training example of equal key, -1 where there is none and for training examples.

    Args:
        keys: (n,) of a type that can be sorted, or n things of equally many bytes.
        test: (n,) True for test examples.
    """
    groups = codes(keys)
    training = np.flatnonzero(~test)
    first = np.full(int(groups.max(initial=-1)) + 1, -1, np.int64)
    first[groups[training][::-1]] = training[::-1]
    return np.where(test, first[groups], -1)


def codes(keys: NDArray[Any]) -> NDArray[np.int64]:
    """(n,) whole numbers from 0, equal where the keys are equal."""
    if keys.dtype.kind != "V":
        return np.unique(keys, return_inverse=True)[1].reshape(-1)
    # Two halves of a hash of 16 bytes: an order of both is far faster than one of bytes.
    halves = np.ascontiguousarray(keys).view(np.uint64).reshape(len(keys), -1)
    order = np.lexsort(halves.T)
    changes = np.any(np.diff(halves[order], axis=0) != 0, axis=1)
    numbers = np.zeros(len(keys), np.int64)
    numbers[order[1:]] = np.cumsum(changes)
    return numbers


def hashed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number scattered over all 64 bits (the finaliser of splitmix64, Steele et al. 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

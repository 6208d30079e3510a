"""Whether equal examples are what few-valued columns make anyway: then they are no leak, and no split can keep them apart.

If two examples are equal by coincidence, pairs that differ in one column alone are common too: a pair that agrees in all other columns agrees
in this one as often as any two examples do. If one is a copy of the other, near misses are missing. So equal pairs are
weighed against the near misses, and nothing is assumed of how the other columns depend on each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.overlap.blocks import Blocks, codes, hashed, numbered
from seatrial.vault.sources.source import Block

SLACK = 3.0
"""So many times what is expected still passes for coincidence: a column that hangs on the others agrees with them more often than it would alone."""
_TWOS_LOOKED_AT = 60
_ATTRIBUTES_LEFT_OUT = 16
# So many columns do not agree by coincidence.
_MOST_COLUMNS = 1024
_VALUES_HELD = 4_000_000
_SEED = 20_240_301


def natural(blocks: Blocks, count: int, *, digests: bool) -> bool:
    """Whether there are no more equal examples than coincidence makes.

    Args:
        count: how many examples there are.
        digests: equal is what has equal digests; otherwise what has equal numbers.
    """
    values, hashes = _sample(blocks, count)
    if values is None:
        return False
    equal, expected = coincidences(values)
    if digests:
        told_apart = equal
        equal = _pairs(hashes)
        if equal < 0.9 * told_apart:
            return False  # What tells these examples apart is no number, and nothing is known of how often it agrees.
    return expected >= 1 and equal <= max(SLACK * expected, expected + 3 * np.sqrt(expected))


def coincidences(values: NDArray[np.float32]) -> tuple[float, float]:
    """How many pairs of equal rows there are, and how many are expected from those that differ in one or two attributes.

    An attribute is a column, or several in a row that hold one 1 between them (one category, written as indicators). Let L(j) be
    the pairs that differ in attribute j alone, L(j, k) those that differ in j and k alone. If a pair that agrees in all else agrees in j whether or
    not it agrees in k, then L(j) L(k) / L(j, k) pairs agree in everything: summed over pairs of attributes. The same from L(j) and the
    chance that any two rows agree in j, which is steadier where pairs are few; the larger of both counts.

    Args:
        values: (n, columns).
    """
    return _coincidences(_attributes(values))


def _coincidences(rows: NDArray[np.uint64], *, one_follows: bool = True) -> tuple[float, float]:
    whole = rows.sum(1, dtype=np.uint64)
    equal, every = _pairs(whole), len(rows) * (len(rows) - 1) / 2
    agreeing = np.array([_pairs(column) for column in rows.T])
    changing = np.flatnonzero(agreeing < every)
    if not len(changing):  # All rows are equal, and nothing else could be.
        return equal, equal
    misses = {j: _pairs(whole - rows[:, j]) - equal for j in changing.tolist()}
    if one_follows and equal and not any(misses.values()) and 2 < len(misses) <= _ATTRIBUTES_LEFT_OUT:
        # One may follow from the others, as a sum does: then none ever differs alone.
        left = (np.delete(rows[:, changing], j, 1) for j in range(len(changing)))
        return equal, max(_coincidences(part, one_follows=False)[1] for part in left)
    odds = float(np.sum((every - agreeing[changing]) / agreeing[changing])) if agreeing[changing].all() else np.inf
    return equal, max(sum(misses.values()) / odds, _from_double_misses(rows, whole, equal, misses))


def _from_double_misses(
    rows: NDArray[np.uint64], whole: NDArray[np.uint64], equal: float, misses: dict[int, float]
) -> float:
    missed = [j for j, pairs in misses.items() if pairs]
    every_two = np.array([(j, k) for j in missed for k in missed if j < k])
    if len(every_two) > _TWOS_LOOKED_AT:
        every_two = np.random.default_rng(_SEED).permutation(every_two)[:_TWOS_LOOKED_AT]
    singles = doubles = 0.0
    for j, k in every_two.tolist():
        singles += misses[j] * misses[k]
        doubles += _pairs(whole - rows[:, j] - rows[:, k]) - equal - misses[j] - misses[k]
    return singles / doubles if doubles else 0.0


def _sample(blocks: Blocks, count: int) -> tuple[NDArray[np.float32] | None, NDArray[np.void]]:
    """The numbers and digests of some examples drawn at random: of all, as long as they are few."""
    random = np.random.default_rng(_SEED)
    chosen: NDArray[np.bool_] | None = None
    values: list[NDArray[np.float32]] = []
    digests: list[NDArray[np.void]] = []
    for start, block in numbered(blocks):
        if (numbers := _numbers(block)) is None or numbers.shape[1] > _MOST_COLUMNS:
            return None, np.zeros(0, "V16")
        if chosen is None:
            share = _VALUES_HELD / max(1, count * numbers.shape[1])
            chosen = random.random(count) < share
        inside = chosen[start : start + len(numbers)]
        values.append(numbers[inside])
        digests.append(block.digests[inside])
    return (np.concatenate(values), np.concatenate(digests)) if values else (None, np.zeros(0, "V16"))


def _numbers(block: Block) -> NDArray[np.float32] | None:
    values = block.numbers if block.numbers is not None else block.images
    return None if values is None else values.reshape(len(values), -1)


def _attributes(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(n, attributes) a hash of what each row has in each attribute."""
    bits = np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0)).view(np.uint32).astype(np.uint64)
    columns = hashed(bits ^ hashed(np.arange(values.shape[1], dtype=np.uint64)))
    indicators = np.all((values == 0) | (values == 1), axis=0)
    parts: list[NDArray[np.uint64]] = []
    at = 0
    while at < values.shape[1]:
        end = _end_of_category(values, indicators, at)
        parts.append(columns[:, at:end].sum(1, dtype=np.uint64))
        at = end
    return np.stack(parts, axis=1) if parts else np.zeros((len(values), 0), np.uint64)


def _end_of_category(values: NDArray[np.float32], indicators: NDArray[np.bool_], at: int) -> int:
    """Where the columns end that hold one 1 between them, from column `at` on; one further where there are none."""
    ones = np.zeros(len(values))
    for end in range(at, values.shape[1]):
        if not indicators[end]:
            break
        ones += values[:, end]
        if ones.max() > 1:
            break
        if ones.min() == 1 and end > at:
            return end + 1
    return at + 1


def _pairs(keys: NDArray[Any]) -> float:
    """How many pairs of equal keys there are."""
    counts = np.bincount(codes(keys))
    return float(np.sum(counts * (counts - 1.0)) / 2)

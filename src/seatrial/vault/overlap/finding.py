"""What of a data set stands on both sides of a split: looked for before the test part is sealed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.overlap.blocks import Blocks, first_equal
from seatrial.vault.overlap.coincidence import natural
from seatrial.vault.overlap.numbers import near_numbers
from seatrial.vault.overlap.pairs import Overlap, Pair
from seatrial.vault.overlap.pictures import are_pictures, near_pictures
from seatrial.vault.overlap.windows import LEAST_COLUMNS, overlapping_windows
from seatrial.vault.sources.source import Mask


def find(blocks: Blocks, test: Mask, groups: NDArray[Any] | None = None, *, later: bool = False) -> Overlap:
    """Look for equal and nearly equal examples and for groups on both sides of a split.

    Args:
        blocks: gives all examples in order, from the beginning each time it is called: it is, some 2 to 6 times. At most about 250
            bytes are kept of an example, besides those blocks that are looked at.
        test: (n,) True for test examples.
        groups: (n,) the group of each example.
        later: whether all test examples are later than the others: those of a series then begin where the others end, and share a
            stretch with them. That is what is forecast from, and no copy.

    Raises:
        ValueError: the blocks hold another number of examples than `test`.
    """
    digests = np.concatenate([np.zeros(0, "V16"), *(block.digests for block in blocks())])
    if len(digests) != len(test):
        raise ValueError(f"{len(digests)} examples in the blocks, {len(test)} in the split")
    equal = first_equal(digests, test)
    same = tuple(Pair(int(equal[i]), int(i), 0.0) for i in np.flatnonzero(equal >= 0))
    passed = equal >= 0
    coincidences = 0
    if same and natural(blocks, len(test), digests=True):
        same, coincidences = (), len(same)
    near, looked = _near(blocks, test, passed, later)
    return Overlap(
        same=same,
        near=tuple(sorted(near, key=lambda pair: pair.distance)),
        groups=_on_both_sides(groups, test) if groups is not None else (),
        looked=looked,
        coincidences=coincidences,
    )


def _near(blocks: Blocks, test: Mask, passed: NDArray[np.bool_], later: bool) -> tuple[list[Pair], str]:
    block = next(iter(blocks()), None)
    if block is None or not test.any() or test.all():
        return [], "nothing: there is no other side"
    if are_pictures(block.images):
        return near_pictures(blocks, test, passed)
    values = block.numbers if block.numbers is not None else block.images
    if values is None or values.size == 0:
        return [], "equal examples only: they hold no numbers that could be near"
    near, looked = near_numbers(blocks, test, passed)
    if values[0].size >= LEAST_COLUMNS and not later:
        known = passed.copy()
        known[[pair.test for pair in near]] = True
        near += overlapping_windows(blocks, test, known)
        looked += ", and whether one example is another moved along its columns"
    return near, looked


def _on_both_sides(groups: NDArray[Any], test: Mask) -> tuple[str, ...]:
    training = set(groups[~test].tolist())
    # In the order in which they appear: values of mixed types have no other.
    return tuple(str(value) for value in dict.fromkeys(groups[test].tolist()) if value in training)

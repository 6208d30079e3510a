"""A split mended: what overlaps moves from the test part to the training part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.vault.overlap.blocks import Blocks
from seatrial.vault.overlap.finding import find
from seatrial.vault.overlap.pairs import Overlap
from seatrial.vault.sources.source import Mask

LEAST_LEFT = 0.5
"""A test part of which less is left is no longer the one that was asked for: its kinds of examples have gone."""
_ROUNDS = 20


def moved(test: Mask, overlap: Overlap, groups: NDArray[Any] | None = None) -> Mask:
    """The split without what was found: each test example with a twin in training moves there, with its whole group.

    What moves may itself have a twin in what is left of the test part, one that was not found since both were test examples: `mended` looks again.

    Raises:
        UsageProblem: [overlap-too-large], less than half of the test part is left.
    """
    kept = test.copy()
    kept[[pair.test for pair in (*overlap.same, *overlap.near)]] = False
    if groups is not None:
        training = set(groups[~kept].tolist())
        kept &= np.array([value not in training for value in groups.tolist()], bool)
    left, before = int(kept.sum()), int(test.sum())
    if left < LEAST_LEFT * before:
        raise too_little(left, before)
    return kept


def mended(
    blocks: Blocks, test: Mask, overlap: Overlap, groups: NDArray[Any] | None = None, *, later: bool = False
) -> tuple[Mask, Overlap]:
    """Move and look again, until nothing is found on both sides.

    Args:
        overlap: what was found of this split.
        groups, later: as `find` takes them.

    Returns:
        The new split, and what is found of it: nothing.

    Raises:
        UsageProblem: [overlap-too-large], less than half of the test part is left.
    """
    before = int(test.sum())
    for _ in range(_ROUNDS):
        if not overlap.found:
            return test, overlap
        test = moved(test, overlap, groups)
        if test.sum() < LEAST_LEFT * before:
            break
        overlap = find(blocks, test, groups, later=later)
    raise too_little(int(test.sum()), before)


def too_little(left: int, before: int) -> UsageProblem:
    return UsageProblem(
        f"Expected at least half of the test part to be left when what overlaps has moved to the training part, "
        f"found {left} of {before} examples.",
        "overlap-too-large",
        "What belongs together was divided: name the column that tells what does with --groups (a patient, a recording, an original picture), "
        "or split windows of a series with --time.",
    )

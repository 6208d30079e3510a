"""Which examples came again, and with which targets: from the hashes of the first batches of a run."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass

from seatrial.events import BatchSeen
from seatrial.rules.batches import Batches, of_real_numbers

LEAST_DISTINCT = 0.95


@dataclass(frozen=True, slots=True)
class Pairings:
    """`examples` different ones were seen, `repeated` of them more than once, `conflicting` with different targets.

    `agreement`: share of second comings with the target of the first; `chance`: what it is if any target may come.
    `fixed`: share of the conflicting examples all of whose targets came again with them, of those that came often enough to tell."""

    examples: int
    repeated: int
    conflicting: int
    agreement: float
    chance: float
    fixed: float
    comings: int


def pairings(batches: Batches, exact: bool) -> Pairings | None:
    """None where it cannot be told: several inputs a step, examples that are alike by chance, targets that are no
    classes (or a class an example).

    With `exact`, examples hold real numbers, and any two that are alike are copies; without, it is enough that hardly any two
    of a batch are alike."""
    pairs = _pairs(batches, exact)
    targets = Counter(target for _, target in pairs)
    if len(targets) < 2 or 4 * len(targets) > len(pairs) or not _classes(batches):
        return None
    seen: defaultdict[int, list[int]] = defaultdict(list)
    for row, target in pairs:
        seen[row].append(target)
    again = [known for known in seen.values() if len(known) > 1]
    comings = sum(len(known) - 1 for known in again)
    agreeing = sum(target == known[0] for known in again for target in known[1:])
    conflicts = [known for known in again if len(set(known)) > 1]
    often = [known for known in conflicts if len(known) >= 2 * len(set(known))]
    fixed = sum(min(Counter(known).values()) > 1 for known in often) / len(often) if often else math.nan
    chance = sum((count / len(pairs)) ** 2 for count in targets.values())
    share = agreeing / comings if comings else math.nan
    return Pairings(len(seen), len(again), len(conflicts), share, chance, fixed, comings)


def _pairs(batches: Batches, exact: bool) -> list[tuple[int, int]]:
    """Hashes of inputs and of targets, example by example, of steps that take one input and one target."""
    inputs: defaultdict[int, list[BatchSeen]] = defaultdict(list)
    targets: defaultdict[int, list[BatchSeen]] = defaultdict(list)
    for batch in batches.run.batches:
        if batch.phase == "training" and batch.rows:
            (inputs if batch.role == "input" else targets)[batch.tick].append(batch)
    found: list[tuple[int, int]] = []
    for tick, given in inputs.items():
        compared = targets.get(tick, [])
        if len(given) != 1 or len(compared) != 1 or not _telling(given[0], exact):
            continue
        if len(given[0].rows) == len(compared[0].rows) and given[0].shape[0] == compared[0].shape[0]:
            found += zip(given[0].rows, compared[0].rows, strict=True)
    return found


def _telling(batch: BatchSeen, exact: bool) -> bool:
    """Whether examples that are alike are (copies of) the same."""
    if not exact:
        return len(set(batch.rows)) >= LEAST_DISTINCT * len(batch.rows)
    return of_real_numbers(batch)


def _classes(batches: Batches) -> bool:
    return all(batch.histogram and math.prod(batch.shape[1:]) == 1 for batch in batches.targets)

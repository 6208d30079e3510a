"""Which members, and with which weights: greedy forward selection with replacement on validation data (Caruana, Niculescu-Mizil, Crew and
Ksikes, "Ensemble Selection from Libraries of Models", ICML 2004), and what the selection itself is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.voting.losses import Cells

ROUNDS = 50  # additions in a bag: weights in steps of 1/50
BAGS = 20  # as in section 2.3 of the paper
BAG_SHARE = 0.5  # of the members that a bag may choose among; there p = 0.5
# Of fewer members there is one bag, of all: half of a few would leave the only good one out of every other bag, and there are not
# enough of them to fit the validation data by luck.
LIBRARY = 20
REPEATS = 5  # of the split into halves

Choose = Callable[[Cells], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Honest:
    """What a choice is worth on examples that it was not made by. (It is a choice from half as many examples as there are: its loss is
    rather too high than too low.)

    within   mean loss on the half that it was chosen by: optimistic.
    held_out mean loss on the other half.
    losses   (n,) held-out loss of each example, the mean over repeats.
    """

    within: float
    held_out: float
    losses: NDArray[np.float64]

    @property
    def optimism(self) -> float:
        """By so much the loss looks smaller than it is."""
        return self.held_out - self.within


def greedy(of: Cells, *, rounds: int = ROUNDS, bags: int = BAGS, seed: int = 0) -> NDArray[np.float64]:
    """Weights (members,) that add up to 1, by the loss of the soft vote.

    An ascent begins with the best members (as many as are best together; section 2.2 of the paper), adds, with replacement,
    whichever helps most, and ends with the best ensemble on its way. Against overfitting of the validation data (section 2.3) a library
    of 20 members or more is put into bags: each may choose among a random half of them, and the weights are the mean over bags.
    """
    members = len(of.values)
    if rounds < 1 or bags < 1:
        raise UsageProblem(
            f"Expected at least one round and bag, found {rounds} and {bags}.", "vote-rounds", "Give more."
        )
    alone = of.point(of.values).mean(axis=(1, 2))
    order = np.argsort(alone, kind="stable")
    if members < LIBRARY or bags == 1:
        return _climbed(of, order, rounds)
    generator = np.random.default_rng(seed)
    found = np.zeros(members)
    for _ in range(bags):
        inside = generator.random(members) < BAG_SHARE
        inside[generator.integers(members)] = True  # none is empty
        found += _climbed(of, order[inside[order]], rounds)
    return found / bags


def best(of: Cells) -> NDArray[np.float64]:
    """All weight on the member with the smallest loss."""
    return np.eye(len(of.values))[of.point(of.values).mean(axis=(1, 2)).argmin()]


def equal(of: Cells) -> NDArray[np.float64]:
    """The same weight for all."""
    return np.full(len(of.values), 1 / len(of.values))


def halves(
    count: int, groups: NDArray[np.generic] | None, repeats: int, seed: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Random halves of so many examples as masks: what is chosen by, what is scored; each pair both ways round.

    Raises:
        UsageProblem: there is one example, or one group, only.
    """
    generator = np.random.default_rng(seed)
    for _ in range(repeats):
        yield from _folds(count, groups, 2, generator)


def folds(
    count: int, groups: NDArray[np.generic] | None, parts: int, seed: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """The same with so many parts, each scored once by what the others choose; as many as there are examples or groups, at most.

    Raises:
        UsageProblem: there is one example, or one group, only.
    """
    return _folds(count, groups, parts, np.random.default_rng(seed))


# ---- inner steps -------------------------------------------------------------------------------------------------


def _folds(
    count: int, groups: NDArray[np.generic] | None, parts: int, generator: np.random.Generator
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    units = np.arange(count) if groups is None else np.unique(groups, return_inverse=True)[1]
    total = int(units.max()) + 1
    if total < 2:
        raise UsageProblem(
            "Expected two examples (or groups) at least, found one.", "vote-halves", "Give more validation data."
        )
    part = (generator.permutation(total) % min(parts, total))[units]
    for each in range(min(parts, total)):
        yield part != each, part == each


def _climbed(of: Cells, order: NDArray[np.int64], rounds: int) -> NDArray[np.float64]:
    """Weights by one ascent among the members of `order`, the best first."""
    members = len(of.values)
    counts = np.bincount(order[: _start(of, order)], minlength=members).astype(np.float64)
    total = np.tensordot(counts, of.values, axes=1)
    size = counts.sum()
    lowest, chosen = float(of.point(total / size).mean()), counts / size
    for _ in range(rounds):
        losses = np.array([of.point((total + of.values[at]) / (size + 1)).mean() for at in order])
        at = order[losses.argmin()]
        counts[at] += 1
        total, size = total + of.values[at], size + 1
        if losses.min() < lowest:
            lowest, chosen = float(losses.min()), counts / size
    return chosen


def _start(of: Cells, order: NDArray[np.int64]) -> int:
    """So many of the best, taken together, have the smallest loss."""
    sizes = np.arange(1, len(order) + 1)
    means = np.cumsum(of.values[order], axis=0) / sizes[:, None, None]
    return int(sizes[of.point(means).mean(axis=(1, 2)).argmin()])

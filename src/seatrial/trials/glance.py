"""Data at a glance: what a nearest neighbour, a linear model and one feature alone make of recorded examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from seatrial.events import DataGlanced
from seatrial.measure import associations
from seatrial.measure.associations import Targets, targets_of
from seatrial.measure.batches import row_hashes
from seatrial.step.recorded import Recorded

# So many examples and features are looked at (about a second on one core).
MOST_EXAMPLES = 2000
MOST_LINEAR = 1024
MOST_FEATURES = 1024
FEWEST_EXAMPLES = 40
# Integer targets are classes where each is met so often on average; and where there are so few of them at most.
FEWEST_OF_A_CLASS = 4
MOST_CLASSES = 128
# Targets may belong to inputs so many places away.
SHIFTS = (1, -1, 2, -2)
# Tokens are counted in so many bins.
BINS = 512
Pairs = Sequence[tuple[Tensor, Tensor]]


def glance(pairs: Pairs, phase: str = "training", model: int = -1) -> Iterator[DataGlanced]:
    """What is to be seen in batches of (inputs [N, ...], targets [N] or [N, 1]), in the order in which they came.

    Examples that come again are taken once. Nothing is yielded where there are too few examples, targets that are all the
    same, or targets of several numbers. Integer inputs are taken for tokens and counted.
    """
    batches = [(_features(x), y.detach().reshape(-1), x) for x, y in pairs if _fits(x, y)]
    batches = [batch for batch in batches if batch[0].shape[1:] == batches[0][0].shape[1:]]
    if not batches:
        return
    groups = torch.cat([torch.full((len(x),), number) for number, (x, _, _) in enumerate(batches)])
    features, values = torch.cat([x for x, _, _ in batches]), torch.cat([y for _, y, _ in batches])
    kept = _first_times([x for _, _, x in batches])[:MOST_EXAMPLES]
    features, values, groups = features[kept], values[kept], groups[kept]
    is_class = not values.is_floating_point() or _few_whole(values)
    if len(values) < FEWEST_EXAMPLES or not _judgeable(values, is_class):
        return
    whole, numbers = associations.standardised(features[:, :: -(-features.shape[1] // MOST_FEATURES)])
    if whole.shape[1]:
        step = -(-features.shape[1] // MOST_FEATURES)
        yield _glanced(whole, numbers * step, values, groups, is_class, phase, model)


def pairs_of(step: Recorded) -> Pairs:
    """The inputs and targets of a recorded step and of later ones of its make; none where there are several of either."""
    data = step.data_leaves()
    wanted = [[at for at, leaf in enumerate(data) if step.roles.get(id(leaf)) == role] for role in ("input", "target")]
    if [len(places) for places in wanted] != [1, 1]:
        return []
    return [(held[wanted[0][0]].cpu(), held[wanted[1][0]].cpu()) for held in step.batches]


def _glanced(
    features: Tensor, numbers: Tensor, values: Tensor, groups: Tensor, is_class: bool, phase: str, model: int
) -> DataGlanced:
    targets = targets_of(values, is_class)
    nearby = associations.neighbours(features)
    near = associations.nearest(nearby, targets)
    best, which = associations.single(features, targets)
    within = targets_of(values, is_class, groups)
    few = slice(0, MOST_LINEAR)
    shifted = {shift: associations.nearest(nearby, targets, shift) for shift in SHIFTS}
    shift = max(shifted, key=lambda at: shifted[at].score)
    copied = associations.copies(features, targets)
    return DataGlanced(
        phase=phase,
        model=model,
        examples=len(features),
        features=features.shape[1],
        classes=targets.classes,
        nearest=near,
        nearest_in_batch=associations.nearest(associations.neighbours(features, groups), within),
        linear=associations.linear(features[few], targets_of(values[few], is_class)),
        single=best,
        single_feature=int(numbers[which]),
        shifted=shifted[shift],
        shift=shift,
        alike=associations.alike(features),
        copy=int(numbers[copied[0]]) if copied else -1,
        without_copy=_without(features, copied, targets) if copied else None,
    )


def _without(features: Tensor, copied: list[int], targets: Targets) -> associations.Association | None:
    rest = torch.ones(features.shape[1], dtype=torch.bool)
    rest[copied] = False
    return associations.nearest(associations.neighbours(features[:, rest]), targets) if rest.any() else None


def _fits(inputs: Tensor, targets: Tensor) -> bool:
    """Whether these are examples with one target each."""
    if inputs.ndim < 2 or not len(inputs) or targets.numel() != len(inputs):
        return False
    if not inputs.is_floating_point() and inputs[0].numel() < 2:
        return False  # a name, not a number
    return not inputs.is_complex() and not targets.is_complex() and bool(torch.isfinite(targets).all())


def _features(inputs: Tensor) -> Tensor:
    """[N, D]; of integers in which no position has a meaning of its own (tokens), how often each comes."""
    flat = inputs.detach().reshape(len(inputs), -1)
    if flat.is_floating_point() or flat.dtype in (torch.uint8, torch.bool) or flat.shape[1] < 2:
        return flat.float() if flat.dtype != torch.float64 else flat
    counts = torch.zeros(len(flat), BINS)
    return counts.scatter_add_(1, flat.long() % BINS, torch.ones(flat.shape))


def _first_times(inputs: list[Tensor]) -> Tensor:
    """Places of the examples that did not come before."""
    seen: set[int] = set()
    places: list[int] = []
    hashes = (row for x in inputs for row in row_hashes(x.detach().reshape(len(x), -1), tuple(x.shape[1:])))
    for place, row in enumerate(hashes):
        if row not in seen:
            seen.add(row)
            places.append(place)
    return torch.tensor(places, dtype=torch.int64)


def _few_whole(values: Tensor) -> bool:
    """Whether real targets are labels: whole numbers, of which there are very few."""
    return bool((values == values.round()).all()) and len(torch.unique(values)) <= 2


def _judgeable(values: Tensor, is_class: bool) -> bool:
    different = len(torch.unique(values))
    if different < 2:
        return False
    return not is_class or (different <= MOST_CLASSES and FEWEST_OF_A_CLASS * different <= len(values))

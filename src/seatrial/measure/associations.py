"""What simple learners make of examples, each against the same targets permuted: is there anything to be learned at all?

Each statistic is computed for the targets and for a hundred permutations of them. What depends on the inputs alone (who is
whose neighbour, the ridge regression's hat matrix) is made once, so that a permutation costs little. A p-value is
(b + 1) / (m + 1) with b of m permutations scoring as high (Phipson & Smyth 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seatrial.events import Association

PERMUTATIONS = 99
# Standardised features are cut off here, so that one rare value does not decide who is near.
FARTHEST = 5.0
# Windows of a series are recognised if they overlap after so many places.
MOST_PLACES = 32
_ATOM = 1e-12


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets of examples: `labels` (int64 [N], 0 to `classes` - 1), or `numbers` (float32 [N], mean 0, deviation 1)
    where `classes` is 0; and permutations [m, N] of the examples."""

    classes: int
    labels: Tensor
    numbers: Tensor
    permutations: Tensor

    @property
    def indicators(self) -> Tensor:
        """What is regressed: a column a class, or the numbers. [N, C] float32."""
        if not self.classes:
            return self.numbers.unsqueeze(1)
        return torch.nn.functional.one_hot(self.labels, self.classes).float()


def targets_of(values: Tensor, is_class: bool, groups: Tensor | None = None, seed: int = 0) -> Targets:
    """Targets [N] made ready. With `groups` (int64 [N]) they are permuted within each group alone."""
    generator = torch.Generator().manual_seed(seed)
    keys = torch.rand(PERMUTATIONS, len(values), generator=generator, dtype=torch.float64)
    if groups is None:
        permutations = keys.argsort(1)
    else:
        # Both in the order of groups: places of a group, and its members shuffled.
        places, members = torch.argsort(groups, stable=True), (keys + groups).argsort(1)
        permutations = torch.empty_like(members)
        permutations[:, places] = members
    if is_class:
        names, labels = torch.unique(values, return_inverse=True)
        return Targets(len(names), labels, torch.zeros(len(values)), permutations)
    exact = values.double()
    numbers = (exact - exact.mean()) / exact.std(correction=0).clamp_min(_ATOM)
    return Targets(0, torch.zeros(len(values), dtype=torch.int64), numbers.float(), permutations)


def standardised(features: Tensor) -> tuple[Tensor, Tensor]:
    """Features [N, D] that vary, with mean 0 and deviation 1 (float32), and their numbers (int64)."""
    values = features.detach().double() if features.dtype == torch.float64 else features.detach().float()
    finite = torch.isfinite(values)
    if not finite.all():
        count = finite.sum(0).clamp_min(1)
        mean = torch.where(finite, values, 0).sum(0) / count
        values = torch.where(finite, values, mean)
    mean = values.mean(0)
    std = values.std(0, correction=0)
    varies = torch.nonzero(std > 1e-6 * mean.abs() + _ATOM).reshape(-1)
    return ((values[:, varies] - mean[varies]) / std[varies]).float(), varies


def neighbours(features: Tensor, groups: Tensor | None = None) -> Tensor:
    """The nearest other example of each (Euclidean; with `groups`, within the same group), int64 [N]. Where a group has one
    example alone, it is its own."""
    near = features.clamp(-FARTHEST, FARTHEST)
    squares = (near * near).sum(1)
    # Without the example's own squared norm, which changes no order.
    distances = torch.addmm(squares.expand(len(near), -1), near, near.T, alpha=-2.0)
    if groups is not None:
        distances.masked_fill_(groups.unsqueeze(1) != groups.unsqueeze(0), torch.inf)
        alone = torch.bincount(groups)[groups] == 1
        distances.diagonal().masked_fill_(~alone, torch.inf)
    else:
        distances.fill_diagonal_(torch.inf)
    return distances.argmin(1)


def nearest(nearby: Tensor, targets: Targets, shift: int = 0) -> Association:
    """How often (or: how closely) the nearest other example has the same target. With `shift`, each example is taken to
    have the target of the one so many places later."""

    def score(values: Tensor) -> Tensor:  # [m, N] -> [m]
        if targets.classes:
            return (values[:, nearby] == values).double().mean(1)
        return (values[:, nearby] * values).double().mean(1)

    values = (targets.labels if targets.classes else targets.numbers).roll(-shift)
    return _against(score(values.unsqueeze(0))[0], score(values[targets.permutations]))


def linear(features: Tensor, targets: Targets) -> Association:
    """Ridge regression of the targets (of the indicators of classes), each example left out in turn: the share of classes
    that are right, or the correlation of answers and targets.

    The penalty is the mean eigenvalue of the Gram matrix. Leaving out is done in closed form, by the hat matrix
    (Hastie, Tibshirani & Friedman 2009, equation 7.64)."""
    hat = _hat(features)
    own = hat.diagonal().clone()
    hat.fill_diagonal_(0.0)
    hat /= (1 - own).clamp_min(1e-6).unsqueeze(1)
    wanted = targets.indicators
    true = targets.labels if targets.classes else targets.numbers

    def score(order: Tensor) -> Tensor:
        answers = hat @ wanted[order]
        if targets.classes:
            return (answers.argmax(1) == true[order]).double().mean()
        return _correlation(answers[:, 0], true[order])

    scores = torch.stack([score(order) for order in targets.permutations])
    return _against(score(torch.arange(len(true))), scores)


def single(features: Tensor, targets: Targets) -> tuple[Association, int]:
    """The largest share of variance that the target explains of one (standardised) feature, or one feature of it, and
    which feature. Permuted targets are given the same choice (Westfall & Young 1993)."""
    wanted = targets.indicators
    wanted = wanted / wanted.square().sum(0).clamp_min(1).sqrt()
    columns, size = wanted.shape[1], len(features)
    across = features.T.contiguous()

    def shares(order: Tensor) -> Tensor:  # [m, N] -> [m, D]
        permuted = wanted[order].permute(1, 0, 2).reshape(size, -1)
        return (across @ permuted).reshape(len(across), -1, columns).square().sum(2).T / size

    chunk = max(1, 2**22 // (size * columns))
    best = torch.cat([shares(part).amax(1) for part in targets.permutations.split(chunk)])
    found, which = shares(torch.arange(size).unsqueeze(0))[0].max(0)
    return _against(found.double(), best.double()), int(which)


def alike(features: Tensor) -> float:
    """How much more alike successive examples are than any two: 1 less their mean squared distance over that of any two
    (0: independent; towards 1: a walk). Windows that overlap count too: features may have moved on by some places."""
    near = features.clamp(-FARTHEST, FARTHEST)
    width = near.shape[1]
    found = 0.0
    for places in range(min(MOST_PLACES, width // 2) + 1):
        for one, other in (
            (near[:-1, places:], near[1:, : width - places]),
            (near[:-1, : width - places], near[1:, places:]),
        ):
            apart = (one - other).square().sum(1).mean()
            any_two = (
                one.square().sum(1).mean() + other.square().sum(1).mean() - 2 * (one.mean(0) * other.mean(0)).sum()
            )
            found = max(found, 1 - float(apart / any_two.clamp_min(_ATOM)))
    return found


def copies(features: Tensor, targets: Targets) -> list[int]:
    """Features that are the target in another guise: one value for each class, a value that tells one class from all
    others, or strictly rising (or falling) with a target of three values or more."""
    return [place for place in range(features.shape[1]) if _is_copy(features[:, place], targets)]


def _is_copy(feature: Tensor, targets: Targets) -> bool:
    if not targets.classes:
        order = targets.numbers.argsort()
        rising, given = feature[order].diff(), targets.numbers[order].diff() > 0
        if int(given.sum()) < 2:
            return False
        return bool(((rising > 0) == given).all() or ((rising < 0) == given).all())
    values, number = torch.unique(feature, return_inverse=True)
    if not 2 <= len(values) <= targets.classes:
        return False
    table = torch.zeros(len(values), targets.classes, dtype=torch.int64)
    table.index_put_((number, targets.labels), torch.ones(len(number), dtype=torch.int64), accumulate=True)
    present = table > 0
    one_to_one = len(values) == targets.classes and bool((present.sum(1) == 1).all() and (present.sum(0) == 1).all())
    indicator = len(values) == 2 and bool((present.sum(0) == 1).all()) and int(present.sum(1).min()) == 1
    return one_to_one or indicator


def _hat(features: Tensor) -> Tensor:
    """The matrix that makes fitted values of targets, with an intercept that is not penalised. [N, N]."""
    size, width = features.shape
    constant = torch.full((size, size), 1 / size)
    if not width:
        return constant
    penalty = float(features.square().sum()) / size
    if width < size:
        inner = features.T @ features
        inner.diagonal().add_(penalty)
        factor = torch.linalg.cholesky(inner)
        half = torch.linalg.solve_triangular(factor, features.T, upper=False)
        return half.T @ half + constant
    gram = features @ features.T
    gram.diagonal().add_(penalty)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    return constant - penalty * inverse + torch.eye(size)


def _correlation(answers: Tensor, true: Tensor) -> Tensor:
    answers, true = answers.double(), true.double()
    answers, true = answers - answers.mean(), true - true.mean()
    return (answers * true).sum() / (answers.norm() * true.norm()).clamp_min(_ATOM)


def _against(score: Tensor, permuted: Tensor) -> Association:
    as_high = int((permuted >= score - 1e-12).sum())
    return Association(float(score), float(permuted.mean()), float(permuted.std()), (as_high + 1) / (len(permuted) + 1))

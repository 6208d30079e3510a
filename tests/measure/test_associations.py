"""Simple learners against scikit-learn's, and their p-values where there is nothing to be learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_wine
from sklearn.feature_selection import f_classif
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from seatrial.measure import associations
from seatrial.measure.associations import targets_of

WINE = load_wine()
DIABETES = load_diabetes()
CLASSES = torch.tensor(WINE.target)
NUMBERS = torch.tensor(DIABETES.target)


def wine() -> Tensor:
    return associations.standardised(torch.tensor(WINE.data))[0]


def diabetes() -> Tensor:
    return associations.standardised(torch.tensor(DIABETES.data))[0]


def test_nearest_neighbours_are_those_of_scikit_learn() -> None:
    features = wine().clamp(-5, 5)
    expected = NearestNeighbors(n_neighbors=2).fit(features).kneighbors(features, return_distance=False)[:, 1]
    assert associations.neighbours(wine()).tolist() == expected.tolist()
    found = associations.nearest(associations.neighbours(wine()), targets_of(CLASSES, True))
    assert found.score == pytest.approx((WINE.target[expected] == WINE.target).mean())
    assert found.p == pytest.approx(0.01)
    assert abs(found.chance - sum((WINE.target == c).mean() ** 2 for c in range(3))) < 0.02


def test_neighbours_within_groups() -> None:
    groups = torch.arange(178) % 5
    nearby = associations.neighbours(wine(), groups)
    for place, other in enumerate(nearby.tolist()):
        members = [at for at in range(178) if at % 5 == place % 5 and at != place]
        distances = (wine().clamp(-5, 5)[members] - wine().clamp(-5, 5)[place]).norm(dim=1)
        assert other == members[int(distances.argmin())]
    permutations = targets_of(CLASSES, True, groups).permutations
    assert torch.equal(permutations % 5, groups.expand_as(permutations))
    assert torch.equal(permutations.sort(1).values, torch.arange(178).expand_as(permutations))
    assert not torch.equal(permutations[0], permutations[1])


@pytest.mark.parametrize("width", [4, 13, 300])
def test_linear_answers_are_those_of_refitted_ridge_regressions(width: int) -> None:
    generator = torch.Generator().manual_seed(1)
    features = torch.cat([wine(), torch.randn(178, 300, generator=generator)], 1)[:, :width]
    features = associations.standardised(features)[0]
    penalty = float(features.square().sum()) / 178
    indicators = np.eye(3)[WINE.target]
    answers = cross_val_predict(Ridge(penalty), features.double().numpy(), indicators, cv=LeaveOneOut())
    found = associations.linear(features, targets_of(CLASSES, True))
    assert found.score == pytest.approx((answers.argmax(1) == WINE.target).mean())


def test_linear_answers_in_numbers() -> None:
    penalty = float(diabetes().square().sum()) / len(NUMBERS)
    answers = cross_val_predict(Ridge(penalty), diabetes().double().numpy(), DIABETES.target, cv=LeaveOneOut())
    found = associations.linear(diabetes(), targets_of(NUMBERS, False))
    assert found.score == pytest.approx(float(np.corrcoef(answers, DIABETES.target)[0, 1]), abs=1e-4)


def test_one_feature_alone() -> None:
    found, which = associations.single(wine(), targets_of(CLASSES, True))
    ratio = f_classif(wine().numpy(), WINE.target)[0]
    shares = ratio * 2 / (ratio * 2 + len(CLASSES) - 3)
    assert which == int(shares.argmax())
    assert found.score == pytest.approx(float(shares.max()), rel=1e-3)
    found, which = associations.single(diabetes(), targets_of(NUMBERS, False))
    squares = np.array([np.corrcoef(column, DIABETES.target)[0, 1] ** 2 for column in DIABETES.data.T])
    assert which == int(squares.argmax())
    assert found.score == pytest.approx(float(squares.max()), rel=1e-3)


@pytest.mark.parametrize("is_class", [True, False])
def test_p_values_are_uniform_where_there_is_nothing(is_class: bool) -> None:
    generator = torch.Generator().manual_seed(2)
    found: dict[str, list[float]] = {"nearest": [], "linear": [], "single": [], "in_batch": []}
    for seed in range(60):
        features = torch.randn(60, 5, generator=generator)
        values = torch.randint(0, 3, (60,), generator=generator) if is_class else torch.randn(60, generator=generator)
        groups = torch.arange(60) // 12
        targets = targets_of(values, is_class, seed=seed)
        within = targets_of(values, is_class, groups, seed=seed)
        found["nearest"].append(associations.nearest(associations.neighbours(features), targets).p)
        found["linear"].append(associations.linear(features, targets).p)
        found["single"].append(associations.single(features, targets)[0].p)
        found["in_batch"].append(associations.nearest(associations.neighbours(features, groups), within).p)
    for name, values in found.items():
        ordered = np.sort(values)
        distance = np.abs(ordered - (np.arange(60) + 0.5) / 60).max()
        # Kolmogorov's distance at one in a thousand, and what ties of the score add (they count against a finding).
        assert distance < 1.95 / 60**0.5 + 0.05, (name, distance)


def test_a_shift_is_found_where_it_is() -> None:
    order = torch.randperm(178, generator=torch.Generator().manual_seed(3))
    nearby = associations.neighbours(wine()[order])
    targets = targets_of(CLASSES[order].roll(1), True)
    assert associations.nearest(nearby, targets).score < 0.5
    assert associations.nearest(nearby, targets, shift=1).score > 0.9


def test_walks_are_alike_and_draws_are_not() -> None:
    draws = torch.randn(500, 8, generator=torch.Generator().manual_seed(4))
    assert abs(associations.alike(draws)) < 0.1
    walk = associations.standardised(draws.cumsum(0))[0]
    assert associations.alike(walk) > 0.9


@pytest.mark.parametrize(
    ("feature", "is_copy"),
    [
        (CLASSES.float() * 3 - 1, True),
        ((CLASSES == 2).float(), True),
        ((CLASSES > 0).float(), True),
        (torch.where(torch.arange(178) == 7, 1.0, CLASSES.float()), False),
        (torch.tensor(WINE.data[:, 12]).float(), False),
    ],
)
def test_copies_of_classes(feature: Tensor, is_copy: bool) -> None:
    features = torch.stack([torch.randn(178), feature], 1)
    assert associations.copies(features, targets_of(CLASSES, True)) == ([1] if is_copy else [])


def test_copies_of_numbers() -> None:
    targets = targets_of(NUMBERS, False)
    noisy = NUMBERS.float() + torch.randn(442, generator=torch.Generator().manual_seed(5))
    features = torch.stack([torch.log1p(NUMBERS.float()), -NUMBERS.float(), noisy], 1)
    assert associations.copies(associations.standardised(features)[0], targets) == [0, 1]


def test_features_that_are_not_finite_or_do_not_vary() -> None:
    features = torch.tensor([[1.0, 5.0, torch.nan], [3.0, 5.0, 2.0], [5.0, 5.0, 4.0]])
    made, numbers = associations.standardised(features)
    assert numbers.tolist() == [0, 2]
    assert made[:, 1].tolist() == pytest.approx([0, -1.2247, 1.2247], abs=1e-3)

"""The untrained loss against plain second computations of it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from watching import classes, watched

from seatrial.events import Untrained
from seatrial.trials.untrained import FRESH, untrained


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 4))


def tried() -> tuple[Untrained, torch.Tensor, torch.Tensor, nn.Module]:
    x, _ = classes()
    y = torch.tensor([0] * 12 + [1] * 6 + [2] * 4 + [3] * 2)
    (seen,) = untrained(watched(network(), x, y).step, lambda text: None)
    return seen, x, y, network().eval()


def test_the_own_loss_is_that_of_the_network_without_dropout() -> None:
    seen, x, y, start = tried()
    assert seen.tick == 0
    assert seen.own == pytest.approx(F.cross_entropy(start(x), y).item(), rel=1e-6)


def test_the_best_constant_answer_to_classes_is_how_often_they_come() -> None:
    seen, _, y, _ = tried()
    shares = y.bincount() / len(y)
    assert seen.constant == pytest.approx(-(shares * shares.log()).sum().item(), rel=1e-6)


def test_the_loss_of_each_class_is_that_of_its_examples() -> None:
    seen, x, y, start = tried()
    expected = {str(label): F.cross_entropy(start(x[y == label]), y[y == label]).item() for label in range(4)}
    assert seen.classes == pytest.approx(expected, rel=1e-5)


def test_weights_are_drawn_anew_as_torch_draws_them() -> None:
    seen, x, y, start = tried()
    assert len(set(seen.fresh)) == FRESH
    usual: list[float] = []
    for seed in range(200):
        torch.manual_seed(seed)
        for layer in start:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
                nn.init.zeros_(layer.bias)
        usual.append(F.cross_entropy(start(x), y).item())
    assert all(min(usual) - 0.05 < loss < max(usual) + 0.05 for loss in seen.fresh)


def test_it_is_the_same_every_time_and_moves_no_generator() -> None:
    plan = watched(network(), *classes())
    state = torch.get_rng_state()
    first, second = (list(untrained(plan.step, lambda text: None)) for _ in range(2))
    assert first == second
    assert torch.equal(state, torch.get_rng_state())


def test_real_targets_have_no_classes() -> None:
    x, _ = classes()
    y = x[:, :1].clone()
    torch.manual_seed(1)
    (seen,) = untrained(watched(nn.Linear(8, 1), x, y, loss=F.mse_loss).step, lambda text: None)
    assert seen.classes == {}
    assert seen.constant == pytest.approx(y.var(correction=0).item(), rel=1e-6)


def test_a_loss_without_a_least_value_has_no_best_constant() -> None:
    step = watched(nn.Linear(8, 4), *classes(), loss=lambda scores, y: (scores.mean(1) * y).mean()).step
    (seen,) = untrained(step, lambda text: None)
    assert math.isnan(seen.constant)
    assert seen.how == ""

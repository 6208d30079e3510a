"""The rate of a recorded training: that of its forks is that of the training itself."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from watching import classes, watched

from seatrial.step.replay import NotReplayable
from seatrial.trials.fork_rates import forked_search


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4))


def quadratic() -> tuple[torch.Tensor, torch.Tensor]:
    """Least squares whose curvature is 2 in all directions: the best rate of plain gradient descent is 1 / 2."""
    x = math.sqrt(8) * torch.eye(8)
    return x, x @ torch.linspace(-1, 1, 8)[:, None]


@pytest.mark.parametrize("used", [1e-3, 5.0])
def test_the_rate_of_a_quadratic_is_one_over_its_curvature(used: float) -> None:
    x, y = quadratic()
    torch.manual_seed(1)
    model = nn.Linear(8, 1, bias=False)
    plan = watched(
        model, x, y, loss=F.mse_loss, make=lambda model: torch.optim.SGD(model.parameters(), lr=used), steps=1
    )
    found = forked_search(plan, 20, math.inf, lambda text: None)
    assert found.rate == pytest.approx(0.5, rel=0.3)


def test_nothing_of_the_script_s_is_touched() -> None:
    model = network()
    plan = watched(model, *classes())
    before, state = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()
    forked_search(plan, 20, math.inf, lambda text: None)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_training_without_a_rate_has_none() -> None:
    plan = watched(network(), *classes(), make=lambda model: torch.optim.SGD(model.parameters(), lr=0.0))
    with pytest.raises(NotReplayable, match="learning rate is 0"):
        forked_search(plan, 20, math.inf, lambda text: None)

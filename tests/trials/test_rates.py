"""Curvature against the whole Hessian; the limit of stability against training on both sides of it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812
from watching import Loss, Make, classes, sgd, watched

from seatrial.events import RateSwept
from seatrial.step.replay import NotReplayable
from seatrial.trials.rates import LOWEST, largest_curvature, swept


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4))


def eigenvalues(model: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: Loss) -> torch.Tensor:
    """Of the Hessian of the loss with respect to all parameters, in double precision."""
    model = model.double()
    shapes = {name: p.shape for name, p in model.named_parameters()}

    def of(flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split([shape.numel() for shape in shapes.values()])
        given = {name: part.view(shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)}
        answer = functional_call(model, given, (x.double(),))
        return loss(answer, y if y.dtype == torch.int64 else y.double())

    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    return torch.linalg.eigvalsh(torch.autograd.functional.hessian(of, flat))


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_the_curvature_is_the_largest_eigenvalue_of_the_hessian(scale: float) -> None:
    x, y = classes()
    x[:, 0] += scale  # one direction of large curvature
    found = largest_curvature(watched(network(), x, y))
    reference = eigenvalues(network(), x, y, F.cross_entropy)
    assert found == pytest.approx(float(reference[reference.abs().argmax()]), rel=0.05)


def test_a_curvature_that_is_negative() -> None:
    def hill(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return -(scores[:, 0] - y).pow(2).mean()

    x, y = classes()
    x[:, 0] += 3.0
    torch.manual_seed(1)
    found = largest_curvature(watched(nn.Linear(8, 1), x, y, loss=hill))
    torch.manual_seed(1)
    assert found == pytest.approx(float(eigenvalues(nn.Linear(8, 1), x, y, hill)[0]), rel=0.02)


def parabola(make: Make = sgd, examples: int = 24) -> tuple[RateSwept, torch.Tensor, torch.Tensor]:
    """A sweep of linear least squares: the loss is a quadratic, the same everywhere."""
    x, _ = classes(examples=examples)
    x[:, 0] *= 3.0
    y = x @ torch.linspace(-1, 1, 8)[:, None]
    torch.manual_seed(1)
    (seen,) = swept(watched(nn.Linear(8, 1), x, y, loss=F.mse_loss, make=make), 30, lambda text: None)
    return seen, x, y


def trained(rate: float, x: torch.Tensor, y: torch.Tensor) -> float:
    torch.manual_seed(1)
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(600):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        if not math.isfinite(loss.item()):
            break
    return loss.item()


def test_training_is_stable_below_the_limit_and_not_above() -> None:
    seen, x, y = parabola()
    assert trained(0.9 * seen.limit, x, y) < 1.0
    assert not trained(1.1 * seen.limit, x, y) < 1e6


def test_the_limit_is_unknown_for_an_optimizer_that_scales_gradients() -> None:
    seen, _, _ = parabola(lambda model: torch.optim.Adam(model.parameters(), lr=0.01))
    assert math.isnan(seen.limit)
    assert seen.curvature > 0
    assert seen.used == 0.01


def test_rates_grow_from_a_thousandth_to_a_thousand_times_the_script_s_own() -> None:
    seen, x, y = parabola()
    assert seen.rates[0] == pytest.approx(0.1 * LOWEST)
    assert seen.rates[-1] == pytest.approx(0.1 / LOWEST)
    factors = [after / before for before, after in zip(seen.rates, seen.rates[1:], strict=False)]
    assert factors == pytest.approx([factors[0]] * len(factors))
    torch.manual_seed(1)
    assert seen.losses[0] == pytest.approx(F.mse_loss(nn.Linear(8, 1)(x), y).item(), rel=1e-5)
    assert len(seen.losses) == len(seen.rates)
    assert min(seen.losses) < 0.5 * seen.losses[0]
    assert not seen.losses[-1] < 1e6


def test_no_learning_rate_no_sweep() -> None:
    plan = watched(network(), *classes(), make=lambda model: torch.optim.SGD(model.parameters(), lr=0.0))
    with pytest.raises(NotReplayable, match="learning rate is 0"):
        list(swept(plan, 10, lambda text: None))

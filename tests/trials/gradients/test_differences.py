"""Numerical derivatives against closed forms, and their error bars against their true errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from seatrial.trials.gradients.conditions import undisturbed
from seatrial.trials.gradients.differences import EPSILON, Differences
from seatrial.trials.gradients.evaluation import Evaluator
from seatrial.trials.gradients.kinks import sides_at, switched

Formula = Callable[[torch.Tensor], torch.Tensor]

FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "sine": (torch.sin, torch.cos),
    "exponential": (torch.exp, torch.exp),
    "fifth power": (lambda x: x**5, lambda x: 5 * x**4),
    "logistic": (torch.sigmoid, lambda x: x.sigmoid() * (1 - x.sigmoid())),
    "fast sine": (lambda x: (40 * x).sin(), lambda x: 40 * (40 * x).cos()),
    "Gaussian integral": (torch.erf, lambda x: 2 / torch.pi**0.5 * (-(x**2)).exp()),
    "far from zero": (lambda x: x.sin() + 1e6, torch.cos),
}


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_errors_lie_within_their_bars(name: str) -> None:
    formula, derivative = FORMULAS[name]
    x = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with undisturbed() as state:
        differences = Differences(Evaluator(lambda values: (formula(values[0]).sum(),), [x], state))
        elements = torch.arange(400)
        found = differences.twice(0, elements, differences.steps(0))
    error = (found.value - derivative(x)).abs()
    assert (error <= found.error).all()
    # And the bars are of use, as far as the rounding of a value of 1e6 a term allows.
    useful = 1e-1 if name == "far from zero" else 1e-6
    assert found.error.median() < useful * derivative(x).abs().max()


def test_the_rounding_of_single_precision_is_noticed() -> None:
    x = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with undisturbed() as state:
        exact = Differences(Evaluator(lambda values: (values[0].sin().sum(),), [x], state))
        rounded = Differences(Evaluator(lambda values: (values[0].float().sin().double().sum(),), [x], state))
        found = rounded.twice(0, torch.arange(50), rounded.steps(0))
    assert exact.relative_noise < 4 * EPSILON
    assert 1e-9 < rounded.relative_noise < 1e-6
    assert ((found.value - x.cos()).abs() <= found.error).all()


def test_batched_values_are_those_of_single_calls() -> None:
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((6, 4), (4, 3)))
    with undisturbed() as state:
        evaluator = Evaluator(lambda values: ((values[0] @ values[1]).tanh(),), [x, w], state)
        elements, offsets = torch.arange(12), torch.linspace(-1, 1, 12, dtype=torch.float64)
        batched = evaluator.near(1, elements, offsets)
        single = [evaluator.at(evaluator.moved(1, int(e), float(o))) for e, o in zip(elements, offsets, strict=True)]
    assert torch.allclose(batched, torch.tensor(single, dtype=torch.float64), rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        torch.relu,
        torch.abs,
        torch.round,
        torch.nn.functional.hardtanh,
        torch.nn.functional.softshrink,
        lambda x: torch.where(x > 0, x, 2 * x),
        lambda x: x.clamp(min=0.0),
        lambda x: x.amax(),
        lambda x: x.argmax() * 1.0,
        lambda x: x.sort().values * torch.arange(3),
        lambda x: torch.maximum(x, torch.zeros(3)),
        lambda x: torch.nn.functional.max_pool1d(x.reshape(1, 1, 3), 3),
        lambda x: x[x > 0].sum(),
        lambda x: torch.cdist(x[:, None], torch.zeros(1, 1, dtype=x.dtype), p=1.0),
    ],
)
def test_a_change_of_sides_is_seen(function: Formula) -> None:
    points = {"round": 0.5, "hardtanh": 1.0, "softshrink": 0.5}
    edge = points.get(getattr(function, "__name__", ""), 0.0)
    x = torch.full((3,), edge, dtype=torch.float64) + torch.tensor([0.0, -3.0, -0.25])
    with undisturbed() as state:
        evaluator = Evaluator(lambda values: (function(values[0]).sum(),), [x], state)
        around = [sides_at(evaluator, evaluator.moved(0, 0, offset)) for offset in (-0.3, 0.1, 0.2)]
    assert switched(around[0], around[1])
    assert not switched(around[1], around[2])

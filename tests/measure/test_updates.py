"""The expected ratio of update to weights is that of torch's own optimizers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seatrial.measure.updates import expected

SIZE = 4096
CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "dampening": 0.5}),
    ("Adam", {"lr": 1e-3}),
    ("Adam", {"lr": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {"lr": 1e-3, "beta1": 0.8, "weight_decay": 0.5}),
    ("RMSprop", {"lr": 1e-3}),
    ("RMSprop", {"lr": 1e-3, "momentum": 0.9}),
]


def _optimizer(kind: str, settings: dict[str, float], weight: torch.Tensor) -> torch.optim.Optimizer:
    given = {key: value for key, value in settings.items() if not key.startswith("beta")}
    if "beta1" in settings:
        given["betas"] = (settings["beta1"], 0.999)
    return getattr(torch.optim, kind)([weight], **given)


@pytest.mark.parametrize(("kind", "settings"), CASES)
@pytest.mark.parametrize("steps", [1, 2, 5, 60])
@pytest.mark.parametrize("parallel", [True, False])
def test_the_ends_of_the_band_are_what_torch_does(kind: str, settings: dict, steps: int, parallel: bool) -> None:
    """Gradients that are all the same meet the upper end; independent ones, of constant length, the lower one."""
    generator = torch.Generator().manual_seed(steps)
    weight = torch.randn(SIZE, generator=generator).mul_(10).requires_grad_()
    optimizer = _optimizer(kind, settings, weight)
    same = torch.randint(2, (SIZE,), generator=generator) * 2.0 - 1
    for _ in range(steps):
        signs = torch.randint(2, (SIZE,), generator=generator) * 2.0 - 1
        weight.grad = same.clone() if parallel else signs  # elements of size 1: the mean square is constant
        before = weight.detach().clone()
        optimizer.step()
    update = float((weight.detach() - before).norm() / before.norm())
    found = expected(
        kind, settings, gradient_norm=math.sqrt(SIZE), weight_norm=float(before.norm()), size=SIZE, step=steps
    )
    assert found is not None
    if settings.get("weight_decay") and kind == "Adam":
        assert found.low * 0.9 <= update <= found.high * 1.1  # its decay is part of the gradient
    elif settings.get("weight_decay") and parallel:
        assert found.low * 0.97 <= update <= found.high * 1.001  # the weights lie in no direction of the gradients'
    else:
        assert update == pytest.approx(found.high if parallel else found.low, rel=0.01 if parallel else 0.06)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
        ("SGD", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.05}),
        ("AdamW", {"lr": 5e-3, "weight_decay": 1.0, "beta1": 0.9}),
    ],
)
def test_under_decay_weights_without_scale_settle_at_the_equilibrium(kind: str, settings: dict) -> None:
    """Random gradients at a right angle to the weights, as long as those of a normalised layer: proportional to 1 / |w|."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(512, generator=generator).requires_grad_()
    optimizer = _optimizer(kind, settings, weight)
    ratios = []
    for step in range(2400):
        before = weight.detach().clone()
        noise = torch.randn(512, generator=generator)
        noise -= before * (noise @ before) / (before @ before)
        weight.grad = noise / before.norm()
        optimizer.step()
        if step >= 1600:
            ratios.append(float((weight.detach() - before).norm() / before.norm()))
    found = expected(kind, settings, gradient_norm=1.0, weight_norm=1.0, size=512, step=2400)
    assert found is not None
    assert sum(ratios) / len(ratios) == pytest.approx(found.equilibrium, rel=0.1)


@given(
    st.sampled_from(CASES),
    st.floats(1e-12, 1e6),
    st.floats(1e-6, 1e6),
    st.integers(0, 10**7),
    st.integers(1, 10**6),
)
def test_a_band_is_a_band(case: tuple, gradient: float, weight: float, size: int, step: int) -> None:
    found = expected(case[0], case[1], gradient_norm=gradient, weight_norm=weight, size=size, step=step)
    assert found is not None
    assert 0 <= found.low <= found.high * (1 + 1e-12)


def test_of_other_optimizers_and_of_weights_that_are_zero_nothing_is_expected() -> None:
    assert expected("Lion", {"lr": 1.0}, gradient_norm=1, weight_norm=1, size=1, step=1) is None
    assert expected("SGD", {"lr": 1.0}, gradient_norm=1, weight_norm=0, size=1, step=1) is None
    assert expected("SGD", {}, gradient_norm=1, weight_norm=1, size=1, step=1) is None

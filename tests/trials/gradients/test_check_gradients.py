"""`check_gradients`: no alarm on what is right, every planted error found and its kind named."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import layers_of_torch
import planted
import pytest
import torch
from torch import nn

from seatrial import GradientReport, check_gradients

# Kinds that cannot be named for certain: none may be missed, and nine in ten are to be named.
NAMED = 0.9


@pytest.mark.parametrize("name", sorted(layers_of_torch.CASES))
def test_no_alarm_on_what_is_right(name: str) -> None:
    torch.manual_seed(0)
    function, inputs = layers_of_torch.CASES[name]()
    report = check_gradients(function, *inputs)
    assert report.ok, str(report)
    looked = sum(each.elements - each.excluded for each in report.comparisons)
    assert looked > 0 or "tie" in name or "bounds" in name


@pytest.mark.parametrize("name", sorted(planted.CASES))
def test_a_planted_error_is_found(name: str) -> None:
    torch.manual_seed(0)
    function, inputs, _ = planted.CASES[name]()
    assert not check_gradients(function, *inputs).ok


def test_the_kinds_of_planted_errors_are_named() -> None:
    named = 0
    for make in planted.CASES.values():
        torch.manual_seed(0)
        function, inputs, kind = make()
        named += kind in {each.slip for each in check_gradients(function, *inputs).wrong}
    assert len(planted.CASES) >= 30
    assert named >= NAMED * len(planted.CASES)


def test_the_wrong_element_is_pointed_at() -> None:
    torch.manual_seed(0)
    function, inputs, _ = planted.CASES["one element by a tenth of a per cent"]()
    (wrong,) = check_gradients(function, *inputs).wrong
    assert wrong.worst == (1, 2) and wrong.differing == 1
    assert wrong.relative_error == pytest.approx(0.001 / 1.001, rel=1e-3)
    assert wrong.analytic == pytest.approx(1.001 * wrong.numeric, rel=1e-6)


class RoundStraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, strength: float) -> torch.Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return -ctx.strength * gradient, None


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradient / (1 + x.abs()) ** 2


class Clamped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient.clamp(-0.1, 0.1)


@pytest.mark.parametrize(
    ("function", "more", "why"),
    [
        (RoundStraightThrough, (), "straight-through"),
        (Spike, (), "straight-through"),
        (Reversal, (0.5,), "changes the gradient only"),
        (Clamped, (), "changes the gradient only"),
    ],
)
def test_what_is_meant_is_no_error(function: Any, more: tuple[Any, ...], why: str) -> None:
    alone = check_gradients(function.apply, torch.randn(4, 5), *more)
    assert alone.ok and [each.deliberate for each in alone.comparisons] == [why]

    class Within(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(5, 6), nn.Linear(6, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(function.apply(self.first(x).tanh() * 3, *more))

    torch.manual_seed(0)
    within = check_gradients(Within(), torch.randn(4, 5))
    assert within.ok, str(within)
    assert {each.name for each in within.comparisons if each.deliberate} >= {"first.weight", "first.bias"}


def test_a_gradient_for_what_has_no_influence_is_an_error() -> None:
    class Elsewhere(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x.relu()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> Any:
            return None, gradient

    report = check_gradients(Elsewhere.apply, torch.randn(4, 5), torch.randn(4, 5))
    assert [each.ok for each in report.comparisons] == [False, False]


def test_nothing_of_the_module_or_of_the_generators_changes() -> None:
    net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 1))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    assert check_gradients(net, x)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training and net[0].weight.dtype == torch.float32 and net[0].weight.grad is None
    assert torch.get_default_dtype() == torch.float32


def test_some_elements_or_some_seconds() -> None:
    net = nn.Sequential(nn.Linear(30, 40), nn.Tanh(), nn.Linear(40, 5))
    some = check_gradients(net, torch.randn(3, 30), elements=10)
    assert [each.elements for each in some.comparisons] == [10, 10, 10, 10, 5]
    none = check_gradients(net, torch.randn(3, 30), seconds=0.0)
    assert none.comparisons == () and "0.weight" in none.not_looked_at[0] and "time was up" in str(none)


def test_what_is_no_function_of_its_inputs_is_refused() -> None:
    calls: list[int] = []

    def counting(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return x.sum() * len(calls)

    with pytest.raises(Exception, match="two evaluations at the same point differ"):
        check_gradients(counting, torch.randn(3))
    with pytest.raises(Exception, match="no floating tensor"):
        check_gradients(lambda x: x, torch.tensor([1, 2]))


def test_a_report_reads_well() -> None:
    torch.manual_seed(0)
    function, inputs, _ = planted.CASES["bias of the first example"]()
    report = check_gradients(function, *inputs)
    assert isinstance(report, GradientReport) and not report
    text = str(report)
    assert "slice 0 of axis 0" in text and "WRONG  input 2 (3)" in text and "ok     input 1 (3x4)" in text


def test_importing_seatrial_does_not_import_torch() -> None:
    program = "import sys, seatrial; assert 'torch' not in sys.modules; print(seatrial.__version__)"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

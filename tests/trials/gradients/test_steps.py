"""Custom functions of recorded steps: what is measured of them, and what the rule says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import custom_functions
import planted
import pytest
import torch
from graphs import Step
from torch import nn

import seatrial.taps as taps
from seatrial.events import Event, GradientChecked, NotLookedAt, Place, SourceSeen
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import discover
from seatrial.rules.graph import Graph
from seatrial.trials.gradients.steps import wrong_gradients
from seatrial.trials.gradients.whole import check_step


def measured(make: Callable[[], nn.Module], scale: float = 1.0) -> list[GradientChecked | NotLookedAt]:
    """Train for three steps under watch, and check the custom functions of what was recorded."""
    torch.manual_seed(0)
    watch = taps.install(lambda event: None)
    try:
        net = make()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        for _ in range(3):
            x, y = torch.randn(12, 6), torch.randint(3, (12,))
            optimizer.zero_grad()
            (nn.functional.cross_entropy(net(x), y) * scale).backward()
            optimizer.step()
    finally:
        watch.finish()
    state = torch.get_rng_state()
    found = [event for step in watch.steps.values() for event in wrong_gradients(step, 30.0)]
    assert torch.equal(state, torch.get_rng_state())
    return found


def judged(events: list[Any]) -> list[Finding]:
    rule = discover()["model.wrong-gradient"]
    return list(rule.check(Run.of(events), rule.limits))


@pytest.mark.parametrize("name", sorted(custom_functions.NETS))
def test_no_alarm_on_functions_as_people_write_them(name: str) -> None:
    events = measured(custom_functions.NETS[name])
    assert any(isinstance(event, GradientChecked) for event in events), events
    assert [finding.message for finding in judged(events) if finding.severity != "note"] == []


@pytest.mark.parametrize(
    ("name", "shapes", "slip"),
    [
        ("square without 2", (), "factor 0.5"),
        ("cosine", (), "sign"),
        ("incoming gradient forgotten", (), "incoming gradient left out"),
        ("ReLU without its mask", (), "mask"),
        ("passed on as it came", (), "local derivative left out"),
        ("scale forgotten", ((8,),), "factor left out"),
        ("bias of the first example", ((8, 8), (8,)), "missing sum"),
        ("bias averaged over examples", ((8, 8), (8,)), "extra 1/N"),
        ("square matrix transposed", ((8, 8),), "transposed"),
        ("softmax without its sum", (), "missing path"),
    ],
)
def test_an_error_is_one(name: str, shapes: tuple[tuple[int, ...], ...], slip: str) -> None:
    function, _, _ = planted.CASES[name]()
    own = [torch.rand(shape) + 0.5 for shape in shapes]
    events = measured(lambda: custom_functions.Between(custom_functions.applied(function), *own))
    assert slip in {event.slip for event in events if isinstance(event, GradientChecked)}
    (finding,) = judged(events)
    assert finding.severity == "error" and finding.evidence["kind"] == slip


class LossIgnoringItsGradient(torch.autograd.Function):
    """Right as long as backward() is called on it itself."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return (x**2).sum()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return 2 * ctx.saved_tensors[0]


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (0.25, False)])
def test_a_loss_is_checked_with_the_gradient_that_comes_in(factor: float, right: bool) -> None:
    torch.manual_seed(0)
    watch = taps.install(lambda event: None)
    try:
        net = nn.Linear(6, 3)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            loss = LossIgnoringItsGradient.apply(net(torch.randn(12, 6)))
            (loss if factor == 1.0 else loss * factor).backward()
            optimizer.step()
    finally:
        watch.finish()
    events = [event for step in watch.steps.values() for event in wrong_gradients(step, 30.0)]
    assert (judged(events) == []) is right


SOURCE = """import torch


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, s):
        ctx.save_for_backward(x, s)
        return x * s

    @staticmethod
    def backward(ctx, grad):
        x, s = ctx.saved_tensors
        grad_x = grad * s

        grad_s = grad * x

        grad_s = grad_s.mean(0)


        return grad_x, grad_s
"""


def checked(**changes: Any) -> GradientChecked:
    given = GradientChecked(
        tick=0,
        call=0,
        node=3,
        function="Scale",
        where=Place("/p/a.py", 10, "backward"),
        called=Place("/p/a.py", 40, "forward"),
        argument=1,
        name="s",
        shape=(4,),
        elements=4,
        differing=4,
        excluded=0,
        relative_error=0.9,
        analytic=0.1,
        numeric=1.0,
        error=1e-9,
        overall=0.9,
        slip="extra 1/N",
        sentence="it is 10 times too small",
    )
    return replace(given, **changes)


def test_the_lines_are_those_that_make_the_gradient() -> None:
    events: list[Event] = [SourceSeen("/p/a.py", SOURCE), checked()]
    (finding,) = judged(events)
    assert [place.line for place in finding.where] == [17, 15, 20, 11, 40]
    (other,) = judged([SourceSeen("/p/a.py", SOURCE), checked(argument=0, name="x")])
    assert [place.line for place in other.where][:2] == [13, 20]
    (unknown,) = judged([checked()])
    assert [place.line for place in unknown.where] == [10, 40]


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, "error"),
        ({"deliberate": "straight-through", "slip": "straight-through"}, "note"),
        ({"slip": "not linear"}, "note"),
        ({"slip": "other", "overall": 0.01}, "note"),
        ({"slip": "other", "overall": 0.5}, "error"),
        ({"slip": "factor 1.001", "overall": 0.001}, "error"),
        ({"function": "RoundSTE"}, "note"),
        ({"function": "Master"}, "error"),
        ({"function": "GradientReversal"}, "note"),
    ],
)
def test_what_is_meant_or_near_is_a_note(changes: dict[str, Any], severity: str) -> None:
    (finding,) = judged([checked(**changes)])
    assert finding.severity == severity
    assert bool(finding.explains) is (severity == "error")
    assert judged([checked(differing=0, slip="", sentence="")]) == []


class Several(nn.Module):
    """An embedding, dropout, batch statistics and a part that is cut off."""

    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 3)
        self.norm, self.dropout, self.function = nn.BatchNorm1d(8), nn.Dropout(0.3), function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.dropout(self.norm(self.function(self.first(x)))) + self.second(x).detach()
        return self.last(hidden)


@pytest.mark.parametrize(("function", "right"), [(torch.tanh, True), ("square without 2", False)])
def test_a_step_as_a_whole(function: Any, right: bool) -> None:
    if isinstance(function, str):
        function = custom_functions.applied(planted.CASES[function]()[0])
    torch.manual_seed(0)
    watch = taps.install(lambda event: None)
    try:
        net = Several(function)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        x, y = torch.randn(12, 6), torch.randint(3, (12,))
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    finally:
        watch.finish()
    (step,) = watch.steps.values()
    report = check_step(step)
    found = {each.name.split(".", 1)[1]: each for each in report.comparisons}
    assert len(found) == 8
    assert {name for name, each in found.items() if each.deliberate} == {"second.weight", "second.bias"}
    assert {each.slip for each in report.wrong} == (set() if right else {"custom function"})
    assert {name for name, each in found.items() if not each.ok} == (set() if right else {"first.weight", "first.bias"})


def test_a_mend_lets_autograd_differentiate_the_forward() -> None:
    step = Step()
    value = step.call("apply:Scale", step.input(8, 4), step.parameter(4))
    seen = step.seen(step.call("sum", value, shape=()))
    (finding,) = judged([checked()])
    mend = discover()["model.wrong-gradient"].mend
    assert mend is not None
    mended = mend(Run.of([]), finding, Graph(seen))
    assert mended is not None and [(edit.node, edit.how) for edit in mended.edits] == [(value.node, "open")]
    (note,) = judged([checked(deliberate="straight-through")])
    assert mend(Run.of([]), note, Graph(seen)) is None


def test_a_step_without_custom_functions_costs_nothing() -> None:
    assert measured(lambda: nn.Linear(6, 3)) == []

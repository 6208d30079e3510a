"""What a close look hears, and what it leaves alone: whole evaluations, the optimizer's own arithmetic, costly repetitions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.overrides import _get_current_function_mode_stack

from seatrial import taps
from seatrial.events import Event, GraphSeen, Look, NotLookedAt
from seatrial.step import recorder
from seatrial.taps import budget, recording


@pytest.fixture
def events() -> Iterator[list[Event]]:
    found: list[Event] = []
    watch = taps.install(found.append)
    yield found
    watch.finish()
    assert _get_current_function_mode_stack() == []


def graphs(events: list[Event], kind: str = "training") -> list[int]:
    return [event.tick for event in events if isinstance(event, GraphSeen) and event.kind == kind]


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.ones(4, 3)).mean().backward()
    optimizer.step()


@pytest.mark.parametrize("switches", [True, False])
def test_a_long_evaluation_between_two_steps_hides_neither(
    events: list[Event], monkeypatch: pytest.MonkeyPatch, switches: bool
) -> None:
    monkeypatch.setattr(recorder, "MOST_CALLS", 200)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters())
    step(model, optimizer)
    model.train(not switches)
    with torch.no_grad():
        for _ in range(300):
            model(torch.ones(4, 3)).argmax(1)
    model.train()
    for _ in range(3):
        step(model, optimizer)
    assert graphs(events) == [0, 1, 2, 3]
    assert len(graphs(events, "evaluation")) == 3
    assert [event for event in events if isinstance(event, NotLookedAt)] == []


def test_the_arithmetic_of_an_optimizer_is_not_recorded(events: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_CALLS", 50)
    model = nn.Sequential(*(nn.Linear(3, 3) for _ in range(8)), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(model.parameters(), foreach=False)
    for _ in range(3):
        step(model, optimizer)
    assert graphs(events) == [0, 1, 2]
    assert len([event for event in events if isinstance(event, Look)]) == 3
    assert [event for event in events if isinstance(event, NotLookedAt)] == []


def test_a_closure_that_is_too_costly_to_look_at_is_not_looked_at_again_and_again(
    events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=8, tolerance_grad=0, tolerance_change=0)
    evaluations = 0

    def closure() -> torch.Tensor:
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        loss = (model(torch.eye(3)) - torch.arange(3.0).unsqueeze(1)).square().mean()
        loss.backward()
        return loss

    monkeypatch.setattr(budget.Budget, "affords", lambda *_: not graphs(events))
    optimizer.step(closure)
    assert evaluations > recording.BACKWARDS_HEARD
    assert graphs(events) == [0, 1]


def test_many_forward_passes_in_evaluation_mode_before_one_backward_pass_are_heard(events: list[Event]) -> None:
    model = nn.Linear(3, 1).eval()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        torch.stack([model(torch.ones(3)) for _ in range(30)]).mean().backward()
        optimizer.step()
    assert graphs(events) == [0, 1]


@pytest.mark.parametrize("by_hand", [False, True])
def test_nothing_is_left_on_the_stack_of_modes_where_a_look_ends_within_a_backward_pass(
    events: list[Event], by_hand: bool
) -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(60):
        model(torch.ones(4, 3)).mean().backward()
    if by_hand:
        model.zero_grad()
    else:
        optimizer.step()
    heard = [mode for mode in _get_current_function_mode_stack() if getattr(mode, "inert", False)]
    assert heard == []
    assert len(graphs(events)) > recording.BACKWARDS_HEARD

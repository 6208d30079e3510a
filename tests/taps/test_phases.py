"""A run that begins something new is looked at again; weights that are loaded or drawn anew are noticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from seatrial import taps
from seatrial.events import CallSeen, Event, GraphKept, GraphSeen, Look, ModelSeen, NotLookedAt, ParameterFate
from seatrial.taps import budget, recording


class Listening:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.watch = taps.install(self.events.append)

    def ticks(self, kind: type[GraphSeen] | type[Look] | type[ModelSeen]) -> list[int]:
        return [event.tick for event in self.events if isinstance(event, kind)]


@pytest.fixture
def heard() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.watch.finish()
    assert [event for event in listening.events if isinstance(event, NotLookedAt)] == []


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(4, 3)).mean().backward()
        optimizer.step()


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be spent on close looks but what something new allows."""
    monkeypatch.setattr(recording, "ALLOWANCE_SECONDS", 0.0)
    monkeypatch.setattr(budget, "SHARE", 0.0)
    monkeypatch.setattr(budget, "SECONDS_ANEW", 60.0)


@pytest.mark.usefixtures("spent")
def test_another_optimizer_is_looked_at_though_all_was_spent(heard: Listening) -> None:
    model = nn.Linear(3, 2)
    train(model, torch.optim.SGD(model.parameters(), 0.1), 40)
    assert heard.ticks(GraphSeen) == [0]
    model.requires_grad_(False)
    model.bias.requires_grad_(True)
    train(model, torch.optim.SGD([model.bias], 0.1), 10)
    assert heard.ticks(GraphSeen)[1:3] == [40, 41]
    assert heard.ticks(ModelSeen) == [0, 40]
    assert {event.optimizer for event in heard.events if isinstance(event, Look)} == {0, 1}


@pytest.mark.usefixtures("spent")
def test_a_replaced_layer_is_looked_at(heard: Listening) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    train(model, optimizer, 20)
    model[1] = nn.Linear(3, 2)
    train(model, optimizer, 5)
    assert heard.ticks(ModelSeen) == [0, 20]
    assert 20 in heard.ticks(GraphSeen)


@pytest.mark.usefixtures("spent")
def test_what_begins_anew_again_and_again_is_looked_at_a_few_times(heard: Listening) -> None:
    model = nn.Linear(3, 2)
    for _ in range(4 * budget.MOST_ANEW):
        train(model, torch.optim.SGD(model.parameters(), 0.1), 5)
    assert len([tick for tick in heard.ticks(GraphSeen) if tick >= 50]) <= 4


def test_weights_that_trained_are_drawn_anew(heard: Listening) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    train(model, optimizer, 3)
    nn.Linear(3, 2)
    nn.init.zeros_(model[0].bias)
    assert [event for event in heard.events if isinstance(event, CallSeen) and event.kind == "reset"] == []
    model[1].reset_parameters()
    nn.init.normal_(model[0].weight.data)
    calls = [event for event in heard.events if isinstance(event, CallSeen) and event.kind == "reset"]
    assert [(call.subject, call.detail) for call in calls] == [(0, "1"), (0, "0")]
    assert calls[0].where is not None
    assert calls[0].where.function == "test_weights_that_trained_are_drawn_anew"


def test_weights_loaded_before_they_train_are_loaded(heard: Listening) -> None:
    first, second, third = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)
    second.load_state_dict(first.state_dict())
    third.load_state_dict({name: value.clone() for name, value in third.state_dict().items()})
    for model in (first, second, third):
        train(model, torch.optim.SGD(model.parameters(), 0.1), 3)
    first.load_state_dict(second.state_dict())
    heard.watch.finish()
    fates = {fate.model: fate.loaded for fate in heard.events if isinstance(fate, ParameterFate)}
    names = dict(heard.watch.models.living())
    assert [fates[number] for model in (first, second, third) for number in names if names[number] is model] == [
        False,
        True,
        False,
    ]


def test_a_closure_that_is_called_often_keeps_no_graphs(heard: Listening) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=30, tolerance_change=0.0, tolerance_grad=0.0)
    kept: list[torch.Tensor] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(torch.randn(4, 3)).square().mean()
        loss.backward()
        kept.append(loss)
        return loss

    for _ in range(2):
        kept.clear()
        optimizer.step(closure)
    assert [event for event in heard.events if isinstance(event, GraphKept)] == []


def test_gradients_that_a_closure_makes_are_seen_at_the_first_step(heard: Listening) -> None:
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(torch.ones(3, 4)).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    looks = [event for event in heard.events if isinstance(event, Look)]
    assert [one.gradient_norm for one in looks] == [
        pytest.approx([parameter.grad.norm().item() for parameter in model.parameters() if parameter.grad is not None])
    ]

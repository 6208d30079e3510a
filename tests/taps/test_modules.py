"""Calls of modules: what runs within a model while no step is recorded is torch's own code alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from seatrial import taps
from seatrial.events import BatchSeen, CallSeen, EvaluationPass, Event, GraphSeen, NotLookedAt, Turns
from seatrial.taps.budget import Budget

TORCHS: Any = nn.Module.__call__
TORCHS_CODE = TORCHS.__code__


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[taps.Watch, list[Event]]]:
    """All events of a run that is looked at closely in every fourth turn, whatever that costs."""
    monkeypatch.setattr(Budget, "is_due", lambda budget, turn: turn % 4 == 0)
    monkeypatch.setattr(Budget, "affords", lambda budget, seconds=0.0: True)
    monkeypatch.setattr("seatrial.taps.recording.SKETCHED_TURNS", 2)
    events: list[Event] = []
    watch = taps.install(events.append)
    yield watch, events
    watch.finish()
    assert [event for event in events if isinstance(event, NotLookedAt)] == []


@pytest.fixture
def heard(listening: tuple[taps.Watch, list[Event]]) -> list[Event]:
    return listening[1]


class Inner(nn.Module):
    """Notes which code is called within the model around it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.codes: list[Any] = []
        self.fails = False

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        call: Any = nn.Module.__call__
        self.codes.append(call.__code__)
        if self.fails:
            raise ArithmeticError
        return inputs * self.weight


def train(model: nn.Module, steps: int, step: Callable[[], torch.Tensor]) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        step().backward()
        optimizer.step()


def test_within_a_model_torchs_own_code_runs(heard: list[Event]) -> None:
    inner = Inner()
    model = nn.Sequential(inner, nn.Linear(3, 1))
    train(model, 12, lambda: model(torch.ones(2, 3)).sum())
    call: Any = nn.Module.__call__
    ours = call.__code__
    assert ours is not TORCHS_CODE
    recorded = [code is ours for code in inner.codes]
    assert recorded == [number % 4 == 0 for number in range(12)]
    assert all(code in (ours, TORCHS_CODE) for code in inner.codes)


def test_after_a_failure_within_a_model_calls_are_heard_again(heard: list[Event]) -> None:
    inner = Inner()
    model = nn.Sequential(inner, nn.Linear(3, 1))
    call: Any = nn.Module.__call__
    ours = call.__code__

    def step() -> torch.Tensor:
        return model(torch.ones(2, 3)).sum()

    train(model, 6, step)
    inner.fails = True
    with pytest.raises(ArithmeticError):
        step()
    assert inner.codes[-1] is TORCHS_CODE
    assert call.__code__ is ours
    inner.fails = False
    before = len([event for event in heard if isinstance(event, GraphSeen)])
    train(model, 6, step)
    assert len([event for event in heard if isinstance(event, GraphSeen)]) > before


class StepsWithin(nn.Module):
    """Makes a step of its own in each forward pass, then calls a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.optimizer = torch.optim.SGD(self.layer.parameters(), lr=0.01)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad()
        self.layer(inputs).sum().backward()
        self.optimizer.step()
        return self.layer(inputs)


def test_layers_are_known_in_a_step_that_begins_within_a_model(heard: list[Event]) -> None:
    model = StepsWithin()
    for _ in range(10):
        functional.mse_loss(model(torch.ones(2, 3)), torch.zeros(2, 1)).backward()
    graphs = [event for event in heard if isinstance(event, GraphSeen)]
    assert len(graphs) > 3
    linear = [node for graph in graphs for node in graph.nodes if node.op == "linear"]
    assert {node.module.rpartition(".")[2] for node in linear} == {"layer"}


def test_calls_from_two_lines_are_each_counted(listening: tuple[taps.Watch, list[Event]]) -> None:
    watch, heard = listening
    model = nn.Linear(3, 1)

    def step() -> torch.Tensor:
        first = model(torch.ones(2, 3)).sum()
        return first + model(torch.zeros(2, 3)).sum()

    train(model, 30, step)
    watch.finish()
    forwards = [event.call for event in heard if isinstance(event, CallSeen) and event.kind == "forward"]
    assert len(forwards) == 2
    turns = [event for event in heard if isinstance(event, Turns) and event.complete]
    for forward in forwards:
        made = sum(turn.repeats * turn.counts[turn.calls.index(forward)] for turn in turns if forward in turn.calls)
        assert made == 30


def test_where_torchs_code_has_variables_of_its_own_it_stays_in_its_function() -> None:
    def around(original: Any) -> Any:
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return original(module, *args, **kwargs)

        return call

    replaced: Any = nn.Module
    replaced.__call__ = around(TORCHS)
    try:
        watch = taps.install(lambda event: None)
        inner = Inner()
        model = nn.Sequential(inner, nn.Linear(3, 1))
        train(model, 200, lambda: model(torch.ones(2, 3)).sum())
        call: Any = nn.Module.__call__
        assert all(code is call.__code__ for code in inner.codes)
        watch.finish()
    finally:
        replaced.__call__ = TORCHS


def test_an_evaluation_pass_knows_the_lines_on_its_stack(listening: tuple[taps.Watch, list[Event]]) -> None:
    watch, events = listening
    model = nn.Linear(3, 2)

    def scored(inputs: torch.Tensor) -> torch.Tensor:
        return model(inputs)

    with torch.no_grad():
        scored(torch.ones(4, 3))
    watch.finish()
    (each,) = [event for event in events if isinstance(event, EvaluationPass)]
    assert each.where is not None
    assert (each.where.function, each.examples) == ("scored", 4)
    assert each.callers[0].function == "test_an_evaluation_pass_knows_the_lines_on_its_stack"
    assert each.where.line < each.callers[0].line


@pytest.mark.parametrize("tracked", [False, True])
def test_targets_of_an_evaluation_are_told_apart_from_those_of_the_training(
    listening: tuple[taps.Watch, list[Event]], tracked: bool
) -> None:
    watch, events = listening
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    held = torch.full((6, 1), 5.0)
    for _ in range(4):
        model.train()
        optimizer.zero_grad()
        nn.functional.mse_loss(model(torch.ones(4, 3)), torch.zeros(4, 1)).backward()
        optimizer.step()
        model.eval()
        with torch.set_grad_enabled(tracked):
            nn.functional.mse_loss(model(torch.ones(6, 3)), held)
    watch.finish()
    targets = [each for each in events if isinstance(each, BatchSeen) and each.role == "target"]
    assert {each.stats["mean"] for each in targets if each.phase == "training"} == {0.0}
    assert {each.stats["mean"] for each in targets if each.phase == "evaluation"} == {5.0}

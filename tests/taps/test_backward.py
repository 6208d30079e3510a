"""Backward passes: which number is the loss, whose pass it is, and which thread's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack
from torch.utils.checkpoint import checkpoint

from seatrial import taps
from seatrial.events import CallSeen, GraphSeen, Losses, NotLookedAt


@pytest.fixture
def listening() -> Iterator[tuple[taps.Watch, list[Any]]]:
    events: list[Any] = []
    watch = taps.install(events.append)
    yield watch, events
    watch.finish()


def train(model: nn.Module, backward: Callable[[torch.Tensor], None], steps: int = 3) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        backward(model(torch.ones(4, 2)))
        optimizer.step()


def constant() -> nn.Module:
    model = nn.Linear(2, 1)
    nn.init.constant_(model.weight, 0.5)
    nn.init.zeros_(model.bias)
    return model  # gives 1 for each of four examples


@pytest.mark.parametrize(
    ("backward", "loss"),
    [
        (lambda scores: scores.sum().backward(), 4.0),
        (lambda scores: scores.backward(torch.full_like(scores, 0.25)), 1.0),
        (lambda scores: scores.backward(gradient=torch.full_like(scores, 0.5)), 2.0),
        (lambda scores: torch.autograd.backward([scores[:2].sum(), scores[2:].sum()]), 4.0),
        (lambda scores: torch.autograd.backward([scores, scores.mean()], [torch.ones(4, 1), None]), 5.0),
    ],
    ids=["one number", "weighted", "by name", "two", "two and weights"],
)
def test_the_loss_is_the_number_whose_gradient_is_taken(
    listening: tuple[taps.Watch, list[Any]], backward: Callable[[torch.Tensor], None], loss: float
) -> None:
    watch, events = listening
    train(constant(), backward)
    watch.finish()
    (series,) = [event for event in events if isinstance(event, Losses)]
    assert series.values == (loss,) * 3


def test_a_pass_within_a_pass_is_not_the_users(listening: tuple[taps.Watch, list[Any]]) -> None:
    watch, events = listening
    inner = constant()

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return checkpoint(self.inner, x.requires_grad_(), use_reentrant=True)

    train(Net(), lambda scores: scores.sum().backward())
    watch.finish()
    assert watch.tick == 3
    calls = [event for event in events if isinstance(event, CallSeen)]
    assert [call.kind for call in calls].count("backward") == 1
    assert [call.kind for call in calls].count("forward") == 1
    assert {event.what for event in events if isinstance(event, NotLookedAt)} == {"the inside of a checkpointed part"}


def test_a_mode_of_the_programs_own_ends_itself_and_not_us(listening: tuple[taps.Watch, list[Any]]) -> None:
    watch, events = listening
    before = len(_get_current_function_mode_stack())

    class Heard(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    model = constant()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)  # a close look begins
    for _ in range(3):
        with Heard():
            model(torch.ones(4, 2)).sum().backward()
            optimizer.step()  # it ends, and another one begins, within the mode
        modes = _get_current_function_mode_stack()
        assert not any(isinstance(mode, Heard) for mode in modes)
    watch.finish()
    assert len(_get_current_function_mode_stack()) == before
    assert [len(event.nodes) for event in events if isinstance(event, GraphSeen)] != []


def test_one_thread_is_heard_and_the_others_are_named(listening: tuple[taps.Watch, list[Any]]) -> None:
    watch, events = listening

    def in_a_thread() -> None:
        worker = threading.Thread(target=train, args=(constant(), lambda scores: scores.sum().backward(), 5))
        worker.start()
        worker.join()

    in_a_thread()  # the first that trains, though it is not the one that listens
    assert (watch.tick, watch.optimizer_steps) == (5, 5)
    train(constant(), lambda scores: scores.sum().backward())  # that one has ended
    assert watch.tick == 8
    assert not [event for event in events if isinstance(event, NotLookedAt) and "thread" in event.what]
    in_a_thread()
    assert watch.tick == 8
    watch.finish()
    assert [event.what for event in events if isinstance(event, NotLookedAt)].count("training in other threads") == 1

"""The gradients of a whole network are checked untrained and trained, without dropout and with it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from watching import classes, watched

from seatrial.events import StepChecked
from seatrial.trials.gradients.network import network_gradients


class Doubled(torch.autograd.Function):
    """A square whose backward pass forgets the factor 2."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return ctx.saved_tensors[0] * grad


class Net(nn.Module):
    def __init__(self, wrong: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.inner, self.out, self.wrong = nn.Linear(8, 6), nn.Linear(6, 4), wrong
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.inner(x)
        hidden = Doubled.apply(hidden) if self.wrong else hidden.square()
        return self.out(self.dropout(hidden) if self.dropout.p else hidden)


def checked(net: nn.Module) -> list[StepChecked]:
    return list(network_gradients(watched(net, *classes()), 30.0, lambda text: None))


def test_a_right_network_agrees_in_every_state() -> None:
    found = checked(Net(dropout=0.3))
    states = [(each.when, each.regularised) for each in found]
    assert states == [
        ("untrained", False),
        ("untrained", True),
        ("after 20 steps", False),
        ("after 20 steps", True),
    ]
    assert all(not each.differing and each.elements > 50 and each.relative_error < 1e-6 for each in found)


def test_without_dropout_there_is_nothing_to_turn_off() -> None:
    assert [each.regularised for each in checked(Net())] == [False, False]


def test_a_wrong_backward_pass_shows_in_what_lies_before_it() -> None:
    found = checked(Net(wrong=True))
    assert all(each.differing and each.worst.startswith("Net.inner") for each in found)

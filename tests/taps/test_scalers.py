"""Gradient scalers: calls of the user's, and none of those that a step makes by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from seatrial.taps import scalers


def train(unscale: bool, enabled: bool = True) -> torch.Tensor:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], 0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=enabled)
    scaler.scale((weight**2).sum()).backward()
    if unscale:
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    return weight.detach()


def test_calls_are_heard_in_their_order(listen: Callable[..., Any]) -> None:
    expected = train(unscale=True)
    heard = listen(scalers.install)
    assert torch.equal(train(unscale=True), expected)
    assert heard.calls("scaler") == [("scale", 1), ("unscale", 1), ("step", 1), ("update", 1)]


def test_unscaling_within_a_step_is_not_the_users(listen: Callable[..., Any]) -> None:
    heard = listen(scalers.install)
    train(unscale=False)
    assert [detail for detail, _ in heard.calls("scaler")] == ["scale", "step", "update"]


def test_a_scaler_that_is_off_is_not_heard(listen: Callable[..., Any]) -> None:
    heard = listen(scalers.install)
    train(unscale=True, enabled=False)
    assert heard.calls("scaler") == []

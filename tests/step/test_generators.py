"""The random generators of CUDA are kept and put back with that of the CPU. A generator of the CPU stands in for a device's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import seatrial.taps as taps
from seatrial.step.generators import states, unmoved


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> torch.Generator:
    """The global generator of a device."""
    generator = torch.Generator().manual_seed(3)

    def put_back(state: torch.Tensor, number: int) -> None:
        assert number == 0
        generator.set_state(state)

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: [generator.get_state()])
    monkeypatch.setattr(torch.cuda, "set_rng_state", put_back)
    return generator


def test_what_is_drawn_on_the_cpu_or_on_a_device_within_has_no_effect(device: torch.Generator) -> None:
    torch.manual_seed(1)
    before = states()
    with unmoved():
        torch.rand(3)
        torch.rand(3, generator=device)
        assert not before.equal(states())
    assert before.equal(states())


def test_a_draw_on_a_device_alone_is_one(device: torch.Generator) -> None:
    before = states()
    torch.rand(3, generator=device)
    assert torch.equal(before.cpu, states().cpu)
    assert not before.equal(states())


def test_a_step_that_drew_on_a_device_is_replayed_with_the_same_numbers(device: torch.Generator) -> None:
    watch = taps.install(lambda event: None)
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x = torch.randn(8, 6)
    losses: list[float] = []
    for _ in range(2):
        optimizer.zero_grad()
        loss: Any = (model(x) * torch.empty(8, 3).bernoulli_(0.5, generator=device)).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    watch.finish()
    (step,) = watch.steps.values()
    whole = step.whole()
    assert whole(whole.values())[0].item() == losses[0]


def test_seeding_before_cuda_is_in_use_leaves_no_note_to_seed_it_later() -> None:
    if torch.cuda.is_initialized():
        pytest.skip("CUDA is in use")
    notes: list[Any] = torch.cuda._queued_calls  # pyright: ignore[reportPrivateUsage]
    noted = list(notes)
    with unmoved():
        torch.cuda.manual_seed_all(5)
    assert notes == noted

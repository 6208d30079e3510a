"""Steps of many kinds of training loops are replayed bit for bit: the loss and every gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

import seatrial.taps as taps
from seatrial.events import GraphSeen, NotLookedAt
from seatrial.step.verification import Verifier

Loop = Callable[[], None]
LOOPS: list[Loop] = []


def loop(function: Loop) -> Loop:
    LOOPS.append(function)
    return function


def batch(features: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(12, features), torch.randint(3, (12,))


@loop
def dropout_and_batch_norm() -> None:
    model = nn.Sequential(
        nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Dropout(0.4), nn.Linear(16, 3)
    )
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(4):
        x, y = batch()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


@loop
def adversaries_with_an_optimizer_each() -> None:
    maker, critic = nn.Linear(2, 6), nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    first, second = torch.optim.Adam(maker.parameters()), torch.optim.Adam(critic.parameters())
    for _ in range(3):
        fake = maker(torch.randn(12, 2))
        second.zero_grad()
        (critic(fake.detach()).mean() - critic(torch.randn(12, 6)).mean()).backward()
        second.step()
        first.zero_grad()
        (-critic(maker(torch.randn(12, 2)))).mean().backward()
        first.step()


@loop
def accumulation() -> None:
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        for _ in range(3):
            x, y = batch()
            (F.cross_entropy(model(x), y) / 3).backward()
        optimizer.step()
        optimizer.zero_grad()


@loop
def closure() -> None:
    model, (x, y) = nn.Linear(6, 3), batch()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(model(x), y)
        value.backward()
        return value

    for _ in range(3):
        optimizer.step(loss)


@loop
def sparse_graph_of_nodes() -> None:
    kernel = nn.Parameter(torch.randn(6, 3))
    optimizer = torch.optim.SGD([kernel], lr=0.1)
    words, labels = (torch.rand(12, 6) > 0.7).float().to_sparse(), torch.randint(3, (12,))
    neighbours = torch.eye(12).roll(1, 0).to_sparse()
    for _ in range(3):
        optimizer.zero_grad()
        scores = torch.sparse.mm(neighbours, torch.sparse.mm(words, kernel))
        F.cross_entropy(scores, labels).backward()
        optimizer.step()


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return 2 * ctx.saved_tensors[0] * grad


@loop
def custom_function_and_frozen_part() -> None:
    frozen, head = nn.Linear(6, 8).requires_grad_(False), nn.Linear(8, 3)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(3):
        x, y = batch()
        optimizer.zero_grad()
        F.cross_entropy(head(Square.apply(frozen(x))), y).backward()
        optimizer.step()


@loop
def tied_weights_and_in_place_operations() -> None:
    embed = nn.Embedding(20, 8)
    optimizer = torch.optim.SGD(embed.parameters(), lr=0.1)
    for _ in range(3):
        ids = torch.randint(20, (12, 5))
        hidden = embed(ids).mean(1)
        scale = torch.ones(12, 8)
        scale[:, 0] = 2.0
        scale.mul_(0.5)
        hidden = hidden * scale
        optimizer.zero_grad()
        F.cross_entropy(hidden @ embed.weight.t(), ids[:, 0]).backward()
        optimizer.step()


@loop
def teacher_without_gradients() -> None:
    import copy

    student = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    teacher = copy.deepcopy(student)
    optimizer = torch.optim.AdamW(student.parameters())
    for _ in range(3):
        x, _ = batch()
        with torch.no_grad():
            wanted = teacher(x).softmax(-1)
        optimizer.zero_grad()
        F.kl_div(student(x).log_softmax(-1), wanted, reduction="batchmean").backward()
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(teacher.parameters(), student.parameters(), strict=True):
                slow.lerp_(fast, 0.1)


@loop
def checkpointing() -> None:
    body, head = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8)), nn.Linear(8, 3)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=0.1)
    for _ in range(3):
        x, y = batch()
        optimizer.zero_grad()
        F.cross_entropy(head(checkpoint(body, x, use_reentrant=False)), y).backward()
        optimizer.step()


@loop
def autocast() -> None:
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        x, y = batch()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            out = model(x)
        F.cross_entropy(out.float(), y).backward()
        optimizer.step()


@loop
def recurrent_cell_called_many_times() -> None:
    cell, head = nn.GRUCell(4, 8), nn.Linear(8, 3)
    optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()])
    for _ in range(3):
        x, y = torch.randn(12, 7, 4), torch.randint(3, (12,))
        state = torch.zeros(12, 8)
        for t in range(7):
            state = cell(x[:, t], state)
        optimizer.zero_grad()
        F.cross_entropy(head(state), y).backward()
        optimizer.step()


@loop
def steps_by_hand() -> None:
    weight = torch.randn(6, 3, requires_grad=True)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)  # only to be noticed
    for _ in range(3):
        x, y = batch()
        F.cross_entropy(x @ weight, y).backward()
        with torch.no_grad():
            weight -= 0.1 * weight.grad
            weight.grad = None
        optimizer.step()


@loop
def gradient_of_a_gradient() -> None:
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(3):
        at = torch.rand(12, 2).requires_grad_(True)
        (slope,) = torch.autograd.grad(net(at).sum(), at, create_graph=True)
        optimizer.zero_grad()
        (slope - 1).pow(2).mean().backward()
        optimizer.step()


@loop
def several_losses_in_one_step() -> None:
    body, one, two = nn.Linear(6, 8), nn.Linear(8, 3), nn.Linear(8, 1)
    optimizer = torch.optim.SGD([*body.parameters(), *one.parameters(), *two.parameters()], lr=0.1)
    for _ in range(3):
        x, y = batch()
        hidden = body(x).tanh()
        optimizer.zero_grad()
        F.cross_entropy(one(hidden), y).backward(retain_graph=True)
        two(hidden).pow(2).mean().backward()
        optimizer.step()


@pytest.mark.parametrize("train", LOOPS, ids=lambda function: function.__name__)
def test_replay_is_exact(train: Loop) -> None:
    torch.manual_seed(0)
    events: list[Any] = []
    verifier = Verifier()
    watch = taps.install(events.append, verify=verifier)
    try:
        train()
    finally:
        watch.finish()
    assert len(verifier.verdicts) >= 3
    assert [verdict.why for verdict in verifier.verdicts if not verdict.exact] == []
    assert any(isinstance(event, GraphSeen) for event in events)
    assert [event for event in events if isinstance(event, NotLookedAt)] == []


@pytest.mark.parametrize("train", LOOPS, ids=lambda function: function.__name__)
def test_watching_changes_nothing(train: Loop) -> None:
    def state_after(watched: bool) -> bytes:
        torch.manual_seed(0)
        watch = taps.install(lambda event: None) if watched else None
        try:
            train()
        finally:
            if watch is not None:
                watch.finish()
        # Losses depend on all weights before, and the generator on all that was drawn.
        return torch.get_rng_state().numpy().tobytes()

    assert state_after(True) == state_after(False)

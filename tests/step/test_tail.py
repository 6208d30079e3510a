"""The end of a recorded step is the loss as the script computes it, for any outputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import seatrial.taps as taps
from seatrial.events import Event
from seatrial.step.recorded import Recorded
from seatrial.step.replay import NotReplayable, Step
from seatrial.step.tail import Tail

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def smoothed(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    logs = torch.log_softmax(scores / 2.0, dim=1)
    return 0.9 * F.nll_loss(logs, y) - 0.1 * logs.mean()


def in_place(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    warmer = scores + 0.0
    warmer.mul_(2.0)
    return F.cross_entropy(warmer, y)


LOSSES: dict[str, Loss] = {
    "cross entropy": F.cross_entropy,
    "by hand": smoothed,
    "in place": in_place,
    "of the scores alone": lambda scores, y: scores.logsumexp(1).mean(),
}


def recorded(model: nn.Module, loss: Callable[[nn.Module], torch.Tensor]) -> Recorded:
    watch = taps.install(list[Event]().append)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
    watch.finish()
    (step,) = watch.steps.values()
    return step


def batch() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
    return model, torch.randn(12, 6), torch.randint(3, (12,))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_the_tail_of_the_answer_is_the_loss_of_the_step(loss: Loss) -> None:
    model, x, y = batch()
    step = recorded(model, lambda net: loss(net(x), y))
    replay = Step(step.program, step.roots, step.roles)
    tail = Tail(step, replay)
    (answer,) = step.forward()(replay.values())
    (whole,) = replay(replay.values())
    assert torch.equal(tail(answer.detach().clone(), replay.values()), whole)
    assert whole.item() == step.seen.value


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_other_outputs_and_other_targets_give_their_loss(loss: Loss) -> None:
    model, x, y = batch()
    step = recorded(model, lambda net: loss(net(x), y))
    replay = Step(step.program, step.roots, step.roles)
    tail = Tail(step, replay)
    values, others, outputs = replay.values(), (y + 1) % 3, torch.randn(12, 3)
    for at, leaf in enumerate(replay.leaves):
        if step.roles.get(id(leaf)) == "target":
            values[at] = others
    given = others if loss is not LOSSES["of the scores alone"] else y
    before = outputs.clone()
    assert tail(outputs, values).item() == pytest.approx(loss(outputs, given).item(), rel=1e-6)
    assert torch.equal(outputs, before)


def test_the_tail_can_be_differentiated_by_the_outputs() -> None:
    model, x, y = batch()
    step = recorded(model, lambda net: F.cross_entropy(net(x), y))
    replay = Step(step.program, step.roots, step.roles)
    outputs = torch.randn(12, 3, requires_grad=True)
    Tail(step, replay)(outputs, replay.values()).backward()
    assert outputs.grad is not None
    expected = (outputs.detach().softmax(1) - F.one_hot(y, 3)) / 12
    assert torch.allclose(outputs.grad, expected, atol=1e-6)


def test_a_loss_of_two_answers_has_no_tail() -> None:
    model, x, y = batch()
    step = recorded(model, lambda net: F.cross_entropy(net(x) + net(-x), y))
    with pytest.raises(NotReplayable, match="one answer of one model"):
        Tail(step, Step(step.program, step.roots, step.roles))

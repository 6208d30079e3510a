"""Forks of a training: as it is they train as the script did; with a mend they differ by the mend alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import seatrial.taps as taps
from seatrial.events import Event
from seatrial.findings import Edit, Mend
from seatrial.history import Run
from seatrial.step.replay import NotReplayable
from seatrial.taps import Watch
from seatrial.trials.counterfactual import forked
from seatrial.trials.fork import Fork, Forward
from seatrial.trials.plan import Plan, plan

Make = Callable[[nn.Module], torch.optim.Optimizer]


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def trained(make: Make = sgd, clears: bool = True, soft: bool = False) -> tuple[Plan, list[float], nn.Module]:
    """A small classifier trained under watch on one batch: the plan, the losses, the model at its start."""
    events: list[Event] = []
    watch: Watch = taps.install(events.append)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    start = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    start.load_state_dict(model.state_dict())
    x, y = torch.randn(12, 4), torch.arange(12) % 3
    optimizer = make(model)
    losses: list[float] = []
    for _ in range(10):
        if clears:
            optimizer.zero_grad()
        scores = model(x)
        loss = F.cross_entropy(scores.softmax(1) if soft else scores, y)
        loss.backward()
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        losses.append(loss.item())
    watch.finish()
    return plan(Run.of(events), watch.steps, watch.optimizer_classes), losses, start


OPTIMIZERS: dict[str, Make] = {
    "SGD": sgd,
    "Adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.05, betas=(0.8, 0.9), weight_decay=0.01),
    "AdamW in groups": lambda model: torch.optim.AdamW(
        [{"params": [p], "lr": 0.01 * (at + 1)} for at, p in enumerate(model.parameters())]
    ),
    "SGD with a group of another network": lambda model: torch.optim.SGD(
        [{"params": nn.Linear(2, 2).parameters(), "lr": 5.0}, {"params": model.parameters(), "lr": 0.1}]
    ),
    "RMSprop": lambda model: torch.optim.RMSprop(model.parameters(), lr=0.01, alpha=0.9),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
@pytest.mark.parametrize("clears", [True, False])
def test_a_fork_as_it_is_trains_as_the_script_did(make: Make, clears: bool) -> None:
    known, losses, _ = trained(make, clears)
    assert Fork(known).train(10) == pytest.approx(losses, rel=1e-6)


def test_cleared_gradients_train_as_a_script_that_clears_them() -> None:
    known, _, _ = trained(clears=False)
    _, cleared, _ = trained(clears=True)
    assert Fork(known, Mend("", clears=True)).train(10) == pytest.approx(cleared, rel=1e-6)


def test_a_removed_softmax_trains_as_a_script_without_it() -> None:
    known, _, _ = trained(soft=True)
    _, plain, _ = trained()
    node = next(node.index for node in known.step.seen.nodes if node.op == "softmax")
    assert Fork(known, Mend("", (Edit(node, "pass"),))).train(10) == pytest.approx(plain, rel=1e-6)


def test_the_script_is_left_as_it_was() -> None:
    known, _, start = trained()
    before = torch.get_rng_state()
    Fork(known, Mend("", rate=3.0, fresh=True), seed=5).train(5)
    assert torch.equal(before, torch.get_rng_state())
    kept = [leaf.value for leaf in known.step.leaves("parameter")]
    assert all(torch.equal(a, b) for a, b in zip(kept, start.parameters(), strict=True))


def test_an_edit_of_what_is_no_call_is_refused() -> None:
    known, _, _ = trained()
    leaf = next(node.index for node in known.step.seen.nodes if node.role)
    with pytest.raises(NotReplayable, match="no call"):
        Forward(known, Mend("", (Edit(leaf, "pass"),)))


EDITS: dict[str, tuple[Edit, Callable[[torch.Tensor], torch.Tensor]]] = {
    "scale": (Edit(0, "scale", 0.5), lambda scores: scores.softmax(1) * 0.5),
    "log": (Edit(0, "log"), lambda scores: scores.softmax(1).log()),
    "normalise": (Edit(0, "normalise"), lambda scores: scores.softmax(1).log_softmax(1)),
    "set": (Edit(0, "set", 0, "dim"), lambda scores: scores.softmax(0)),
    "graph": (Edit(0, "graph"), lambda scores: scores.softmax(1)),
}


@pytest.mark.parametrize("how", EDITS)
def test_what_an_edit_gives(how: str) -> None:
    known, _, start = trained(soft=True)
    edit, expected = EDITS[how]
    node = next(node.index for node in known.step.seen.nodes if node.op == "softmax")
    forward = Forward(known, Mend("", (Edit(node, edit.how, edit.value, edit.name),)))
    x, y = (leaf.value for leaf in known.step.data_leaves())
    wanted = F.cross_entropy(expected(start(x)), y)
    assert forward.loss(forward.start(), 0).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_forks_of_a_fault_and_of_none() -> None:
    """Without clearing, at this rate, training overshoots; a mend that does nothing shows no effect."""
    known, _, _ = trained(clears=False)
    shown = forked(known, "loop.missing-zero-grad", Mend("cleared", clears=True), 20, lambda text: None)
    assert max(shown.mended) < min(shown.without)
    same = forked(known, "loop.missing-zero-grad", Mend("nothing at all"), 20, lambda text: None)
    assert same.mended == same.without


def test_a_loop_that_cannot_be_imitated_is_refused() -> None:
    def closure(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(model.parameters())

    events: list[Any] = []
    watch = taps.install(events.append)
    model, x = nn.Linear(4, 1), torch.randn(12, 4)
    optimizer = closure(model)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = model(x).pow(2).mean()
        value.backward()
        return value

    for _ in range(3):
        optimizer.step(loss)  # pyright: ignore[reportUnknownMemberType, reportArgumentType]
    watch.finish()
    known = plan(Run.of(events), watch.steps, watch.optimizer_classes)
    with pytest.raises(NotReplayable, match="closure"):
        Fork(known)

"""The learning rate of a task: found, refused, and nothing of the caller's changed, bit for bit, on many tasks."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tasks import Net, clusters
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset

import seatrial
from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.borrowed import borrowed
from seatrial.practice.rates import Copies
from seatrial.trials import rate_search

LOSS = nn.CrossEntropyLoss()


def find(task: Task, **given: Any) -> seatrial.FoundRate:
    return seatrial.find_rate(task, progress=False, **{"steps": 24, "seconds": 1e9, **given})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A range test of few steps."""
    monkeypatch.setattr(rate_search, "SWEEP_STEPS", 24)


def sgd(rate: float, **settings: Any) -> Any:
    return lambda model: torch.optim.SGD(model.parameters(), lr=rate, **settings)


# ---- what is found -----------------------------------------------------------------------------------------------


def test_the_rate_trains_better_than_a_third_and_three_times_as_much_of_it() -> None:
    task = Task(Net, LOSS, clusters(), optimizer=sgd(1e-4))
    found = find(task, steps=64)
    copies = Copies(task)

    def loss(rate: float) -> float:
        return float(np.mean([np.mean(copies.train([rate] * 64, seed)[-16:]) for seed in range(50, 53)]))

    assert loss(found.rate) < 1.05 * min(loss(found.rate / 4), loss(found.rate * 4))
    assert found.found.low <= found.rate <= found.found.high
    assert found.agrees is not None and found.optimizer == "SGD"


def test_it_is_the_same_from_far_away_and_whatever_was_drawn_before(quick: None) -> None:
    torch.manual_seed(1)
    one = find(Task(Net, LOSS, clusters(), optimizer=sgd(1e-3)))
    torch.manual_seed(2)
    other = find(Task(Net, LOSS, clusters(), optimizer=sgd(1e-3)))
    far = find(Task(Net, LOSS, clusters(), optimizer=sgd(30.0)))
    assert one.rate == other.rate and one.found.tried == other.found.tried
    assert one.rate / 3 < far.rate < one.rate * 3


def test_groups_keep_their_proportion() -> None:
    def two(model: Any) -> Any:
        groups = [{"params": model.hidden.parameters(), "lr": 0.01}, {"params": model.out.parameters(), "lr": 0.001}]
        return torch.optim.SGD(groups)

    copies = Copies(Task(Net, LOSS, clusters(), optimizer=two))
    assert copies.used == 0.01
    made = copies.made()
    copies._set(made.optimizer, 0.5)
    assert [group["lr"] for group in made.optimizer.param_groups] == [0.5, 0.05]


def test_a_rate_that_is_a_tensor_stays_one(quick: None) -> None:
    task = Task(
        Net, LOSS, clusters(), optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=torch.tensor(0.01))
    )
    assert math.isfinite(find(task).rate)


def test_no_suggestion_where_targets_do_not_depend_on_anything_learned(quick: None) -> None:
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :3] + 0 * self.w

    found = find(Task(Constant, LOSS, clusters()))
    assert math.isnan(found.rate) and "does not react" in found.why
    assert str(found).startswith("No suggestion, because")


def test_a_training_that_begins_alike_sees_the_same_batches() -> None:
    copies = Copies(Task(Net, LOSS, clusters(), optimizer=sgd(0.1)))
    one, other, third = (copies.train([rate, 0.1], seed) for rate, seed in ((1e-9, 0), (0.5, 0), (1e-9, 1)))
    assert one[0] == other[0] != third[0] and one[1] != other[1]


def test_what_a_model_does_to_its_inputs_stays_its_own() -> None:
    class InPlace(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.mul_(2))

    copies = Copies(Task(InPlace, LOSS, clusters(), optimizer=sgd(0.1)))
    assert copies.train([0.0] * 8, 0) == copies.train([0.0] * 8, 0)


# ---- nothing is changed ------------------------------------------------------------------------------------------


class Normed(nn.Module):
    """Has buffers that training changes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


class Drawing(Dataset[Any]):
    """Draws from generators of its own, counts, keeps and replaces."""

    def __init__(self) -> None:
        self.data = clusters(128)
        self.torch = torch.Generator().manual_seed(3)
        self.numpy = np.random.default_rng(3)
        self.old = np.random.RandomState(3)
        self.python = random.Random(3)
        self.count = 0
        self.last: Any = None
        self.cache: dict[int, Any] = {}
        self.order: list[int] = []
        self.inner = {"deep": [torch.Generator().manual_seed(4)]}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, at: int) -> Any:
        x, y = self.data[at]
        self.count += 1
        self.last = x
        self.cache[at] = x
        self.order.append(at)
        noise = torch.randn(8, generator=self.torch) + torch.randn(8, generator=self.inner["deep"][0])
        shift = self.numpy.normal() + self.old.normal() + self.python.random() + torch.rand(()) + random.random()
        return x + 0.01 * (noise + shift), y

    def state(self) -> Any:
        return (
            self.torch.get_state().tolist(), str(self.numpy.bit_generator.state), str(self.old.get_state()),
            self.python.getstate(), self.count, self.last, dict(self.cache), list(self.order),
            self.inner["deep"][0].get_state().tolist(),
        )  # fmt: skip


def world() -> Any:
    return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state()), torch.get_default_dtype()


def bits(state: Any) -> Any:
    """A state dict, its tensors as bytes."""
    if isinstance(state, torch.Tensor):
        return state.detach().numpy().tobytes()
    if isinstance(state, dict):
        return {key: bits(value) for key, value in state.items()}
    return [bits(each) for each in state] if isinstance(state, (list, tuple)) else state


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "Nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=1e-3),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=1e-3, amsgrad=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=1e-3, momentum=0.5),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=1e-2),
    "Adadelta": lambda p: torch.optim.Adadelta(p, lr=1.0),
    "NAdam": lambda p: torch.optim.NAdam(p, lr=1e-3),
    "RAdam": lambda p: torch.optim.RAdam(p, lr=1e-3),
    "Rprop": lambda p: torch.optim.Rprop(p, lr=1e-3),
    "ASGD": lambda p: torch.optim.ASGD(p, lr=1e-2),
    "Adamax": lambda p: torch.optim.Adamax(p, lr=1e-3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_that_is_under_way_is_left_bit_for_bit_as_it_was(name: str, quick: None) -> None:
    """Weights, buffers, gradients, the optimizer's state, the schedule, modes, data, all random numbers."""
    torch.manual_seed(0)
    net, data = Normed(), Drawing()
    optimizer = OPTIMIZERS[name](net.parameters())
    schedule = StepLR(optimizer, 2)
    loader = iter(DataLoader(data, 32, shuffle=True, generator=torch.Generator().manual_seed(5)))
    for _ in range(3):
        x, y = next(loader)
        optimizer.zero_grad()
        LOSS(net(x), y).backward()
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        schedule.step()
    net.eval()

    def everything() -> Any:
        grads = [None if p.grad is None else p.grad.numpy().tobytes() for p in net.parameters()]
        states = bits(net.state_dict()), bits(optimizer.state_dict()), schedule.state_dict(), grads
        return copy.deepcopy((states, data.state(), world(), net.training))

    before = everything()
    with torch.no_grad():
        find(Task(net, LOSS, data, optimizer=optimizer), steps=8)
    after = everything()
    assert str(after) == str(before)
    expected = torch.Generator().manual_seed(5)  # the position of a loader that is half way through
    order = torch.randperm(128, generator=_after_seed(expected)).tolist()
    next(loader)
    assert data.order[96:128] == order[96:128]


def _after_seed(generator: torch.Generator) -> torch.Generator:
    """A DataLoader draws a seed for its workers before its order is drawn."""
    torch.empty((), dtype=torch.int64).random_(generator=generator)
    return generator


def test_the_comparison_could_fail() -> None:
    data = Drawing()
    before = str(data.state())
    data[0]
    assert str(data.state()) != before


def test_a_task_that_fails_leaves_its_data_as_they_were() -> None:
    class Failing(Drawing):
        def __getitem__(self, at: int) -> Any:
            if self.count > 100:
                raise ValueError("enough")
            return super().__getitem__(at)

    data = Failing()
    before, outside = str(data.state()), world()
    with pytest.raises(UsageProblem, match="enough"):
        find(Task(Net, LOSS, data))
    assert str(data.state()) == before and world() == outside


def test_what_a_function_of_the_data_closes_over_is_put_back(quick: None) -> None:
    generator, seen = torch.Generator().manual_seed(1), []

    def collate(examples: list[Any]) -> Any:
        seen.append(torch.rand((), generator=generator).item())
        return torch.utils.data.default_collate(examples)

    before = generator.get_state()
    find(Task(Net, LOSS, clusters(), collate=collate))
    assert seen == [] and torch.equal(generator.get_state(), before)


def test_long_lists_get_back_their_length() -> None:
    things = [0] * 5000
    with borrowed(things):
        things.append(1)
    assert things == [0] * 5000


def test_a_thing_that_holds_itself_is_looked_at_once() -> None:
    things: list[Any] = []
    things.append(things)
    with borrowed(things):
        things.append(1)
    assert len(things) == 1


# ---- what is refused ---------------------------------------------------------------------------------------------


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageProblem, match="no-task"):
        find(Net)  # pyright: ignore[reportArgumentType]
    for options in ({"steps": 0}, {"seconds": 0}, {"seconds": -1.0}):
        with pytest.raises(UsageProblem, match=r"task-(steps|seconds)"):
            find(Task(Net, LOSS, clusters()), **options)
    with pytest.raises(UsageProblem, match="task-no-rate"):
        find(Task(Net, LOSS, clusters(), optimizer=sgd(0.0)))


def test_a_model_that_fails_at_absurd_rates_is_lost_there(quick: None) -> None:
    class Strict(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = super().forward(x)
            if not out.isfinite().all() or out.abs().max() > 1e3:
                raise ValueError("out of range")
            return out

    assert math.isfinite(find(Task(Strict, LOSS, clusters(), optimizer=sgd(0.01))).rate)


def test_with_a_tensor_dataset_of_few_examples_batches_come_round_again(quick: None) -> None:
    x, y = clusters(40).tensors
    found = find(Task(Net, LOSS, TensorDataset(x, y), batch_size=16))
    assert math.isfinite(found.rate) or found.why

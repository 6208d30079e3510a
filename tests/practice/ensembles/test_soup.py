"""A soup is the mean of what lies in one basin; what lies elsewhere is left out, and told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tasks import Net
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task
from seatrial.evaluation.voting.losses import loss
from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import Member, network
from seatrial.practice.ensembles.soup import BARRIER, barrier, mean, soup
from seatrial.practice.ensembles.soup import _ingredient as ingredient
from seatrial.practice.ensembles.store import Store
from seatrial.practice.fitting.settings import Settings


@pytest.fixture
def making(tmp_path: Path) -> Making:
    task = Task(Net, nn.CrossEntropyLoss(), corners(512, 0), validation=corners(300, 1), name="corners")
    return Making(task, Store(tmp_path / "e", {}), Settings(accelerator="cpu"), 2, False, lambda words: None)


def corners(count: int, seed: int) -> TensorDataset:
    """Two classes that no line divides, in opposite corners."""
    x = torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long())


def trained(making: Making, seed: int = 0, steps: int = 150) -> nn.Module:
    torch.manual_seed(seed)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, y = making.task.train.tensors  # pyright: ignore[reportAttributeAccessIssue]
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


def moved(model: nn.Module, size: float, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    other = Net()
    with torch.no_grad():
        for p, q in zip(other.parameters(), model.parameters(), strict=True):
            p.copy_(q + size * q.std() * torch.randn(q.shape, generator=generator))
    return other


def turned(model: nn.Module) -> nn.Module:
    """The same function with its hidden units in another order: another basin."""
    order = torch.randperm(32, generator=torch.Generator().manual_seed(3))
    other = Net()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        other.hidden.weight.copy_(model.hidden.weight[order])  # pyright: ignore
        other.hidden.bias.copy_(model.hidden.bias[order])  # pyright: ignore
        other.out.weight.copy_(model.out.weight[:, order])  # pyright: ignore
    return other


def member(making: Making, name: str, model: nn.Module) -> Member:
    return making.network(name, "", model)


def test_the_same_network_with_its_units_in_another_order_lies_in_another_basin(making: Making) -> None:
    model = trained(making)
    members = [member(making, "a", model), member(making, "b", turned(model))]
    assert loss(members[0].predictions) == pytest.approx(loss(members[1].predictions), abs=1e-6)
    a, b = (ingredient(making, each.name, each.file) for each in members)
    assert barrier(making, a, a) == 0.0
    assert barrier(making, a, b) > BARRIER
    assert soup(making, members) == []
    assert making.left_out[0].startswith("soup: other basins than that of a")
    assert "nothing that lies in the basin" in making.left_out[1]


def test_noise_around_one_network_is_averaged_away(making: Making) -> None:
    model = trained(making)
    members = [member(making, str(at), moved(model, 0.3, at)) for at in range(6)]
    found = soup(making, [*members, member(making, "other", moved(turned(model), 0.5, 9))])
    assert len(found) == 1 and found[0].name == "soup"
    assert loss(found[0].predictions) < min(loss(each.predictions) for each in members)
    taken = found[0].origin.removeprefix("mean of the weights of ").split(", ")
    assert len(taken) > 2 and "other" not in taken
    states = [network(making.task, making.store.weights(name)).state_dict() for name in taken]
    expected = torch.stack([state["hidden.weight"].double() for state in states]).mean(0)
    assert torch.allclose(
        network(making.task, found[0].file).state_dict()["hidden.weight"].double(), expected, atol=1e-6
    )
    assert soup(making, members)[0].origin == found[0].origin  # made once


def test_whole_numbers_are_not_averaged() -> None:
    states = [
        {"w": torch.tensor([1.0, 3.0]), "n": torch.tensor(4)},
        {"w": torch.tensor([3.0, 5.0]), "n": torch.tensor(9)},
    ]
    found = mean(states)
    assert found["w"].tolist() == [2.0, 4.0] and found["w"].dtype == torch.float32 and found["n"] == 4
    assert mean(states, [0.75, 0.25])["w"].tolist() == [1.5, 3.5]


def test_without_networks_there_is_none(making: Making) -> None:
    assert soup(making, []) == [] and "no networks" in making.left_out[0]

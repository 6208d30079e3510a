"""Tasks from a LightningModule. A stub has what Lightning prescribes; the real one is tried where it is installed."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from tasks import Net, clusters
from torch import nn
from torch.utils.data import DataLoader

import seatrial
from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.trying import try_out


class Stub(Net):
    """What a LightningModule has, as far as it counts here."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        warnings.warn("You are trying to `self.log()` but the `self.trainer` reference is not registered", stacklevel=2)
        return {"loss": nn.functional.cross_entropy(self(x), y)}

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 10)]


class Softmaxed(Stub):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(super().forward(x), dim=1)


class Module:
    """What a LightningDataModule has."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def prepare_data(self) -> None:
        self.stages.append("prepare")

    def setup(self, stage: str) -> None:
        self.stages.append(stage)

    def train_dataloader(self) -> Any:
        assert self.stages == ["prepare", "fit"]
        return DataLoader(clusters(), batch_size=16, shuffle=True)

    def val_dataloader(self) -> Any:
        return [DataLoader(clusters(96, seed=1), batch_size=16)]


def names(task: Task, folder: Any) -> list[str]:
    return [each.name for each in seatrial.check(task, out=folder, trials="off", progress=False).findings]


def test_a_data_module_gives_the_data_and_the_size_of_batches(tmp_path):
    task = Task.from_lightning(Stub, Module())
    assert (task.batch_size, len(task.train), len(task.validation or [])) == (16, 256, 96)
    assert names(task, tmp_path) == []


def test_a_loader_or_a_data_set_will_do(tmp_path):
    assert Task.from_lightning(Stub, DataLoader(clusters(), batch_size=8)).batch_size == 8
    assert Task.from_lightning(Stub, clusters(), batch_size=4, validation=clusters(8)).batch_size == 4
    assert names(Task.from_lightning(Stub(), clusters()), tmp_path) == []


def test_its_step_is_trained_with_the_optimizer_that_it_configures(tmp_path):
    made = Task.from_lightning(Stub, clusters()).make()
    assert type(made.optimizer) is torch.optim.SGD
    assert names(Task.from_lightning(Softmaxed, clusters()), tmp_path)[0] == "model.softmax-before-cross-entropy"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training_step": None}, "Expected a module with training_step, found the module Changed."),
        ({"automatic_optimization": False}, "found one that makes them itself"),
        ({"training_step": lambda self, batch, number: None}, "a scalar tensor from the loss, found None"),
        ({"configure_optimizers": lambda self: None}, "from optimizer(model), found None"),
        (
            {"configure_optimizers": lambda self: [torch.optim.SGD(self.parameters()), torch.optim.SGD(self.parameters())]},
            "Expected one optimizer from configure_optimizers, found a list of 2",
        ),
    ],
    ids=["no step", "manual", "no loss", "no optimizer", "several"],
)  # fmt: skip
def test_a_module_that_cannot_be_trained_so_is_refused(change, said):
    with pytest.raises(UsageProblem) as problem:
        try_out(Task.from_lightning(type("Changed", (Stub,), change), clusters()))
    assert said in str(problem.value)


def test_without_data_it_is_refused():
    with pytest.raises(UsageProblem, match="Expected data to train on, found none"):
        Task.from_lightning(Stub)


def test_the_real_one_is_taken(tmp_path):
    lightning = pytest.importorskip("pytorch_lightning")

    class Real(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = Net()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(x)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=1e-3)

    assert names(Task.from_lightning(Real, DataLoader(clusters(), batch_size=16)), tmp_path) == []

"""A training of a search: its figure, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from tasks import Net, clusters
from torch import nn

from seatrial import Task
from seatrial.practice.search.board import DIVERGED, FAILED, MEMORY
from seatrial.practice.search.settings import Budget, SearchSettings
from seatrial.practice.search.space import Space
from seatrial.practice.search.training import Trained, train
from seatrial.practice.search.work import Job

SETTINGS = SearchSettings(accelerator="cpu")


def trained(
    make: Callable[[], Task], folder: Path, epochs: int = 1, rate: float = 0.05, resume: bool = False
) -> Trained:
    def space(trial: Any) -> Task:
        trial.suggest_float("rate", 0, 1)
        return make().having(optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=rate))

    made = Space(space, None, _with_factor=False)
    study = optuna.create_study()
    return train(made, study.ask(), Job(0, 3, Budget(epochs, 1.0)), SETTINGS, folder, resume=resume)


def net(fail: Exception) -> Callable[[], Task]:
    class Failing(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                raise fail
            return super().forward(x)

    return lambda: Task(Failing, nn.CrossEntropyLoss(), clusters(64), validation=clusters(32, 1))


def good() -> Task:
    return Task(Net, nn.CrossEntropyLoss(), clusters(64), validation=clusters(32, 1))


def test_the_figure_is_the_best_epochs_and_the_state_is_gone(tmp_path: Path):
    done = trained(good, tmp_path, epochs=2)
    assert 0 < done.figure < 2 and not done.why
    assert done.told["metrics"]["loss"] == done.figure and done.told["epoch"] in (1, 2)
    assert (tmp_path / "best.safetensors").exists() and (tmp_path / "report.html").exists()
    assert not (tmp_path / "state.pt").exists()


def test_a_subset_holds_at_least_a_batch(tmp_path: Path):
    made = Space(lambda trial: good().having(batch_size=48), None, _with_factor=False)
    job = Job(0, 3, Budget(1, 0.25))  # 16 of 64 examples
    done = train(made, optuna.create_study().ask(), job, SETTINGS, tmp_path, resume=False)
    assert not done.why and done.figure > 0


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MemoryError(), MEMORY),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), MEMORY),
        (RuntimeError("shapes do not fit"), FAILED),
    ],
)
def test_an_error_of_the_task_is_told_by_its_kind(error: Exception, why: str, tmp_path: Path):
    done = trained(net(error), tmp_path)
    assert done.why == why and math.isnan(done.figure)
    assert why == MEMORY or "shapes do not fit" in done.said


def test_a_loss_that_is_no_number_is_a_divergence(tmp_path: Path):
    done = trained(good, tmp_path, epochs=4, rate=1e30)
    assert done.why == DIVERGED and "no numbers" in done.said


def test_what_the_space_refuses_is_told(tmp_path: Path):
    def refuse() -> Task:
        raise optuna.TrialPruned("too wide")

    done = trained(refuse, tmp_path)
    assert (done.why, done.said) == (FAILED, "The space refuses it: too wide")


def test_a_training_that_was_cut_off_goes_on_and_ends_alike(tmp_path: Path):
    seen = [0]

    class Interrupted(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen[0] += 1
            if seen[0] == 9:  # in the second epoch
                raise KeyboardInterrupt
            return super().forward(x)

    def task() -> Task:
        return Task(Interrupted, nn.CrossEntropyLoss(), clusters(64), validation=clusters(32, 1))

    with pytest.raises(KeyboardInterrupt):
        trained(task, tmp_path / "cut", epochs=3)
    assert (tmp_path / "cut" / "state.pt").exists()
    whole = trained(task, tmp_path / "whole", epochs=3)
    assert trained(task, tmp_path / "cut", epochs=3, resume=True).figure == whole.figure

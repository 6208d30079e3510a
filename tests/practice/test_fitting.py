"""Training a task in earnest: it goes on as if it had not been interrupted, changes nothing of the caller's, and says what is wrong."""

from __future__ import annotations

import copy
import json
import os
import random
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tasks import Net, clusters
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.fitting import fit as fit_module
from seatrial.practice.fitting import training as training_module
from seatrial.practice.fitting.checkpoints import load_state, save_state
from seatrial.practice.fitting.fit import Fit, best_model, fit
from seatrial.practice.fitting.settings import Settings

pytest.importorskip("lightning_fabric")
LOSS = nn.CrossEntropyLoss()
SETTINGS = Settings(epochs=3, accelerator="cpu")


class Noisy(Dataset[Any]):
    """Draws from all global generators and from one of its own."""

    def __init__(self, data: TensorDataset) -> None:
        self.data, self.generator = data, np.random.default_rng(3)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, at: int) -> Any:
        x, y = self.data[at]
        noise = random.gauss(0, 0.1) + float(np.random.normal(0, 0.1)) + float(self.generator.normal(0, 0.1))
        return x + torch.randn(8) * 0.1 + noise, y


class Normed(Net):
    """Batch norm, a counter as an attribute, a buffer that the state dict leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.calls = 0
        self.register_buffer("seen", torch.zeros(8), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.calls += 1
            self.seen += x.mean(0)  # pyright: ignore[reportOperatorIssue]
        return super().forward(self.norm(x)) * (1 + 1 / (1 + self.calls)) + self.seen.mean() / 100


class Broken(Exception):
    """Stands for a kill: nothing of the training is told that it comes."""


def task(**named: Any) -> Task:
    return Task(Normed, LOSS, Noisy(clusters()), **{"validation": clusters(80, seed=1), **named})


@pytest.fixture(scope="module")
def alone(tmp_path_factory: Any) -> Path:
    """A training that nothing has interrupted."""
    folder = tmp_path_factory.mktemp("alone")
    train(task(), folder)
    return folder


def train(of: Task, out: Path, settings: Settings = SETTINGS, **named: Any) -> Fit:
    return fit(of, out, settings, progress=False, **named)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}


def history(folder: Path) -> list[dict[str, Any]]:
    epochs = json.loads((folder / "history.json").read_text())
    return [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in epochs]


# ---- going on ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 8, 13, 23])
def test_a_training_that_was_cut_off_ends_as_if_it_had_not_been(batch, alone, tmp_path, monkeypatch):
    done = 0
    step = training_module.Training._step

    def cut(self: Any, given: Any) -> None:
        nonlocal done
        if done == batch:
            raise Broken
        step(self, given)
        done += 1

    often = replace(SETTINGS, save_seconds=0.0)
    with monkeypatch.context() as patch:
        patch.setattr(training_module.Training, "_step", cut)
        with pytest.raises(Broken):
            train(task(), tmp_path / "cut", often)
    train(task(), tmp_path / "cut", resume=True)
    assert files(tmp_path / "cut") == files(alone)
    assert history(tmp_path / "cut") == history(alone)


@pytest.mark.parametrize("named", [{"optimizer": "schedule-free", "rate": 0.01}, {"rate": 0.01, "schedule": "cosine"}])
def test_so_it_does_with_other_optimizers_and_schedules(named, tmp_path, monkeypatch):
    settings = replace(SETTINGS, **named)
    train(task(), tmp_path / "whole", settings)
    step = training_module.Training._step

    def cut(self: Any, given: Any) -> None:
        if (len(self.history.epochs), self.batch) == (1, 5):
            raise Broken
        step(self, given)

    with monkeypatch.context() as patch:
        patch.setattr(training_module.Training, "_step", cut)
        with pytest.raises(Broken):
            train(task(), tmp_path / "cut", replace(settings, save_seconds=0.0))
    train(task(), tmp_path / "cut", settings, resume=True)
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    assert history(tmp_path / "cut") == history(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_a_batch_from_which_it_goes_on(number, alone, tmp_path):
    process = os.fork()
    if not process:
        try:
            step = training_module.Training._step

            def signalled(self: Any, given: Any) -> None:
                step(self, given)
                if (len(self.history.epochs), self.batch) == (1, 3):
                    os.kill(os.getpid(), number)

            training_module.Training._step = signalled  # pyright: ignore[reportAttributeAccessIssue]
            train(task(), tmp_path / "cut")
        except KeyboardInterrupt:
            os._exit(42)
        finally:
            os._exit(1)
    status = os.waitpid(process, 0)[1]
    if number == signal.SIGINT:
        assert os.waitstatus_to_exitcode(status) == 42
    else:
        assert os.WTERMSIG(status) == signal.SIGTERM
    assert load_state(tmp_path / "cut")["batch"] == 3
    assert (tmp_path / "cut" / "report.html").exists()
    train(task(), tmp_path / "cut", resume=True)
    assert files(tmp_path / "cut") == files(alone)


def test_more_epochs_may_be_asked_for_but_nothing_else(alone, tmp_path):
    train(task(), tmp_path / "short", replace(SETTINGS, epochs=2))
    with pytest.raises(UsageProblem, match=r"found seed 0 before and 1 now.*fit-other-settings"):
        train(task(), tmp_path / "short", replace(SETTINGS, seed=1), resume=True)
    with pytest.raises(UsageProblem, match=r"found batch_size 32 before and 16 now"):
        train(task(batch_size=16), tmp_path / "short", resume=True)
    train(task(), tmp_path / "short", resume=True)
    assert history(tmp_path / "short") == history(alone)
    assert files(tmp_path / "short")["last.safetensors"] == files(alone)["last.safetensors"]


def test_a_state_of_another_form_is_refused(tmp_path):
    train(task(), tmp_path, replace(SETTINGS, epochs=1))
    saved = load_state(tmp_path)
    save_state({**saved, "format": 99}, tmp_path)
    with pytest.raises(UsageProblem, match=r"found format 99\. It is of a newer seatrial"):
        train(task(), tmp_path, resume=True)
    whole = (tmp_path / "state.pt").read_bytes()
    (tmp_path / "state.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageProblem, match="fit-state"):
        train(task(), tmp_path, resume=True)
    (tmp_path / "state.pt").unlink()
    with pytest.raises(UsageProblem, match="fit-no-state"):
        train(task(), tmp_path, resume=True)


def test_a_new_training_leaves_nothing_of_an_old_one_to_go_on_with(tmp_path, monkeypatch):
    train(task(), tmp_path)
    monkeypatch.setattr(training_module.Training, "run", lambda *_: (_ for _ in ()).throw(Broken))
    with pytest.raises(Broken):
        train(task(), tmp_path, replace(SETTINGS, seed=5))
    assert not list(tmp_path.glob("*.safetensors"))
    assert load_state(tmp_path)["settings"]["seed"] == 5 and load_state(tmp_path)["epochs"] == []


SCHEDULES: list[Any] = [
    lambda o: torch.optim.lr_scheduler.StepLR(o, 2),
    lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 4]),
    lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 5),
    lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=100),
    lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.01, 0.1, cycle_momentum=False),
    lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda at: np.float64(0.9) ** at),
    lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o),
    lambda o: torch.optim.lr_scheduler.SequentialLR(
        o, [torch.optim.lr_scheduler.LinearLR(o), torch.optim.lr_scheduler.ExponentialLR(o, 0.9)], [3]
    ),
]


@pytest.mark.filterwarnings("ignore")  # of torch's about steps of schedules before those of the optimizer
@pytest.mark.parametrize("make", SCHEDULES)
def test_the_state_of_each_of_torchs_schedules_can_be_read_again(make, tmp_path):
    from seatrial.practice.annealing.schedules import Schedule
    from seatrial.practice.fitting.state import of_made, restore_made
    from seatrial.practice.made import Made

    def made(steps: int) -> Made:
        torch.manual_seed(0)
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        found = Made(net, LOSS, optimizer, (Schedule(make(optimizer), "step", False),))
        for _ in range(steps):
            LOSS(net(torch.ones(4, 8)), torch.zeros(4, dtype=torch.long)).backward()
            optimizer.step()
            advance(found)
        return found

    def advance(of: Made) -> float:
        scheduler = of.schedules[0].scheduler
        scheduler.step(*([1.0] if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau) else []))
        return float(of.optimizer.param_groups[0]["lr"])

    one, other = made(4), made(0)
    save_state(of_made(one), tmp_path)
    restore_made(other, load_state(tmp_path))
    assert [advance(one) for _ in range(6)] == [advance(other) for _ in range(6)]


# ---- nothing is changed ------------------------------------------------------------------------------------------


def test_nothing_of_the_callers_is_changed(tmp_path):
    from torchmetrics.classification import MulticlassAccuracy

    net, metric = Net().eval(), MulticlassAccuracy(3)
    optimizer = torch.optim.Adam(net.parameters())
    before = copy.deepcopy((net.state_dict(), metric.state_dict(), metric._update_count))
    states = torch.get_rng_state(), random.getstate(), str(np.random.get_state())
    threads, handler, environment = torch.get_num_threads(), signal.getsignal(signal.SIGINT), dict(os.environ)
    with torch.no_grad():
        done = train(
            Task(net, LOSS, clusters(), optimizer=optimizer, validation=clusters(80, 1), metric={"accuracy": metric}),
            tmp_path,
        )
        assert not torch.is_grad_enabled()
    assert 0 < done.best.metrics["accuracy"] <= 1
    assert all(torch.equal(value, before[0][name]) for name, value in net.state_dict().items())
    assert metric._update_count == before[2] and not net.training and not optimizer.state
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (random.getstate(), str(np.random.get_state())) == states[1:]
    assert (torch.get_num_threads(), signal.getsignal(signal.SIGINT), dict(os.environ)) == (
        threads,
        handler,
        environment,
    )


# ---- what may be wrong -------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_any_more_ends_it_with_a_report(tmp_path):
    of = Task(
        Net, LOSS, clusters(), validation=clusters(80, 1), optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=1e30)
    )
    done = train(of, tmp_path)
    assert "the loss and the weights were no numbers any more" in done.ending
    assert "optimisation.non-finite-loss" in [each.name for each in done.verdict.findings]
    with pytest.raises(UsageProblem, match="fit-no-epoch"):
        best_model(of, done)


def test_a_data_set_that_fails_is_told_with_its_place(tmp_path):
    class Short(Noisy):
        def __getitem__(self, at: int) -> Any:
            if at == 200:
                raise IndexError("no such row")
            return super().__getitem__(at)

    with pytest.raises(UsageProblem, match=r"Reading the training data in epoch 1, batch \d+ failed.*no such row"):
        train(Task(Net, LOSS, Short(clusters())), tmp_path)
    assert (tmp_path / "report.html").exists() and json.loads((tmp_path / "history.json").read_text()) == []


def test_without_validation_the_last_epoch_is_the_best_and_a_batch_may_be_larger_than_the_data(tmp_path):
    done = train(Task(Net, LOSS, clusters(20), batch_size=64), tmp_path)
    assert done.history.best == 3 and done.readings == ()
    assert [epoch.steps for epoch in done.history.epochs] == [1, 1, 1]
    assert files(tmp_path)["best.safetensors"] == files(tmp_path)["last.safetensors"]


def test_shared_and_frozen_weights_are_saved_and_read_again(tmp_path):
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
            self.second.weight = self.first.weight
            self.out = nn.Linear(8, 3)
            self.out.bias.requires_grad_(False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(self.second(torch.relu(self.first(x))))

    of = Task(Tied, LOSS, clusters(), validation=clusters(80, 1))
    model: Any = best_model(of, train(of, tmp_path))
    assert model.second.weight is model.first.weight


@pytest.mark.parametrize("precision", ["bf16-mixed"])
def test_mixed_precision_with_clipping(precision, tmp_path):
    done = train(task(), tmp_path, replace(SETTINGS, precision=precision, clip=1.0))
    assert done.best.validation < done.history.epochs[0].training
    with pytest.raises(UsageProblem, match="precision as one of 32-true"):
        Settings(precision="16-true")


def test_settings_that_are_not_understood_are_refused_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(
        fit_module, "source_of", lambda task: (str(tmp_path / "task.py"), "x = 1  # seatrial: ignore\n")
    )
    with pytest.raises(UsageProblem, match="suppression-without-name"):
        fit(Task(Net, LOSS, clusters()), tmp_path / "out", SETTINGS, progress=False)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_chosen_by_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="choose as one of loss, found 'acuracy'"):
        train(task(), tmp_path, replace(SETTINGS, choose="acuracy"))

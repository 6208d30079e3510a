"""Trainings that are killed ten times at random moments, against the same trainings left alone: weights, history and state, bit for bit.

    python benchmarks/resume.py [--kills 10] [--seed 0] [--seconds 300] [TASK ...]

Each process is a fork of this one, ended by SIGKILL. Prints each kill as it happens (epoch:batch of the last state on disk) and a
line for each task; exit status 1 where anything differs. Of --seconds each task has its share: when that is over it is killed no
more, but goes on to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning_fabric  # noqa: F401  # all that a fork would have to import
import numpy as np
import pytorch_lightning  # noqa: F401
import torch
import torchmetrics  # noqa: F401
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import Dataset, TensorDataset

from seatrial import Task
from seatrial.practice.fitting import fit as fitting
from seatrial.practice.fitting.settings import Settings

SETTINGS = Settings(epochs=4, patience=0, save_seconds=0.02, accelerator="cpu")
FILES = ("best.safetensors", "last.safetensors", *(f"epoch-{at:04}.safetensors" for at in (1, 2, 3)))


def digits(first: int, last: int) -> TensorDataset:
    found: Any = load_digits()
    x = torch.tensor(found.images[first:last] / 8.0 - 1.0, dtype=torch.float32).unsqueeze(1)
    return TensorDataset(x, torch.tensor(found.target[first:last]))


class Net(nn.Module):
    """Dropout, batch norm, a counter that is no buffer and a buffer that the state dict leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2))
        self.out = nn.Linear(8 * 36, 10)
        self.calls = 0
        self.register_buffer("mean", torch.zeros(10), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.out(self.layers(x).flatten(1))
        if self.training:
            self.calls += 1
            with torch.no_grad():
                self.mean.mul_(0.9).add_(found.mean(0), alpha=0.1)
        return found - self.mean.detach() * min(1.0, self.calls / 100)


class Augmented(Dataset[Any]):
    """Noise from the global generators of torch, numpy and Python, and from one of its own."""

    def __init__(self, data: TensorDataset) -> None:
        self.data = data
        self.generator = np.random.default_rng(5)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, at: int) -> Any:
        x, y = self.data[at]
        x = x + 0.1 * torch.randn(x.shape) + float(np.random.normal(0, 0.05)) + random.gauss(0, 0.05)
        return x * float(self.generator.uniform(0.9, 1.1)), y


def plain() -> Task:
    return Task(Net, nn.CrossEntropyLoss(), digits(0, 1000), validation=digits(1000, 1300))


def augmented() -> Task:
    return Task(Net, nn.CrossEntropyLoss(), Augmented(digits(0, 1000)), validation=digits(1000, 1300))


def torchmetric() -> Task:
    from torchmetrics.classification import MulticlassF1Score

    metric = {"f1": MulticlassF1Score(num_classes=10)}
    optimizer: Callable[[nn.Module], Any] = lambda model: torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)  # noqa: E731
    return Task(
        Net, nn.CrossEntropyLoss(), digits(0, 1000), validation=digits(1000, 1300), metric=metric, optimizer=optimizer
    )


def no_validation() -> Task:
    return Task(Net, nn.CrossEntropyLoss(), digits(0, 1010))


def lightning() -> Task:
    import pytorch_lightning as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = Net()

        def training_step(self, batch: Any, number: int) -> Any:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch: Any, number: int) -> Any:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
            steps = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=200)
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
            return [optimizer], [{"scheduler": steps, "interval": "step"}, plateau]

    return Task.from_lightning(Module, digits(0, 1000), validation=digits(1000, 1300))


TASKS: dict[str, Callable[[], Task]] = {
    each.__name__: each for each in (plain, augmented, torchmetric, no_validation, lightning)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help=", ".join(TASKS))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)  # what is forked has the threads of its parent no more
    generator = random.Random(options.seed)
    wrong = 0
    start = time.monotonic()
    for number, name in enumerate(options.tasks, 1):
        print(f"{name:14}", end=" ", flush=True)
        until = start + options.seconds * number / len(options.tasks)
        with tempfile.TemporaryDirectory() as folder:
            differs = compared(TASKS[name](), Path(folder), options.kills, generator, until)
        print(f"{'':14} {'differs: ' + ', '.join(differs) if differs else 'the same, bit for bit'}", flush=True)
        wrong += bool(differs)
    return 1 if wrong else 0


def compared(task: Task, folder: Path, kills: int, generator: random.Random, until: float) -> list[str]:
    """What differs between a training left alone and one that is killed so many times, or as often as there is time for."""
    alone, killed = folder / "alone", folder / "killed"
    process = started(task, alone, resume=False)
    first_save(alone, None)
    start = time.monotonic()
    ended(process)
    seconds = time.monotonic() - start
    print(f"{seconds:.1f} s alone; killed in", end="", flush=True)
    count = 0
    process = started(task, killed, resume=False)
    before = None
    while count < kills and time.monotonic() < until:
        first_save(killed, before)
        time.sleep(generator.uniform(0, 2 * seconds / (kills + 1)))
        if os.waitpid(process, os.WNOHANG)[0]:  # done before its time: once more from the start
            before = written(killed)
            process = started(task, killed, resume=False)
            continue
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        count += 1
        print(f" {moment(killed)}", end="", flush=True)
        before = written(killed)
        process = started(task, killed, resume=True)
    ended(process)
    print(f" ({count} times)", flush=True)
    return differences(alone, killed)


def first_save(folder: Path, before: int | None) -> None:
    """Wait for a state other than the one before."""
    end = time.monotonic() + 60
    while written(folder) in (None, before) and time.monotonic() < end:
        time.sleep(0.005)


def written(folder: Path) -> int | None:
    path = folder / "state.pt"
    return path.stat().st_mtime_ns if path.exists() else None


def started(task: Task, out: Path, *, resume: bool) -> int:
    """A fork that trains. Returns its number."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        fitting.fit(task, out, SETTINGS, resume=resume, progress=False)
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(status)


def ended(process: int) -> None:
    status = os.waitpid(process, 0)[1]
    if status:
        raise SystemExit(f"a training ended with status {status}")


def moment(folder: Path) -> str:
    """The epoch and batch of the state on disk."""
    saved = torch.load(folder / "state.pt", weights_only=True)
    return f"{len(saved['epochs']) + 1}:{saved['batch']}"


def differences(one: Path, other: Path) -> list[str]:
    found = [name for name in FILES if (one / name).read_bytes() != (other / name).read_bytes()]
    if history(one) != history(other):
        found.append("history.json")
    first, second = (torch.load(each / "state.pt", weights_only=True) for each in (one, other))
    for state in (first, second):
        for epoch in state["epochs"]:
            del epoch["seconds"]
    if not same(first, second):
        found.append("state.pt")
    return found


def history(folder: Path) -> str:
    epochs = json.loads((folder / "history.json").read_text())
    return json.dumps([{key: value for key, value in epoch.items() if key != "seconds"} for epoch in epochs])


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (one != one and other != other)


if __name__ == "__main__":
    sys.exit(main())

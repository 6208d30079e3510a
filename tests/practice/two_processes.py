"""A training in several processes: python two_processes.py NETWORK DEVICES OUT [resume | cut]. Each process leaves its weights."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from tasks import clusters
from torch import nn

from seatrial import Task
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.settings import Settings

MADE: list[nn.Module] = []
CALLS: list[int] = []


def plain() -> nn.Module:
    return _kept(nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3)))


def normed() -> nn.Module:
    return _kept(nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3)))


def _kept(model: nn.Module) -> nn.Module:
    MADE.append(model)
    return model


def loss(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    CALLS.append(1)
    if "cut" in sys.argv and len(CALLS) == 15 and os.environ.get("LOCAL_RANK") == "1":
        os.kill(os.getpid(), signal.SIGINT)
    return nn.functional.cross_entropy(output, y)


def accuracy(output: torch.Tensor, y: torch.Tensor) -> Any:
    return (output.argmax(1) == y).float().mean()


# Batches, examples and validation examples that two processes cannot divide evenly.
task = Task(
    {"plain": plain, "normed": normed}[sys.argv[1]],
    loss,
    clusters(267),
    validation=clusters(81, seed=1),
    metric=accuracy,
    batch_size=33,
)

if __name__ == "__main__":
    settings = Settings(epochs=3, accelerator="cpu", devices=int(sys.argv[2]))
    try:
        fit(task, Path(sys.argv[3]), settings, resume="resume" in sys.argv, progress=False)
    finally:
        torch.save(MADE[-1].state_dict(), f"{sys.argv[3]}/rank-{os.environ.get('LOCAL_RANK', '0')}.pt")

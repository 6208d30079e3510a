"""An ensemble that is killed while it is made and asked for again becomes the same, to the last bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seatrial.practice.ensembles.ensemble import ensemble
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.taskfile import find

pytest.importorskip("lightning_fabric")
TASK = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from seatrial import Task

x = torch.randn(400, 8, generator=torch.Generator().manual_seed(0))
data = TensorDataset(x, (x[:, 0] * x[:, 1] > 0).long())
task = Task(
    lambda: nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2)),
    nn.CrossEntropyLoss(),
    data,
    validation=TensorDataset(*data[:100]),
    batch_size=8,
)
"""


@pytest.mark.slow
def test_after_a_kill_the_same_call_makes_the_same_ensemble(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text(TASK)
    kinds = ["--kinds", "seeds,averages,soup", "--members", "1", "--epochs", "4", "--accelerator", "cpu"]
    command = [sys.executable, "-m", "seatrial", "ensemble", *kinds, "--out", "killed", "--quiet", "task.py"]
    process = subprocess.Popen(command, cwd=tmp_path)
    under_way = tmp_path / "killed" / "trainings" / "averages" / "state.pt"
    end = time.monotonic() + 120
    while not under_way.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed" / "ensemble.json").exists()
    settings = Settings(epochs=4, accelerator="cpu")
    for out in ("killed", "whole"):
        task = find(str(tmp_path / "task.py"))[1]
        ensemble(task, tmp_path / out, settings, members=1, kinds=("seeds", "averages", "soup"), progress=False)
    for name in ("ensemble.json", "members/ema.safetensors", "members/swa.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name

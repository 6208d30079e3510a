"""`seatrial imbalance`: a comparison from a file."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from seatrial.cli.imbalance import command

TASK = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from seatrial import Task

def data(seed):
    draw = torch.Generator().manual_seed(seed)
    y = (torch.arange(80) % 10 == 0).long()
    return TensorDataset(torch.randn(80, 3, generator=draw) + 2 * y[:, None], y)

task = Task(lambda: nn.Linear(3, 2), nn.CrossEntropyLoss(), data(0), validation=data(1))
"""


def test_a_comparison_from_the_command_line(tmp_path: Path):
    file, out = tmp_path / "task.py", tmp_path / "out"
    file.write_text(TASK)
    given = ["--remedies", "logit-adjusted, threshold", "--metric", "f1", "--seeds", "2", "--epochs", "1"]
    found = CliRunner().invoke(
        command, [*given, "--out", str(out), str(file)], catch_exceptions=False, standalone_mode=False
    )
    assert found.return_value == 0
    assert "Recommended: threshold" in found.output
    assert "1 to 9" in found.output
    assert json.loads((out / "imbalance.json").read_text())["metric"] == "f1"
    assert (out / "imbalance.svg").exists()


def test_equal_classes_cost_no_training(tmp_path: Path):
    file = tmp_path / "task.py"
    file.write_text(TASK.replace("% 10 == 0", "% 2 == 0"))
    found = CliRunner().invoke(command, ["--out", str(tmp_path / "out"), str(file)], standalone_mode=False)
    assert found.return_value == 0
    assert "nothing to remedy" in found.output
    assert not (tmp_path / "out").exists()

"""What a person gets from `seatrial lr`: of a task, of a script; exit status, files, what a script's own ending does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seatrial.cli.lr import describes_task

NET = """
import torch
from torch import nn
from torch.utils.data import TensorDataset

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(x)

torch.manual_seed(0)
x = torch.randn(128, 4, generator=torch.Generator().manual_seed(0))
data = TensorDataset(x, (x[:, 0] > 0).long())
"""
TASK = f"from seatrial import Task\n{NET}\ntask = Task(Net, nn.CrossEntropyLoss(), data)\n"
SCRIPT = (
    NET
    + """
import sys
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
steps = 0
try:
    for epoch in range(int(sys.argv[1])):
        for at in range(0, 128, 16):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(data.tensors[0][at : at + 16]), data.tensors[1][at : at + 16]).backward()
            optimizer.step()
            steps += 1
finally:
    print("steps", steps)
"""
)
RUN = "import sys; from seatrial.cli.lr import command; a = command.main(sys.argv[1:], standalone_mode=False); sys.exit(a() if callable(a) else a)"


def lr(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def written(folder: Path) -> Any:
    return json.loads((folder / "rate.json").read_text())


@pytest.mark.slow
def test_a_task(tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(TASK)
    ended = lr(tmp_path, "--out", "found", "--steps", "30", "it.py")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Learning rate: ")
    found = written(tmp_path / "found")
    assert found["steps_wanted"] == 30 and found["band"][0] <= found["rate"] <= found["band"][1]
    assert (tmp_path / "found" / "rate.html").exists()


@pytest.mark.slow
def test_a_task_without_a_suggestion_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(TASK.replace("return self.out(x)", "return x[:, :2] + 0 * self.out(x)"))
    ended = lr(tmp_path, "--json", "--steps", "40", "it.py:task")
    assert ended.returncode == 1, ended.stderr
    data = json.loads(ended.stdout)
    assert data["rate"] is None and "does not react" in data["why_not"]


@pytest.mark.slow
def test_a_script_is_stopped_and_its_steps_are_tried(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    ended = lr(tmp_path, "--out", "found", "--steps", "30", "train.py", "1000000")
    assert (ended.returncode, ended.stdout) == (0, "steps 63\n")  # the 64th was made, its line not left
    assert "Traceback" not in ended.stderr and "seatrial: Learning rate: " in ended.stderr
    found = written(tmp_path / "found")
    assert found["name"] == "train" and found["used"] == 0.01 and found["rate"] > 0.01
    assert found["limit_of_stability"] > 0


@pytest.mark.slow
def test_a_script_may_run_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    ended = lr(tmp_path, "--out", "found", "--stop", "0", "--seconds", "2", "train.py", "20")
    assert (ended.returncode, ended.stdout) == (0, "steps 160\n")
    assert written(tmp_path / "found")["steps_wanted"] == 500


@pytest.mark.slow
def test_a_script_that_trains_nothing_has_no_suggestion(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\nprint('hello')\n")
    ended = lr(tmp_path, "--out", "found", "train.py")
    assert (ended.returncode, ended.stdout) == (1, "hello\n")
    assert "No suggestion, because no step" in ended.stderr


@pytest.mark.slow
def test_a_script_that_fails_before_it_trains_ends_as_it_would(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import sys\nsys.exit(3)\n")
    ended = lr(tmp_path, "--out", "found", "train.py")
    assert ended.returncode == 3 and "torch was not imported" in ended.stderr


def test_which_files_are_tasks(tmp_path: Path) -> None:
    def says(text: str) -> bool:
        (tmp_path / "it.py").write_text(text)
        return describes_task(str(tmp_path / "it.py"))

    assert says(TASK) and says("import seatrial\ntask = seatrial.Task(1, 2, 3)\n")
    assert not says(SCRIPT) and not says("from other import Task\n") and not says("from seatrial import Vault\n")
    assert not says("this is no Python") and not describes_task(str(tmp_path / "none.py"))
    assert describes_task("whatever.py:task") and not describes_task("train.py")


def test_options_behind_a_task_are_not_taken_for_those_of_a_script(tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(TASK)
    ended = lr(tmp_path, "it.py", "--seconds", "3")
    assert "[task-arguments]" in ended.stderr and "seatrial lr --seconds 3 it.py" in ended.stderr
    assert not (tmp_path / "seatrial-runs").exists()

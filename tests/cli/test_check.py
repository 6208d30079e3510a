"""What a person gets from `seatrial check`: refusals, files, exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import SEATRIAL

from seatrial.cli import group
from seatrial.errors import UsageProblem
from seatrial.events import StepChecked
from seatrial.history import Run
from seatrial.record import NAME, read

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "digits_task.py").read_text()
BEGINNING = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from seatrial import Task

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(x)

x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
data = TensorDataset(x, (x[:, 0] > 0).long())
"""


def check(folder, *words):
    return subprocess.run(
        [SEATRIAL, "check", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """The message for a file with some text, from the command called in this process: torch is here already."""
    monkeypatch.chdir(tmp_path)
    for name in ("argv", "orig_argv", "path"):
        monkeypatch.setattr(sys, name, list(getattr(sys, name)))

    def message(text, *words):
        (tmp_path / "it.py").write_text(BEGINNING + text)
        with pytest.raises(UsageProblem) as problem:
            group.main(["check", *(words or ["it.py"])], standalone_mode=False)
        assert not (tmp_path / "seatrial-runs").exists()
        return str(problem.value)

    return message


# ---- asked wrongly -----------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_or_is_no_python_is_refused(refused):
    assert "Did you mean it.py?" in refused("", "its.py")
    assert "[not-python]" in refused("x = (")


def test_without_a_task_it_is_said_what_was_found_and_what_to_add(refused):
    message = refused("")
    assert "Expected a Task in it.py, found none, but the network Net, the data data." in message
    lines = message.splitlines()
    first = lines.index("from torch import nn")
    assert lines[first + 1 : first + 3] == [
        "from seatrial import Task",
        "task = Task(Net, nn.CrossEntropyLoss(), data)",
    ]


def test_of_several_tasks_one_is_to_be_named(refused):
    several = "one = also_one = Task(Net, nn.CrossEntropyLoss(), data)\nother = Task(Net, nn.CrossEntropyLoss(), data)"
    message = refused(several)
    assert "found 2: one, other. Say which: seatrial check it.py:one" in message
    assert "Did you mean other?" in refused(several, "it.py:othr")
    assert "found the class Net of that name" in refused(several, "it.py:Net")


def test_a_task_that_is_refused_is_told_without_a_traceback(refused):
    assert "Did you mean validation?" in refused("Task(Net, nn.CrossEntropyLoss(), data, valdation=data)")
    message = refused("task = Task(Net, nn.CrossEntropyLoss(reduction='none'), data)")
    assert "Take the mean over the batch" in message


def test_a_file_that_fails_is_told_with_its_line(refused):
    message = refused("def load():\n    raise OSError('no data')\nload()")
    assert "Running it.py failed (it.py:18): OSError: no data. `python it.py`" in message
    assert "failed (it.py:17): SystemExit: 3." in refused("raise SystemExit(3)")


def test_an_out_folder_with_other_things_in_it_is_refused(refused, tmp_path):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "notes.txt").write_text("mine")
    task = "task = Task(Net, nn.CrossEntropyLoss(), data)"
    assert "[out-not-empty]" in refused(task, "--out", "o", "it.py")
    assert "[no-such-finding]" in refused(task + "  # seatrial: ignore[model.nothing]")


def test_on_the_command_line_a_refusal_is_a_line_and_status_2(tmp_path):
    (tmp_path / "it.py").write_text(BEGINNING + "task = Task(Net, None, data)")
    ended = check(tmp_path, "it.py")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("seatrial: Expected a loss(output, *targets), found None.")
    assert "Traceback" not in ended.stderr


# ---- what it does ------------------------------------------------------------------------------------------------


def test_the_chosen_task_is_checked_and_what_stands_under_main_is_not_run(tmp_path):
    (tmp_path / "it.py").write_text(
        BEGINNING
        + "print('read', __name__)\n"
        + "good = Task(Net, nn.CrossEntropyLoss(), data)\n"
        + "bad = Task(lambda: nn.Sequential(Net(), nn.Softmax(1)), nn.CrossEntropyLoss(), data)\n"
        + "if __name__ == '__main__':\n    print('trained')\n"
    )
    ended = check(tmp_path, "--quiet", "--trials", "quick", "it.py:bad")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "read __task__\n", "")
    (folder,) = (tmp_path / "seatrial-runs").iterdir()
    assert folder.name.endswith("-it")
    assert sorted(file.name for file in folder.iterdir()) == ["findings.json", "record.sqlite", "report.html"]
    found = json.loads((folder / "findings.json").read_text())
    assert (found["script"], found["status"]) == ("it.py", "completed")
    first = found["findings"][0]
    assert first["name"] == "model.softmax-before-cross-entropy"
    assert (first["where"][0]["file"], first["where"][0]["line"]) == ("it.py", 19)
    assert check(tmp_path, "--quiet", "--trials", "quick", "it.py:good").returncode == 0


@pytest.mark.slow
def test_nothing_is_said_of_the_example(tmp_path):
    ended = check(ROOT, "--out", tmp_path / "o", "examples/digits_task.py")
    assert ended.returncode == 0, ended.stderr
    assert "Nothing wrong was found" in ended.stderr
    assert json.loads((tmp_path / "o" / "findings.json").read_text())["findings"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "fault", "name"),
    [
        ("return self.out(x.flatten(1))", "return self.out(x.flatten(1)).softmax(1)", "model.softmax-before-cross-entropy"),
        ("lr=1e-3", "lr=1.0", "optimisation.learning-rate-too-high"),
    ],
)  # fmt: skip
def test_a_faulty_twin_of_the_example_is_found_out(tmp_path, line, fault, name):
    assert EXAMPLE.count(line) == 1
    (tmp_path / "twin.py").write_text(EXAMPLE.replace(line, fault))
    ended = check(tmp_path, "--out", "o", "twin.py")
    assert ended.returncode == 1, ended.stderr
    assert f"ERROR  {name}" in ended.stderr and fault in ended.stderr
    first = json.loads((tmp_path / "o" / "findings.json").read_text())["findings"][0]
    assert first["name"] == name
    assert fault in (tmp_path / "twin.py").read_text().splitlines()[first["where"][0]["line"] - 1]


SCRIPT = """
from torch.utils.data import DataLoader
torch.manual_seed(0)
model = nn.Sequential(Net(), nn.Softmax(1))
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(30):
    for inputs, targets in DataLoader(data, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        value = loss(model(inputs), targets)
        value.backward()
        optimizer.step()
"""


@pytest.mark.slow
def test_a_task_is_recorded_and_judged_as_the_script_that_trains_it(tmp_path):
    (tmp_path / "script.py").write_text(BEGINNING + SCRIPT)
    (tmp_path / "task.py").write_text(
        BEGINNING + "task = Task(lambda: nn.Sequential(Net(), nn.Softmax(1)), nn.CrossEntropyLoss(), data)\n"
    )
    command = [SEATRIAL, "run", "--quiet", "--out", "run", "script.py"]
    subprocess.run(command, cwd=tmp_path, timeout=120, check=True)
    assert check(tmp_path, "--quiet", "--out", "check", "task.py").returncode == 1
    ran, checked = (Run.of(read(tmp_path / name / NAME)) for name in ("run", "check"))
    assert [node.op for node in checked.graphs[0].nodes] == [node.op for node in ran.graphs[0].nodes]
    assert [turn.counts for turn in checked.turns if turn.complete] == [
        turn.counts for turn in ran.turns if turn.complete
    ]
    # A check looks at the gradients of the whole network besides.
    assert {type(event) for event in checked.events} == {type(event) for event in ran.events} | {StepChecked}
    of_run, of_check = ([each["name"] for each in findings(tmp_path / name)] for name in ("run", "check"))
    assert of_run == of_check != []


def findings(folder):
    return json.loads((folder / "findings.json").read_text())["findings"]

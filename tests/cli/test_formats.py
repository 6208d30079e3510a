"""`--sarif` and `--junit` of every command that judges; the exit statuses of `report` and `check`."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from faulty import NAME, PROGRAM
from findings_schema import fitting
from running import SEATRIAL

# Its last act is to go elsewhere: the files belong where the command was typed.
LEAVING = f"{PROGRAM}import os; os.mkdir('elsewhere'); os.chdir('elsewhere')"
QUICK = ("run", "--quiet", "--trials", "off", "--out", "o")


def seatrial(folder, *words):
    return subprocess.run(
        [SEATRIAL, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def names(folder: Path) -> tuple[list[str], list[str]]:
    """Of the findings in a.sarif, and of the cases that fail in a.xml."""
    (run,) = json.loads((folder / "a.sarif").read_text(encoding="utf-8"))["runs"]
    cases = ElementTree.parse(folder / "a.xml").iter("testcase")
    failed = [case.attrib["name"] for case in cases if case.find("failure") is not None]
    return [result["ruleId"] for result in run["results"]], failed


def test_run_and_report_write_the_same_where_the_command_was_typed(tmp_path):
    (tmp_path / "train.py").write_text(LEAVING)
    wanted = ("--sarif", "a.sarif", "--junit", "a.xml")
    assert seatrial(tmp_path, *QUICK, *wanted, "train.py").returncode == 0
    found, failed = names(tmp_path)
    assert NAME in found and failed == [NAME]
    fitting((tmp_path / "o" / "findings.json").read_text(encoding="utf-8"))
    first = [(tmp_path / name).read_bytes() for name in ("a.sarif", "a.xml")]
    for name in ("a.sarif", "a.xml"):
        (tmp_path / name).unlink()
    assert seatrial(tmp_path, "report", "--quiet", "--strict", *wanted, "o").returncode == 1
    assert [(tmp_path / name).read_bytes() for name in ("a.sarif", "a.xml")] == first


@pytest.mark.parametrize("command", [("run", "train.py"), ("check", "train.py"), ("report", "o")])
@pytest.mark.parametrize(
    ("words", "slug"),
    [
        (("--sarif", "nowhere/a.sarif"), "format-not-writable"),
        (("--junit", "."), "format-not-writable"),
        (("--sarif", "a", "--junit", "./a"), "same-file"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(tmp_path, monkeypatch, command, words, slug):
    from seatrial.cli import group
    from seatrial.errors import UsageProblem

    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(UsageProblem) as problem:
        group.main([command[0], *words, *command[1:]], standalone_mode=False)
    assert problem.value.slug == slug
    assert list(tmp_path.iterdir()) == [tmp_path / "train.py"]


TASK = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from seatrial import Task
x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
def net():
    return nn.Sequential(nn.Linear(8, 3){softmax})
task = Task(net, nn.CrossEntropyLoss(), TensorDataset(x, x[:, :3].argmax(1)))
"""


@pytest.mark.parametrize(("softmax", "status"), [("", 0), (", nn.Softmax(1)", 1)])
def test_check_writes_them_too_and_its_status_tells(tmp_path, softmax, status):
    (tmp_path / "task.py").write_text(TASK.format(softmax=softmax))
    words = ("check", "--quiet", "--trials", "quick", "--out", "o", "--sarif", "a.sarif", "--junit", "a.xml", "task.py")
    ended = seatrial(tmp_path, *words)
    assert ended.returncode == status, ended.stderr
    assert (NAME in names(tmp_path)[0]) == bool(status)
    fitting((tmp_path / "o" / "findings.json").read_text(encoding="utf-8"))

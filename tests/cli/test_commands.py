"""`report`, `explain` and `rules`, and what the command line itself costs."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from running import SEATRIAL

from seatrial.cli.again import again
from seatrial.events import CallSeen, Losses, RunEnded, RunStarted, SourceSeen, TorchSeen
from seatrial.record import NAME, Recorder


def seatrial(folder, *words):
    return subprocess.run([SEATRIAL, *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def record(tmp_path):
    """A record of a run that was killed in its twentieth step."""
    folder = tmp_path / "run"
    folder.mkdir()
    recorder = Recorder(folder / NAME)
    for event in [
        RunStarted("train.py", (), 0.0, "0.1.0", "3.11", str(tmp_path)),
        SourceSeen(str(tmp_path / "train.py"), "import torch\n"),
        TorchSeen("2.13"),
        CallSeen(0, "backward", -1, "backward", None),
        Losses(0, tuple(range(20)), tuple(2.0 / (tick + 1) for tick in range(20))),
    ]:
        recorder.send(event)
    recorder.flush()
    yield recorder
    recorder.close()


def test_a_record_is_judged_anew_also_while_it_is_written(record):
    ended = seatrial("/", "report", record.path.parent)
    assert ended.returncode == 0, ended.stderr
    assert "killed" in ended.stderr
    assert json.loads((record.path.parent / "findings.json").read_text())["status"] == "killed"
    assert (record.path.parent / "report.html").exists()


def test_a_record_is_judged_by_the_settings_of_the_folder_that_it_came_from(record, tmp_path):
    (tmp_path / "train.py").write_text("import torch\n")
    (tmp_path / "pyproject.toml").write_text('[tool.seatrial]\nignore = ["model.nothing"]\n')
    ended = seatrial("/", "report", record.path)
    assert ended.returncode == 2 and "[no-such-finding]" in ended.stderr


def test_a_run_without_training_is_said_to_be_one(tmp_path):
    recorder = Recorder(tmp_path / NAME)
    recorder.send(RunStarted("train.py", (), 0.0, "0.1.0", "3.11", str(tmp_path)))
    recorder.send(RunEnded("completed", 0, "", None, 0, 0, 1.0, 0.0))
    recorder.close()
    ended = seatrial(tmp_path, "report", ".")
    assert ended.returncode == 0 and "[no-torch]" in ended.stderr


def test_what_is_no_run_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("epoch 1")
    for path, slug in [("nowhere", "no-such-run"), (".", "no-such-run"), ("notes.txt", "record-damaged")]:
        ended = seatrial(tmp_path, "report", path)
        assert ended.returncode == 2 and f"[{slug}]" in ended.stderr, ended


def test_explain_prints_the_page_of_a_rule(tmp_path):
    ended = seatrial(tmp_path, "explain", "model.softmax-before-cross-entropy")
    assert ended.returncode == 0
    assert "What it finds" in ended.stdout and "cross_entropy" in ended.stdout
    assert ended.stderr == ""


def test_explain_knows_what_was_meant(tmp_path):
    ended = seatrial(tmp_path, "explain", "softmax-before-crossentropy")
    assert ended.returncode == 2
    assert "Did you mean model.softmax-before-cross-entropy?" in ended.stderr and ended.stdout == ""


def test_a_mistyped_command_is_refused_with_the_one_that_was_meant(tmp_path):
    ended = seatrial(tmp_path, "chek", "task.py")
    assert ended.returncode == 2 and "No such command 'chek'. Did you mean check?" in ended.stderr
    assert "Did you mean" not in seatrial(tmp_path, "xyzzy").stderr


def test_rules_lists_every_rule_with_its_severity_and_statement(tmp_path):
    from seatrial.rules import discover

    ended = seatrial(tmp_path, "rules")
    assert ended.returncode == 0
    for name in discover():
        line = next(line for line in ended.stdout.splitlines() if name in line)
        assert any(severity in line for severity in ("error", "warning", "note")), line


def test_help_takes_no_time(tmp_path):
    before = os.times()
    ended = seatrial(tmp_path, "--help")
    after = os.times()
    assert "Commands" in ended.stdout
    # Of the processor, not of the clock: the machine may be busy.
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.3


@pytest.mark.parametrize("imported", ["seatrial", "seatrial.cli", "seatrial.cli.run, seatrial.launch.session"])
def test_importing_seatrial_imports_neither_torch_nor_what_is_slow(imported):
    slow = ("torch", "numpy", "rich", "matplotlib", "jinja2")
    code = f"import {imported}, sys; print([name for name in {slow} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("typed", "goes_on"),
    [
        ("--epochs 3 'my task.py'", "--resume --out runs/a --epochs 3 'my task.py'"),
        ("--out=runs/a --resume task.py", "--out=runs/a --resume task.py"),
        ("task.py --out runs/a", "--resume task.py --out runs/a"),
    ],
)
def test_what_was_interrupted_says_how_to_go_on(typed, goes_on, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["seatrial", "train", *shlex.split(typed)])
    assert again(Path("runs/a"), "--resume") == f"seatrial train {goes_on}"

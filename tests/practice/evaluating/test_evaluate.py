"""`seatrial evaluate`: a task with weights or files of predictions in, predictions, figures and a page out; the vault stays shut."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tasks import Net, clusters
from torch import nn

from seatrial.cli.evaluate import command
from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.practice.evaluating.evaluating import predicted
from seatrial.practice.fitting.checkpoints import save_weights
from seatrial.practice.task import Task

TASK = """
import sys
sys.path.insert(0, {folder!r})
from tasks import Net, clusters
from torch import nn
from seatrial import Task
task = Task(Net, nn.CrossEntropyLoss(), clusters(), validation=clusters(60, 1){more})
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Calls the command in an empty folder with the weights of two untrained networks."""
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        save_weights(Net(), tmp_path / f"{number}.safetensors")

    def write(more=""):
        (tmp_path / "task.py").write_text(TASK.format(folder=str(Path(__file__).parents[1]), more=more))

    def call(*words):
        return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=True)

    write()
    call.write = write
    return call


def test_predicting_draws_no_random_numbers_of_the_process(tmp_path):
    save_weights(Net(), tmp_path / "w.safetensors")
    task = Task(Net, nn.CrossEntropyLoss(), clusters(), validation=clusters(60, 1))
    before = torch.get_rng_state()
    predicted(task, [tmp_path / "w.safetensors"])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_task_with_weights(asked, tmp_path):
    done = asked("task.py", "--weights", "1.safetensors", "--out", "found")
    assert done.exit_code == 0, done.output
    assert "On 60 examples of the validation data the accuracy is" in done.output
    assert "somewhat too good" in done.output
    data = json.loads((tmp_path / "found" / "evaluation.json").read_text())
    table = Predictions.read(tmp_path / "found" / "predictions.npz")
    assert data["figures"][0]["value"] == table.right.mean()
    assert "<h1>On 60 examples" in (tmp_path / "found" / "evaluation.html").read_text()


def test_the_table_of_predictions_gives_the_same_figures(asked, tmp_path):
    asked("task.py", "--weights", "1.safetensors", "--out", "one", "--quiet")
    done = asked("one/predictions.npz", "--out", "two", "--quiet")
    assert done.exit_code == 0 and not done.output
    one, two = (json.loads((tmp_path / folder / "evaluation.json").read_text()) for folder in ("one", "two"))
    assert one["figures"] == two["figures"] and one["calibration"] == two["calibration"]


def test_several_trainings_on_the_training_data(asked, tmp_path):
    done = asked(
        "task.py", "--weights", "1.safetensors", "--weights", "2.safetensors", "--on", "train", "--out", "found"
    )
    assert done.exit_code == 0, done.output
    assert "mean of 2 trainings" in done.output and "learnt by heart" in done.output
    tables = [Predictions.read(tmp_path / "found" / f"predictions-{number}.npz") for number in (1, 2)]
    assert [each.seed for each in tables] == [0, 1] and len(tables[0]) == 256


def test_a_table_of_another_program_is_searched_for_slices(asked, tmp_path):
    generator = np.random.default_rng(0)
    site = generator.choice(["north", "south"], 300)
    true = generator.choice(["cat", "dog"], 300)
    wrong = generator.random(300) < np.where(site == "north", 0.5, 0.1)
    said = np.where(wrong, np.where(true == "cat", "dog", "cat"), true)
    rows = [f"{t},{s},{p}" for t, s, p in zip(true, said, site, strict=True)]
    (tmp_path / "svm.csv").write_text("\n".join(["target,prediction,site", *rows]) + "\n")
    done = asked("svm.csv", "--out", "found")
    assert done.exit_code == 0, done.output
    assert "site north: share of wrong answers" in done.output
    other = asked("svm.csv", "--calibrate-on", "svm.csv", "--out", "again")
    assert other.exit_code == 0, other.output


def test_the_vault_is_not_opened(asked, tmp_path):
    asked.write(', vault="exam.vault"')
    done = asked("task.py", "--weights", "1.safetensors", "--out", "found")
    assert done.exit_code == 0, done.output
    assert "exam.vault stays sealed" in done.output
    assert not (tmp_path / "exam.vault").exists()
    done = asked("task.py", "--weights", "1.safetensors", "--on", "vault")
    assert isinstance(done.exception, UsageProblem) and "never by an evaluation" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["task.py"], "needs --weights"),
        (["task.py", "more.py", "--weights", "1.safetensors"], "One task"),
        (["table.npz", "--weights", "1.safetensors"], "--weights are for a task"),
    ],
)
def test_what_does_not_go_together_is_refused(asked, words, told):
    done = asked(*words)
    assert done.exit_code == 2 and told in done.output


def test_what_is_missing_is_told(asked):
    assert "predictions-file" in str(asked("none.npz").exception)
    assert "fit-weights" in str(asked("task.py", "--weights", "none.safetensors").exception)
    with pytest.raises(UsageProblem, match="evaluate-no-validation"):
        predicted(Task(Net, nn.CrossEntropyLoss(), clusters()), [])

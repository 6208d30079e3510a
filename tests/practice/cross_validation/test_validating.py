"""Cross-validation of small tasks: what a fold is tested on decides nothing, what was measured is not trained again, and the result says what
it is worth."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tasks import Net, clusters
from torch import nn

from seatrial import Task
from seatrial.cli.compare import command as compare_command
from seatrial.cli.cross_validate import command
from seatrial.errors import UsageProblem
from seatrial.evaluation.comparison.cross_validated import corrected_t
from seatrial.evaluation.predictions import Predictions
from seatrial.practice.cross_validation import validating
from seatrial.practice.cross_validation.outcome import CrossValidation, Scored
from seatrial.practice.cross_validation.showing import write
from seatrial.practice.cross_validation.validating import cross_validate
from seatrial.practice.fitting.settings import Settings

FEW = Settings(epochs=2, choose="accuracy", highest=True)


def accuracy(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (output.argmax(dim=1) == y).float().mean()


def task(count: int = 60, rate: float = 0.02, **more) -> Task:
    return Task(
        Net,
        nn.CrossEntropyLoss(),
        clusters(count),
        optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=rate),
        metric=accuracy,
        batch_size=8,
        name="net",
        **more,
    )


def test_each_fold_is_measured_on_what_its_training_did_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[set[int], set[int]]] = []
    real = validating.fit

    def watched(part, *args, **named):
        seen.append((set(part.train.indices), set(part.validation.indices)))
        return real(part, *args, **named)

    monkeypatch.setattr(validating, "fit", watched)
    before = torch.get_rng_state()
    found = cross_validate(task(), folds=3, settings=FEW, out=tmp_path, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    tested: list[int] = []
    for (learnt, chosen_by), each in zip(seen, found.scores, strict=True):
        predictions = Predictions.read(tmp_path / f"repeat-0-fold-{each.fold}" / "outer" / "predictions.npz")
        mine = set(predictions.ids.tolist())
        assert not (learnt & chosen_by or learnt & mine or chosen_by & mine)
        assert learnt | chosen_by | mine == set(range(60))
        assert float(predictions.right.mean()) == pytest.approx(each.score, abs=1e-6)
        tested += predictions.ids.tolist()
    assert sorted(tested) == list(range(60))
    write(found, tmp_path)
    _compared_with_itself(tmp_path, monkeypatch)


def _compared_with_itself(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """What is written is what `seatrial compare` reads: scores, and predictions of the folds."""
    monkeypatch.chdir(folder)
    parts = ",".join(f"{folder}/repeat-0-fold-{at}/outer/predictions.npz" for at in range(3))
    for one, other in ((f"a={folder}/scores.csv", f"b={folder}/scores.csv"), (f"a={parts}", f"b={parts}")):
        done = CliRunner().invoke(compare_command, [one, other, "--out", "found"], catch_exceptions=False)
        assert "corrected resampled t" in done.output and "3 folds" in done.output


def test_an_interrupted_one_goes_on_and_trains_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real, started = validating.fit, []

    def watched(part, folder, *args, **named):
        started.append(folder)
        if len(started) == 3:
            raise KeyboardInterrupt
        return real(part, folder, *args, **named)

    monkeypatch.setattr(validating, "fit", watched)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(task(), folds=3, settings=FEW, out=tmp_path, progress=False)
    found = cross_validate(task(), folds=3, settings=FEW, out=tmp_path, resume=True, progress=False)
    assert len(started) == 4
    assert len(found.known) == 3
    whole = cross_validate(task(), folds=3, settings=FEW, progress=False)
    assert [each.score for each in whole.scores] == [each.score for each in found.scores]
    with pytest.raises(UsageProblem, match="begun"):
        cross_validate(task(), folds=4, settings=FEW, out=tmp_path, resume=True, progress=False)
    other = task().having(loss=nn.CrossEntropyLoss(label_smoothing=0.1))
    with pytest.raises(UsageProblem, match=r"another one \(tasks\)"):
        cross_validate(other, folds=3, settings=FEW, out=tmp_path, resume=True, progress=False)
    with pytest.raises(UsageProblem, match="new cross-validation"):
        cross_validate(task(), folds=3, settings=FEW, out=tmp_path, progress=False)


def test_nested_chooses_within_the_folds_and_measures_the_choice(tmp_path: Path):
    candidates = {"good": task(), "bad": task(rate=1e-9)}
    found = cross_validate(task(), folds=2, candidates=candidates, inner=2, settings=FEW, out=tmp_path, progress=False)
    assert found.is_nested and [each.chosen for each in found.scores] == ["good", "good"]
    for each in found.scores:
        assert each.inner is not None and each.inner["good"] > each.inner["bad"]
    assert math.isfinite(found.optimism)
    assert "Chosen: good 2 times" in " ".join(found.said())
    write(found, tmp_path)
    told = json.loads((tmp_path / "cross-validation.json").read_text())
    assert told["scores"][0]["inner"].keys() == {"good", "bad"}


def test_groups_are_not_divided(tmp_path: Path):
    groups = [at // 3 for at in range(60)]
    found = cross_validate(task(groups=groups), folds=2, settings=FEW, out=tmp_path, progress=False)
    parts = [
        {groups[at] for at in Predictions.read(tmp_path / f"repeat-0-fold-{k}" / "outer" / "predictions.npz").ids}
        for k in range(2)
    ]
    assert not parts[0] & parts[1]
    assert not any("groups=" in each for each in found.limits())


def test_the_interval_is_the_corrected_one_and_its_weakness_is_told():
    values = [0.8, 0.75, 0.9, 0.85, 0.7]
    scores = tuple(Scored(0, at, 80, 20, value, {}) for at, value in enumerate(values))
    found = CrossValidation("t", "accuracy", True, 5, 1, 0, 0, ("t",), scores, False)
    assert found.mean == pytest.approx(0.8)
    expected = corrected_t(np.array(values), 0.25)
    assert found.interval is not None and found.interval.low == pytest.approx(expected.low)
    said = " ".join(found.limits())
    assert "Bengio and Grandvalet" in said and "nested" in said
    lost = CrossValidation(
        "t", "accuracy", True, 5, 1, 0, 0, ("t",), (*scores[:4], Scored(0, 4, 80, 20, math.nan, {})), False
    )
    assert len(lost.known) == 4 and "1 of 5 trainings diverged" in " ".join(lost.said())


def test_what_cannot_be_divided_so_is_refused_before_anything_is_trained(tmp_path: Path):
    with pytest.raises(UsageProblem, match="times"):
        cross_validate(task(times=list(range(60))), settings=FEW, out=tmp_path, progress=False)
    candidates = {"one": FEW, "other": task(times=list(range(60)))}
    with pytest.raises(UsageProblem, match="times"):
        cross_validate(task(), candidates=candidates, settings=FEW, out=tmp_path, progress=False)
    with pytest.raises(UsageProblem, match="two candidates"):
        cross_validate(task(), candidates={"one": FEW}, settings=FEW, out=tmp_path, progress=False)
    with pytest.raises(UsageProblem, match="same training data"):
        cross_validate(task(), candidates={"a": task(), "b": task(50)}, settings=FEW, out=tmp_path, progress=False)
    with pytest.raises(UsageProblem, match="at least 2 folds"):
        cross_validate(task(), folds=1, settings=FEW, out=tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_the_command_measures_and_chooses_among_several_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "task.py").write_text(
        """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from seatrial import Task

x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
data = TensorDataset(x, (x[:, 0] > 0).long())

def task(rate):
    return Task(lambda: nn.Linear(4, 2), nn.CrossEntropyLoss(), data, optimizer=lambda m: torch.optim.SGD(m.parameters(), lr=rate))

slow, fast = task(1e-6), task(0.5)
"""
    )
    words = ["task.py:slow", "task.py:fast", "--folds", "2", "--inner", "2", "--epochs", "2", "--out", "found"]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "task.py:fast 2 times" in " ".join(done.output.split())
    assert (tmp_path / "found" / "scores.csv").read_text().startswith("method,repeat,fold,train,test,score")
    again = CliRunner().invoke(command, [*words, "--resume", "--quiet"], catch_exceptions=False)
    assert again.output.startswith("loss ")
    assert "--resume needs --out" in CliRunner().invoke(command, ["task.py:slow", "--resume"]).output

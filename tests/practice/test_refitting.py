"""Once all is chosen, what was chosen learns from the validation data too: the same votes, more examples, and nothing that got worse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Subset, TensorDataset

from seatrial.errors import UsageProblem
from seatrial.practice.dividing import part_of
from seatrial.practice.ensembles.refitting import Recipe, refitted
from seatrial.practice.fitting.checkpoints import BEST, LAST, epoch_file, load_state, load_weights
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.lecture import conduct, refitting, stages, training
from seatrial.practice.lecture.choosing import with_params
from seatrial.practice.lecture.outcome import Diary
from seatrial.practice.task import Task
from seatrial.vault.vault import Vault

FEW = Settings(epochs=4, patience=0)
WITHOUT = ("check", "rate", "subset", "search", "imbalance")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An identity of the test's own, and members enough to see that there are some."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(training, "MEMBERS", 1)


def clouds(validation: bool = False, optimizer: Callable[[nn.Module], object] | None = None) -> Task:
    """Two clouds of points that a line divides."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 8, generator=generator)
    y = (x[:, 0] + x[:, 1] > 0).long()

    def right(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (output.argmax(dim=1) == y).float().mean()

    given = TensorDataset(x, y)
    return Task(
        lambda: nn.Linear(8, 2),
        nn.CrossEntropyLoss(),
        given,
        optimizer=optimizer,  # pyright: ignore[reportArgumentType]
        validation=given if validation else None,
        metric=right,
        batch_size=16,
    )


def practise(
    task: Task, out: Path, monkeypatch: pytest.MonkeyPatch, without: tuple[str, ...] = WITHOUT, settings: Settings = FEW
) -> Diary:
    """A practice of the stages that this is about."""
    kept = tuple(stage for stage in stages.STAGES if stage.name not in without)
    monkeypatch.setattr(conduct, "STAGES", kept)
    return conduct.practise(task, out, settings, progress=False)


def test_the_ensemble_learns_from_all_data_that_are_not_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = practise(clouds(), tmp_path / "p", monkeypatch)
    assert "learnt anew from 320 examples instead of 272." in diary.outcomes["refit"].sentences[0]
    first, last = (
        json.loads((tmp_path / "p" / folder / "ensemble.json").read_text()) for folder in ("ensemble", "refit")
    )
    voices = [[(each["name"], each["weight"]) for each in made["members"]] for made in (first, last)]
    assert voices[0] == voices[1]
    assert (first["vote"], first["temperature"]) == (last["vote"], last["temperature"])
    assert not {each["sha256"] for each in first["members"]} & {each["sha256"] for each in last["members"]}
    opened = Vault(tmp_path / "p" / "test.vault").log()[1]
    examined = hashlib.sha256((tmp_path / "p" / "refit" / "ensemble.json").read_bytes()).hexdigest()
    assert opened.body["model"]["hash"] == examined


def test_a_training_alone_learns_again_to_its_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = practise(
        clouds(), tmp_path / "p", monkeypatch, (*WITHOUT, "ensemble"), replace(FEW, choose="right", highest=True)
    )
    again = load_state(tmp_path / "p" / "refit" / "training")
    assert again["best"] == len(again["epochs"]) == diary.value("train", "best")
    model = tmp_path / "p" / "refit" / "model.safetensors"
    opened = Vault(tmp_path / "p" / "test.vault").log()[1]
    assert opened.body["model"]["hash"] == hashlib.sha256(model.read_bytes()).hexdigest()


def test_an_interruption_while_learning_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = practise(clouds(), tmp_path / "whole", monkeypatch)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("seatrial.practice.ensembles.refitting.having_learnt_anew", interrupted)
        with pytest.raises(KeyboardInterrupt):
            practise(clouds(), tmp_path / "p", monkeypatch)
    gone_on = practise(clouds(), tmp_path / "p", monkeypatch)
    assert gone_on.outcomes["refit"].sentences == whole.outcomes["refit"].sentences
    assert gone_on.value("open", "scores") == whole.value("open", "scores")


def test_what_got_worse_by_learning_again_stays_as_it_was(tmp_path: Path) -> None:
    whole = clouds()
    chosen_by = Subset(whole.train, range(300, 400))  # pyright: ignore[reportArgumentType]
    divided = part_of(whole, range(300)).having(validation=chosen_by)
    learnt = fit(divided, tmp_path / "first", Settings(epochs=10, rate=0.1), progress=False)
    path = tmp_path / "model.safetensors"
    hardly = Recipe(whole, Settings(epochs=1, rate=1e-6))
    why = refitted(hardly, learnt.weights, tmp_path / "hardly", path, progress=False)
    assert "the loss on all data was" in why
    assert not path.exists()
    well = Recipe(whole, Settings(epochs=20, rate=0.1))
    assert not refitted(well, learnt.weights, tmp_path / "well", path, progress=False)
    assert path.read_bytes() == (tmp_path / "well" / LAST).read_bytes()


def test_validation_data_of_the_tasks_own_are_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = practise(clouds(validation=True), tmp_path / "p", monkeypatch, (*WITHOUT, "ensemble"))
    assert "the task's own" in diary.outcomes["refit"].skipped
    assert diary.value("open", "scores")


def test_a_rate_that_follows_the_validation_loss_is_not_imitated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watching(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.ReduceLROnPlateau:
        return torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)

    task = clouds().having(schedule=watching)
    diary = practise(task, tmp_path / "p", monkeypatch, (*WITHOUT, "ensemble"))
    assert "follows the validation loss" in diary.outcomes["refit"].skipped


def test_a_training_until_an_epoch_is_the_beginning_of_the_whole_one(tmp_path: Path) -> None:
    settings = Settings(epochs=4, schedule="cosine", patience=0, kept=1)
    fit(clouds().having(metric=None), tmp_path / "whole", settings, progress=False)
    part = fit(clouds().having(metric=None), tmp_path / "part", replace(settings, until=2, kept=0), progress=False)
    assert len(part.history.epochs) == 2
    assert part.weights == tmp_path / "part" / BEST
    whole, begun = nn.Linear(8, 2), nn.Linear(8, 2)
    load_weights(whole, tmp_path / "whole" / epoch_file(2))
    load_weights(begun, tmp_path / "part" / LAST)
    assert torch.equal(whole.weight, begun.weight)


def test_an_epoch_below_none_is_refused() -> None:
    with pytest.raises(UsageProblem, match="until of at least 0"):
        Settings(until=-1)


def test_the_stage_stands_between_the_choice_and_the_vault() -> None:
    names = [stage.name for stage in stages.STAGES]
    assert names.index("ensemble") < names.index("refit") < names.index("open")
    assert stages.STAGES[names.index("refit")].run is refitting.learn_anew


def test_a_task_of_a_space_learns_from_all_data_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seatrial.practice.lecture.practice import Practice

    monkeypatch.setattr(
        Practice,
        "chosen",
        property(lambda of: with_params(of, {"rate": 0.1})),
    )
    kept = tuple(stage for stage in stages.STAGES if stage.name not in (*WITHOUT, "ensemble"))
    monkeypatch.setattr(conduct, "STAGES", kept)

    def space(trial: Any) -> Task:
        rate = trial.suggest_float("rate", 1e-3, 1.0, log=True)
        return clouds(optimizer=lambda model: torch.optim.SGD(model.parameters(), rate))

    diary = conduct.practise(clouds(), tmp_path / "p", FEW, space=space, progress=False)
    assert diary.outcomes["refit"].sentences == ("The network has learnt anew from 320 examples instead of 272.",)

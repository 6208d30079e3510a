"""Trainings with schedules and optimizers by name: the rates they use, and going on after an interruption bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tasks import Net, clusters

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.fitting.display import Display
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.settings import Settings

EPOCHS = 3


def task(**named: Any) -> Task:
    return Task(Net, torch.nn.CrossEntropyLoss(), clusters(96), validation=clusters(64, 1), batch_size=16, **named)


def settings(**named: Any) -> Settings:
    return Settings(epochs=EPOCHS, patience=0, kept=0, save_seconds=0.0, accelerator="cpu", **named)


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int, out: Path, trained: Task, chosen: Settings) -> None:
    """Train until so many steps are done and saved."""
    seen: list[int] = []
    told = Display.told

    def stop(self: Display, *given: Any) -> None:
        told(self, *given)
        seen.append(1)
        if len(seen) == at + 1:  # the state of step `at` has been saved
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Display, "told", stop)
        fit(trained, out, chosen, progress=False)


def outcome(folder: Path) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
    epochs = json.loads((folder / "history.json").read_text())
    return load_file(folder / "last.safetensors"), [{**epoch, "seconds": 0} for epoch in epochs]


@pytest.mark.parametrize(
    ("optimizer", "schedule", "at"),
    [
        ("", "1/t", 5),
        ("", "plateau", 5),
        ("", "step", 13),
        ("sgd", "cosine", 14),
        ("adamw", "wsd", 12),
        ("schedule-free", "warm-up", 8),
        ("schedule-free", "warm-up", 11),
    ],
)
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    optimizer: str, schedule: str, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if optimizer == "schedule-free":
        pytest.importorskip("schedulefree")
    chosen = settings(optimizer=optimizer, rate=0.01, schedule=schedule)
    fit(task(), tmp_path / "whole", chosen, progress=False)
    interrupted(monkeypatch, at, tmp_path / "cut", task(), chosen)
    fit(task(), tmp_path / "cut", chosen, resume=True, progress=False)
    (weights, epochs), (others, other_epochs) = outcome(tmp_path / "whole"), outcome(tmp_path / "cut")
    assert epochs == other_epochs
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_other_epochs_are_refused_where_the_schedule_was_made_for_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, 8, tmp_path / "a", task(schedule="cosine"), settings())
    with pytest.raises(UsageProblem, match="epochs 3 before and 9 now"):
        fit(task(schedule="cosine"), tmp_path / "a", Settings(epochs=9, accelerator="cpu"), resume=True, progress=False)


def test_the_rate_is_what_the_settings_and_the_schedule_say(tmp_path: Path) -> None:
    done = fit(task(), tmp_path, settings(optimizer="sgd", rate=0.2, schedule="step"), progress=False)
    assert [epoch.rate for epoch in done.history.epochs] == pytest.approx([0.02, 0.002, 0.0002])
    assert {f.name for f in done.verdict.findings if f.severity != "note"} == set()


def test_a_task_brings_a_schedule_of_its_own(tmp_path: Path) -> None:
    steps: list[int] = []

    def own(optimizer: torch.optim.Optimizer, count: int) -> Any:
        steps.append(count)
        return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.5, total_iters=count)

    done = fit(task(schedule=own), tmp_path, settings(), progress=False)
    assert steps == [EPOCHS * 6]
    assert done.history.epochs[-1].rate == pytest.approx(0.5e-3)


def test_what_is_no_schedule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="schedule among"):
        task(schedule="cosinus")
    with pytest.raises(UsageProblem, match="torch scheduler"):
        fit(task(schedule=lambda optimizer, steps: 3), tmp_path, settings(), progress=False)
    with pytest.raises(UsageProblem, match="rate"):
        settings(rate=-1.0)
    with pytest.raises(UsageProblem, match="adamw"):
        settings(optimizer="adam-w")


def test_schedule_free_is_looked_at_with_its_averaged_weights(tmp_path: Path) -> None:
    schedulefree: Any = pytest.importorskip("schedulefree")
    modes: list[tuple[bool, bool]] = []

    class Watched(schedulefree.AdamWScheduleFree):
        pass

    held: list[Any] = []

    def factory(model: torch.nn.Module) -> Any:
        held[:] = [Watched(model.parameters(), lr=0.01), model]
        held[0].train()
        return held[0]

    def metric(output: torch.Tensor, y: torch.Tensor) -> float:
        modes.append((held[1].training, held[0].param_groups[0]["train_mode"]))
        return 0.0

    fit(task(optimizer=factory, metric=metric), tmp_path, settings(), progress=False)
    assert modes
    assert set(modes[4:]) == {(False, False)}  # the first ones are those of the trial of one batch

"""Optimizers compared on a small task: fair by construction, and honest about what was not seen."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from tasks import Net, clusters

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.optimizers import kinds
from seatrial.practice.optimizers.comparing import compare_optimizers
from seatrial.practice.optimizers.showing import show, write
from seatrial.practice.optimizers.words import supported, unsupported


def test_the_same_optimizer_twice_ends_the_same_on_every_seed(tmp_path: Path) -> None:
    """The task's own optimizer is SGD with momentum, as `sgd` is: weights, batches and steps are the same, so the figures are."""
    seen: list[bytes] = []

    class Seen(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training and torch.is_grad_enabled():
                seen.append(x.numpy().tobytes())
            return super().forward(x)

    def own(model: torch.nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(model.parameters(), lr=3.0, momentum=0.9, nesterov=True)

    task = Task(Seen, torch.nn.CrossEntropyLoss(), clusters(64), validation=clusters(64, 1), optimizer=own)
    rates = {"sgd": 0.05, "own": 0.05, "adamw": 1e-5}
    found = compare_optimizers(
        task, ["sgd", "own", "adamw"], epochs=2, seeds=2, rates=rates, runs=tmp_path / "runs", progress=False
    )
    first, second, third = found.candidates
    assert first.curves == second.curves
    assert first.curves != third.curves
    assert len(set(first.figures)) == 2  # another initialisation for each seed
    same = found.pairs[0].difference
    assert (same.mean, same.shown) == (0.0, False)
    third_part = len(seen) // 3
    assert seen[:third_part] == seen[third_part : 2 * third_part] == seen[2 * third_part :]
    assert (tmp_path / "runs" / "own-seed-1" / "best.safetensors").exists()
    assert "the same validation loss" in supported(found)[0]
    _written(found, tmp_path)


def _written(found: Any, folder: Path) -> None:
    write(found, folder)
    told = json.loads((folder / "optimizers.json").read_text())
    assert [each["name"] for each in told["candidates"]] == ["sgd", "own", "adamw"]
    assert ">adamw, rate" in (folder / "optimizers.svg").read_text()
    console = Console(width=120, record=True, file=io.StringIO())
    show(found, console)
    text = console.export_text()
    assert "What it does not" in text
    assert "Other schedules" in " ".join(unsupported(found))


def test_a_missing_package_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise UsageProblem(
            "Expected the package schedulefree, found it not installed.", "x", "pip install schedulefree"
        )

    monkeypatch.setattr(kinds, "_schedulefree", missing)
    task = Task(Net, torch.nn.CrossEntropyLoss(), clusters(64), validation=clusters(64, 1))
    with pytest.raises(UsageProblem, match="schedulefree"):
        compare_optimizers(task, ["schedule-free", "sgd"], progress=False)
    found = compare_optimizers(task, epochs=1, seeds=2, rates={"sgd": 0.05, "adamw": 0.01}, progress=False)
    assert "pip install schedulefree" in " ".join(unsupported(found))


def test_one_seed_or_one_optimizer_is_no_comparison() -> None:
    task = Task(Net, torch.nn.CrossEntropyLoss(), clusters(64))
    with pytest.raises(UsageProblem, match="seeds of at least 2"):
        compare_optimizers(task, seeds=1)
    with pytest.raises(UsageProblem, match="two optimizers"):
        compare_optimizers(task, ["sgd"], rates={"sgd": 0.1}, progress=False)

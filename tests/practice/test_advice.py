"""The recommended schedule on losses whose nature is known, and what is drawn."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from tasks import Net, clusters

from seatrial import Task
from seatrial.practice.annealing.advice import choose, reasons, recommend
from seatrial.practice.annealing.probing import Probe, measure
from seatrial.practice.annealing.schedules import KINDS
from seatrial.practice.annealing.showing import rates, show, write


def probed(floor: float, annealed_floor: float, pace: float, noise: float, seed: int = 0, length: int = 200) -> Probe:
    """Losses that fall to a floor with a pace, under noise; annealing takes them to another floor."""
    rng = np.random.default_rng(seed)
    at = np.arange(length)
    kept = floor + (3 - floor) * np.exp(-pace * at) + noise * rng.normal(size=(4, length))
    weight = np.clip((at - length / 2) / (length / 4), 0, 1)
    return measure(kept, kept + weight * (annealed_floor - floor) + 0.1 * noise * rng.normal(size=(4, length)), 0.1)


def test_a_loss_that_still_falls_keeps_its_rate_for_long() -> None:
    found = probed(0.1, 0.12, 0.005, 0.05)
    assert found.is_falling
    assert choose(found, 1000, validated=True, averages=False) == "wsd"
    assert "still falls" in " ".join(reasons("wsd", found, 1000))


def test_a_loss_held_up_by_noise_is_annealed_over_the_whole_budget() -> None:
    found = probed(1.0, 0.6, 0.1, 0.1)
    assert not found.is_falling
    assert found.gain.shown
    assert found.gain.mean == pytest.approx(0.4, abs=0.05)
    assert found.noise == pytest.approx(0.1, rel=0.2)
    assert choose(found, 1000, validated=True, averages=False) == "cosine"
    assert "lowers the loss by 4" in " ".join(reasons("cosine", found, 1000))


def test_where_annealing_shows_nothing_the_validation_decides() -> None:
    shown = 0
    for seed in range(20):
        found = probed(1.0, 1.0, 0.1, 0.1, seed)
        shown += choose(found, 1000, validated=True, averages=False) != "plateau"
        assert choose(found, 1000, validated=False, averages=False) in ("cosine", "wsd")
    assert shown <= 4


def test_an_optimizer_that_averages_wants_a_warm_up_and_a_lost_training_is_said() -> None:
    assert choose(probed(1.0, 0.6, 0.1, 0.1), 1000, validated=True, averages=True) == "warm-up"
    lost = np.full((4, 50), 1.0)
    lost[2, 30:] = np.inf
    found = measure(lost, np.ones((4, 50)), 5.0)
    assert found.diverged == 1
    assert "1 of 4" in " ".join(reasons("cosine", found, 1000))


def test_a_task_gets_a_recommendation_and_a_picture(tmp_path: Path) -> None:
    task = Task(Net, torch.nn.CrossEntropyLoss(), clusters(96), validation=clusters(64, 1))
    before = torch.random.get_rng_state()
    advice = recommend(task, epochs=20, optimizer="sgd", rate=0.05, seconds=1.0)
    assert torch.equal(before, torch.random.get_rng_state())
    assert advice.schedule in KINDS
    assert advice.steps == 60
    write(advice, tmp_path)
    assert json.loads((tmp_path / "schedules.json").read_text())["schedule"] == advice.schedule
    picture = (tmp_path / "schedules.svg").read_text()
    assert all(f">{name}" in picture for name in KINDS)
    console = Console(width=100, record=True, file=io.StringIO())
    show(advice, console)
    assert f"Recommended: {advice.schedule}" in console.export_text()


def test_a_plateau_is_drawn_to_come_halfway() -> None:
    found = rates("plateau", 1.0, 100, 20)
    assert found[0] == found[59] == 1.0
    assert found[-1] < 1.0


def test_the_fall_of_a_straight_line_is_that_of_its_second_half() -> None:
    line = np.tile(np.linspace(2, 1, 241)[:-1], (4, 1))
    found = measure(line, line, 0.1)
    assert found.fall * found.level == pytest.approx(0.5 * 11 / 12, rel=0.01)  # between the middles of 12 blocks

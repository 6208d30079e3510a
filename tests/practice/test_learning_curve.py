"""What more data would bring: the law is found where there is one, its interval holds, and nothing is said where nothing is sure."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tasks import Net, clusters

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.learning_curve import LearningCurve, Point, learning_curve


def points(level: float, scale: float, exponent: float, noise: float, seed: int = 0, seeds: int = 3) -> list[Point]:
    generator = np.random.default_rng(seed)
    return [
        Point(size, at, float(level + scale * size**-exponent + noise * generator.standard_normal()))
        for at in range(seeds)
        for size in (125, 250, 500, 1000)
    ]


def of(given: list[Point], highest: bool = False) -> LearningCurve:
    return learning_curve(given, highest=highest)


def test_a_law_without_noise_is_found():
    found = of(points(0.2, 5.0, 0.5, 0.0))
    assert found.twice is not None
    assert found.twice.value == pytest.approx(0.2 + 5 * 2000**-0.5, rel=0.01)
    assert found.said.startswith("Twice the data: from 0.358 to 0.31")


def test_a_share_that_rises_stays_below_one():
    found = of(points(0.99, -3.0, 0.6, 0.002), highest=True)
    assert found.twice is not None and found.now is not None
    assert found.now.value < found.twice.value <= 1 and found.twice.high <= 1
    assert found.said.startswith("Twice the data: from 0.94")


def test_the_interval_covers_what_twice_the_data_bring():
    true = 0.3 + 4.0 * 2000**-0.4
    inside = 0
    for seed in range(40):
        twice = of(points(0.3, 4.0, 0.4, 0.02, seed=seed)).twice
        assert twice is not None
        inside += twice.low <= true <= twice.high
    assert inside >= 34  # of 40, where 38 are meant


def test_of_a_flat_or_a_noisy_curve_no_gain_is_claimed():
    for seed in range(10):
        assert "Twice the data: " not in of(points(0.5, 0.0, 0.5, 0.02, seed=seed)).said
    assert "cannot be told" in of(points(0.5, 1.0, 0.3, 0.3)).said


def test_too_few_sizes_or_no_results_are_told():
    assert "3 sizes" in of([Point(10, 0, 1.0), Point(20, 0, 0.5)]).said
    assert "without a result" in of([Point(size, 0, float("nan")) for size in (10, 20, 40)]).said


def test_a_task_is_trained_on_growing_subsets_with_as_many_steps_each():
    pytest.importorskip("lightning_fabric")
    from seatrial.practice.fitting.growing import _for_share, grown
    from seatrial.practice.fitting.settings import Settings

    settings = Settings(epochs=2, accelerator="cpu")
    assert [_for_share(settings, share, 0).epochs for share in (1 / 8, 1 / 2, 1.0)] == [16, 4, 2]
    told: list[int] = []
    before = torch.get_rng_state()
    task = Task(Net, torch.nn.CrossEntropyLoss(), clusters(256), validation=clusters(80, 1))
    found = grown(task, settings, lambda point, of: told.append(of), seeds=2)
    assert [(each.examples, each.seed) for each in found] == [
        (size, seed) for seed in (0, 1) for size in (32, 64, 128, 256)
    ]
    assert told == [8] * 8 and len({each.value for each in found}) == 8
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(UsageProblem, match="learning-curve-validation"):
        grown(Task(Net, torch.nn.CrossEntropyLoss(), clusters(256)), settings, lambda point, of: None)

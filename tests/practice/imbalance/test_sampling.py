"""What samplers show, how often, and that a training with one goes on bit for bit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rare import task
from torch.utils.data import WeightedRandomSampler

from seatrial.errors import UsageProblem
from seatrial.practice.fitting.checkpoints import LAST
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.order import Share, steps_each, training_loader
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.fitting.subset import subset
from seatrial.practice.imbalance.sampling import Augmented, Balanced, FirstOf, Undersampled

CLASSES = np.repeat([0, 1, 2], [900, 90, 10])
NUMBERS = np.arange(1000)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_balanced_sampling_has_the_frequencies_of_torchs_weighted_sampler():
    ours = np.concatenate([Balanced(CLASSES)(NUMBERS, generator(seed)) for seed in range(30)])
    weights = (1 / np.bincount(CLASSES))[CLASSES]
    theirs = np.array(list(WeightedRandomSampler(weights.tolist(), 30_000, generator=generator(99))))
    for found in (ours, theirs):
        assert np.bincount(CLASSES[found]) / 30_000 == pytest.approx([1 / 3] * 3, abs=4 * 0.0027)
    rare = np.bincount(ours[CLASSES[ours] == 2], minlength=1000)[990:]
    assert rare == pytest.approx([1000] * 10, abs=150)  # each example of a class alike


def test_each_round_of_undersampling_has_all_of_the_rarest_and_others_as_often():
    order = Undersampled(CLASSES)(NUMBERS, generator(0))
    assert len(order) == 1000
    rounds = [order[at : at + 30] for at in range(0, 990, 30)]
    for each in rounds:
        assert len(set(each)) == 30
        assert np.bincount(CLASSES[each]).tolist() == [10, 10, 10]
        assert set(each) >= set(range(990, 1000))
    assert len({at for each in rounds for at in each if at < 900}) > 250  # not the same ones again


def test_orders_follow_from_seed_and_epoch_alone():
    for sampler in (Balanced, Undersampled):
        of = task()
        of = of.having(sampler=sampler(np.array([int(y) for _, y in of.train])))  # pyright: ignore[reportGeneralTypeIssues]

        def batches(epoch: int, seed: int, of: Any = of) -> list[list[int]]:
            return list(training_loader(of, of.train, epoch, seed, Share()).batch_sampler)  # pyright: ignore[reportArgumentType]

        assert batches(1, 5) == batches(1, 5)
        assert batches(1, 5) != batches(2, 5) != batches(1, 6)
        assert len(batches(0, 0)) == steps_each(of, of.train) == len(of.train) // 16  # pyright: ignore[reportArgumentType]
        parts = [list(training_loader(of, of.train, 1, 5, Share(rank, 2)).batch_sampler) for rank in range(2)]  # pyright: ignore[reportArgumentType]
        assert [sorted(a + b) for a, b in zip(*parts, strict=True)] == [sorted(each) for each in batches(1, 5)]


def test_a_subset_stays_one():
    of = task()
    of = of.having(sampler=Balanced(np.array([int(y) for _, y in of.train])))  # pyright: ignore[reportGeneralTypeIssues]
    part: Any = subset(of, 0.5, 0)
    shown = [at for batch in training_loader(of, part, 0, 0, Share()).batch_sampler for at in batch]  # pyright: ignore[reportOptionalIterable]
    assert set(shown) <= set(part.indices)
    assert len(shown) == len(part) // 16 * 16


def test_what_looks_for_a_rate_sees_what_is_trained_on():
    of = task()
    of = of.having(sampler=Balanced(np.array([int(y) for _, y in of.train])))  # pyright: ignore[reportGeneralTypeIssues]
    seen = np.concatenate([y.numpy() for _, y in of.loader(of.train, shuffle=True, seed=0)])
    assert np.bincount(seen) / len(seen) == pytest.approx([1 / 3] * 3, abs=0.15)
    assert of.validation is not None
    whole = np.concatenate([y.numpy() for _, y in of.loader(of.validation, shuffle=False, seed=0)])
    assert np.bincount(whole).tolist() == [90, 20, 6]


def test_a_shorter_epoch_has_fewer_steps():
    of = task().having(sampler=FirstOf(40))
    assert steps_each(of, of.train) == len(training_loader(of, of.train, 0, 0, Share())) == 2


def test_a_sampler_that_gives_what_is_not_there_is_refused():
    with pytest.raises(UsageProblem, match="others \\(999\\)"):
        training_loader(task(sampler=lambda numbers, generator: [*numbers, 999]), task().train, 0, 0, Share())
    of = task(sampler=lambda numbers, generator: [0])
    with pytest.raises(UsageProblem, match="less than a batch"):
        training_loader(of, of.train, 0, 0, Share())
    with pytest.raises(UsageProblem, match="task-sampler"):
        task(sampler=3)


@pytest.mark.parametrize("sampler", [Balanced, Undersampled])
def test_a_training_that_goes_on_ends_with_the_same_weights(sampler: Any, tmp_path: Path):
    of = task()
    of = of.having(sampler=sampler(np.array([int(y) for _, y in of.train])))  # pyright: ignore[reportGeneralTypeIssues]
    fit(of, tmp_path / "whole", Settings(2, 0, kept=0), progress=False)
    fit(of, tmp_path / "parts", Settings(1, 0, kept=0), progress=False)
    fit(of, tmp_path / "parts", Settings(2, 0, kept=0), resume=True, progress=False)
    assert (tmp_path / "whole" / LAST).read_bytes() == (tmp_path / "parts" / LAST).read_bytes()


def test_rare_examples_are_augmented_and_common_ones_are_not():
    data = [(torch.zeros(1), int(each)) for each in CLASSES]
    torch.manual_seed(0)
    made = Augmented(data, lambda x: x + 1, CLASSES)
    seen = Counter(y for _ in range(10) for x, y in (made[at] for at in range(len(made))) if float(x))
    assert seen[0] == 0
    assert seen[1] / 900 == pytest.approx(0.9, abs=0.04)
    assert seen[2] / 100 == pytest.approx(0.989, abs=0.04)

"""Made examples: of rare classes alone, between those that are there, in the form of the task's own, never where remedies are judged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rare import pictures, single, task
from torch import nn

from seatrial.practice.imbalance import tables
from seatrial.practice.imbalance.rarity import rarity
from seatrial.practice.imbalance.remedies import choice, why_not


@pytest.mark.parametrize("kind", ["smote", "borderline-smote", "adasyn"])
def test_all_classes_have_about_as_many_and_real_ones_stay(kind):
    of = task()
    known = rarity(of)
    made = tables.resampled(of, known, kind, 0)
    x, y = made.tensors
    counts = np.bincount(y.numpy())
    assert counts[0] == 90
    assert counts == pytest.approx([90] * 3, abs=0 if kind != "adasyn" else 20)
    real, classes = of.train.tensors  # pyright: ignore[reportAttributeAccessIssue]
    assert torch.allclose(x[: len(real)], real) and torch.equal(y[: len(real)], classes)
    assert (x.dtype, y.dtype) == (real.dtype, classes.dtype)
    rare = real[classes == 2]
    new = x[len(real) :][y[len(real) :] == 2]
    assert (new >= rare.min(0).values - 1e-6).all() and (new <= rare.max(0).values + 1e-6).all()


def test_the_judging_data_are_untouched_and_epochs_are_no_longer():
    of = task()
    changed = choice("smote").remedy.make(of, rarity(of), 1)
    assert changed.validation is of.validation
    assert len(changed.train) == 270  # pyright: ignore[reportArgumentType]
    assert changed.sampler is not None
    shown = changed.sampler(np.arange(270), torch.Generator().manual_seed(0))
    assert len(set(shown)) == len(shown) == 116


def test_targets_keep_their_form():
    of = single(nn.BCEWithLogitsLoss())
    made = tables.resampled(of, rarity(of), "smote-enn", 0)
    assert made.tensors[1].shape[1:] == (1,)
    assert made.tensors[1].dtype == torch.float32


def test_what_is_no_table_is_said():
    assert "an input and a class" in tables.why_not(pictures(), rarity(pictures()))
    of = task((40, 10, 1))
    assert "one example" in why_not(choice("smote"), of, rarity(of))

    class Noisy(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 40

        def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
            return torch.randn(4), at % 4 // 3

    of = task().having(train=Noisy(), validation=Noisy(), model=lambda: nn.Linear(4, 2))
    assert "augmented" in tables.why_not(of, rarity(of))

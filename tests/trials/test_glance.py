"""Glances at digits: as they are, with their labels mixed up, moved, copied, and at data that cannot be judged."""

from __future__ import annotations

import time

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from seatrial.events import DataGlanced
from seatrial.trials.glance import glance

GENERATOR = torch.Generator().manual_seed(0)
DIGITS = load_digits()
ORDER = torch.randperm(len(DIGITS.target), generator=GENERATOR)
IMAGES = torch.tensor(DIGITS.images, dtype=torch.float32).unsqueeze(1)[ORDER]
LABELS = torch.tensor(DIGITS.target)[ORDER]


def seen(inputs: Tensor, targets: Tensor, size: int = 32) -> DataGlanced | None:
    return next(glance(list(zip(inputs.split(size), targets.split(size), strict=True))), None)


def test_digits_as_they_are() -> None:
    found = seen(IMAGES, LABELS)
    assert found is not None
    assert (found.examples, found.features, found.classes) == (1797, 61, 10)
    assert found.nearest.score > 0.97
    assert found.linear.score > 0.9
    assert found.nearest_in_batch.score > 0.6
    assert found.shifted.score < 0.2
    assert found.copy == -1


def test_labels_that_belong_to_other_images() -> None:
    found = seen(IMAGES, LABELS[torch.randperm(1797, generator=GENERATOR)])
    assert found is not None
    for each in (found.nearest, found.nearest_in_batch, found.linear, found.single, found.shifted):
        assert abs(each.score - each.chance) < 4 * each.spread


def test_labels_that_are_one_off() -> None:
    found = seen(IMAGES, LABELS.roll(-1))
    assert found is not None
    assert found.nearest.score < 0.15
    assert (found.shift, round(found.shifted.score, 1)) == (-1, 1.0)


def test_examples_that_come_again_are_taken_once() -> None:
    once, twice = seen(IMAGES[:200], LABELS[:200]), seen(IMAGES[:200].repeat(2, 1, 1, 1), LABELS[:200].repeat(2))
    assert once == twice


def test_a_copy_of_the_label_among_the_features() -> None:
    flat = torch.cat([IMAGES.flatten(1), LABELS.unsqueeze(1) * 1.0], 1)
    found = seen(flat, LABELS)
    assert found is not None
    assert found.copy == 64
    assert found.without_copy is not None
    assert found.without_copy.score > 0.97


def test_words_are_counted() -> None:
    words = torch.randint(0, 100, (400, 30), generator=GENERATOR)
    kinds = torch.randint(0, 2, (400,), generator=GENERATOR)
    words[:, :6] = torch.where(kinds.unsqueeze(1) > 0, 7, 8)
    words = torch.stack([row[torch.randperm(30, generator=GENERATOR)] for row in words])
    found = seen(words, kinds)
    assert found is not None
    assert found.linear.score > 0.9


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (IMAGES[:20], LABELS[:20]),  # too few
        (IMAGES[:200], LABELS[:200] * 0),  # nothing to tell apart
        (IMAGES[:200], torch.arange(200)),  # a class for each
        (IMAGES[:200] * 0, LABELS[:200]),  # one example only
        (IMAGES[:200, 0, 0, 0], LABELS[:200]),  # no features
        (IMAGES[:200], torch.full((200,), torch.nan)),
        (torch.arange(200).unsqueeze(1), LABELS[:200]),  # names of examples
    ],
)
def test_what_cannot_be_judged(inputs: Tensor, targets: Tensor) -> None:
    assert seen(inputs, targets) is None
    assert next(glance([]), None) is None


def test_targets_of_several_numbers_are_not_judged() -> None:
    assert next(glance([(IMAGES, torch.randn(1797, 3))]), None) is None


def test_it_takes_about_a_second() -> None:
    start = time.process_time()
    seen(torch.randn(2000, 1000), torch.randint(0, 10, (2000,)))
    assert time.process_time() - start < 5  # about one alone on a core

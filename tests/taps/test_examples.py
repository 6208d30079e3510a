"""Which inputs are kept with which targets, and how many."""

from __future__ import annotations

import torch

from seatrial.taps import examples
from seatrial.taps.examples import Examples

X, Y = torch.arange(12.0).reshape(4, 3), torch.tensor([0, 1, 1, 0])


def kept(phase: str = "training") -> tuple[Examples, list[tuple[torch.Tensor, torch.Tensor]]]:
    found = Examples()
    return found, found.pairs.setdefault((phase, 0), [])


def test_an_input_is_kept_with_the_target_of_its_tick_as_they_were() -> None:
    found, pairs = kept()
    x, y = X.clone(), Y.clone()
    found.input("training", 0, 5, x)
    found.target("training", 5, y)
    x.zero_(), y.zero_()
    assert torch.equal(pairs[0][0], X)
    assert torch.equal(pairs[0][1], Y)


def test_what_does_not_belong_together_is_not_kept() -> None:
    found, pairs = kept()
    found.input("training", 0, 5, X)
    found.target("training", 6, Y)  # a later step
    found.input("training", 0, 6, X)
    found.target("evaluation", 6, Y)
    found.input("training", 0, 7, X)
    found.target("training", 7, Y[:3])  # not one for each
    found.input("training", 0, 8, X)
    found.target("training", 8, X)
    found.target("training", 8, Y)  # the second loss
    found.target("training", 9, Y)  # no input
    found.input("training", 0, 10, X)
    found.input("training", 0, 10, X)  # a pair of inputs
    found.target("training", 10, Y)
    assert pairs == []


def test_several_passes_in_one_tick() -> None:
    found, pairs = kept("evaluation")
    for _ in range(3):
        found.input("evaluation", 0, 5, X)
        found.target("evaluation", 5, Y)
    assert len(pairs) == 3


def test_large_batches_and_examples_are_thinned_and_memory_is_bounded() -> None:
    found, pairs = kept()
    large = torch.zeros(600, 3, 64, 64)
    for tick in range(100):
        found.input("training", 0, tick, large)
        found.target("training", tick, torch.zeros(600, 1))
    assert pairs[0][0].shape[0] == 512
    assert pairs[0][0].shape[1] <= examples.MOST_FEATURES
    assert pairs[0][1].shape == (512,)
    assert sum(x.nbytes for x, _ in pairs) <= examples.MEGABYTES * 2**20
    assert 1 < len(pairs) < 10


def test_no_more_examples_than_wanted() -> None:
    found, pairs = kept()
    for tick in range(3000):
        found.input("training", 0, tick, X)
        found.target("training", tick, Y)
    assert sum(len(x) for x, _ in pairs) == examples.MOST_EXAMPLES
